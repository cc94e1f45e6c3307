// SPDX-License-Identifier: GPL-3.0-or-later
// One end of a bare negotiation: runs the transports' attempts without link, engine or server, and tells which paths
// open. Descriptions and candidates go as JSON lines over stdout and stdin. The other end is a second path_probe.
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/netlab/probe_transports.hpp"
#include "tubes/base/log.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::netlab {
namespace {

namespace asio = boost::asio;
namespace ports = core::ports;
using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

void tell(const json& event) {
    std::cout << event.dump() << std::endl;
}

double seconds_since(SteadyClock::time_point begun) {
    return std::chrono::duration<double>(SteadyClock::now() - begun).count();
}

// One open path: greets the peer, then carries `amount` bytes from the initiator to the responder.
class OpenPath final : public ports::MessagePath::Handler {
public:
    OpenPath(std::unique_ptr<ports::MessagePath> path, core::LinkRole role, std::uint64_t amount,
             SteadyClock::time_point begun)
        : path_(std::move(path)),
          to_send_(role == core::LinkRole::initiator ? amount : 0),
          amount_(amount),
          made_(begun) {
        path_->start(*this);
        path_->send(0, base::as_bytes("hello"), {});
        path_->flush();
    }

    ~OpenPath() { path_->close(); }

    // Tells it when the path has come to travel another way (ICE may select a better pair while it is open).
    void check_kind() {
        const auto info = path_->info();
        if (!greeted_ || info.kind == kind_) return;
        kind_ = info.kind;
        tell({{"event", "path"},
              {"kind", to_string(info.kind)},
              {"local", info.local_address},
              {"remote", info.remote_address},
              {"detail", info.detail},
              {"seconds", seconds_since(made_)}});
    }

    void on_message(core::ports::Lane, core::ByteView message) override {
        if (!greeted_) {
            greeted_ = true;
            begun_ = SteadyClock::now();
            check_kind();
            pump();
            return;
        }
        received_ += message.size();
        if (received_ == amount_) {
            tell({{"event", "received"}, {"bytes", received_}, {"seconds", seconds_since(begun_)}});
        }
    }

    void on_writable() override { pump(); }

    void on_closed(error_code reason) override {
        tell({{"event", "closed"}, {"kind", to_string(path_->info().kind)}, {"reason", reason.message()}});
    }

private:
    void pump() {
        static const core::Bytes block(ports::kMaxMessageSize, 0x5a);
        while (to_send_ > 0) {
            const auto size = std::min<std::uint64_t>(to_send_, block.size());
            if (!path_->send(0, {}, core::ByteView(block).first(size))) break;
            to_send_ -= size;
        }
        path_->flush();
    }

    std::unique_ptr<ports::MessagePath> path_;
    std::uint64_t to_send_;
    std::uint64_t amount_;
    std::uint64_t received_ = 0;
    SteadyClock::time_point made_;
    std::optional<PathKind> kind_;
    bool greeted_ = false;
    SteadyClock::time_point begun_;
};

// One attempt of one transport and what it hands over.
class Try final : public ports::PathAttempt::Handler {
public:
    Try(std::unique_ptr<ports::PathAttempt> attempt, core::LinkRole role, std::uint64_t amount)
        : attempt_(std::move(attempt)), role_(role), amount_(amount) {
        attempt_->start(*this);
    }

    ports::PathAttempt& attempt() { return *attempt_; }

    void check_kinds() {
        for (const auto& path : paths_) path->check_kind();
    }

    void on_description(const ports::TransportDescription& description) override {
        tell({{"event", "description"},
              {"kind", static_cast<int>(description.kind)},
              {"attributes", description.attributes}});
    }
    void on_candidate(const ports::Candidate& candidate) override {
        tell(
            {{"event", "candidate"}, {"kind", static_cast<int>(candidate.kind)}, {"attributes", candidate.attributes}});
    }
    void on_candidates_end() override { tell({{"event", "end"}}); }
    void on_path(std::unique_ptr<ports::MessagePath> path) override {
        paths_.push_back(std::make_unique<OpenPath>(std::move(path), role_, amount_, begun_));
    }
    void on_failed(error_code reason) override { tell({{"event", "failed"}, {"reason", reason.message()}}); }

private:
    std::unique_ptr<ports::PathAttempt> attempt_;
    core::LinkRole role_;
    std::uint64_t amount_;
    SteadyClock::time_point begun_ = SteadyClock::now();
    std::vector<std::unique_ptr<OpenPath>> paths_;
};

ports::AttemptParameters parameters_from(const json& setup) {
    ports::AttemptParameters parameters;
    parameters.link = core::LinkId::from_hex(setup.at("link").get<std::string>()).value();
    parameters.role = setup.at("initiator").get<bool>() ? core::LinkRole::initiator : core::LinkRole::responder;
    for (const auto& entry : setup.at("servers")) {
        ports::IceServer server;
        server.scheme = static_cast<ports::IceServer::Scheme>(entry.at("scheme").get<int>());
        server.host = entry.at("host").get<std::string>();
        server.port = entry.at("port").get<std::uint16_t>();
        server.username = entry.value("username", "");
        server.password = entry.value("password", "");
        parameters.servers.push_back(server);
    }
    return parameters;
}

class Probe {
public:
    explicit Probe(const json& setup) {
        auto parameters = parameters_from(setup);
        const auto wanted = setup.at("kind").get<std::string>();
        for (auto& transport : make_transports(context_)) {
            if (to_string(transport->kind()) != wanted) continue;
            transport_ = std::move(transport);
        }
        if (!transport_) throw std::runtime_error("no transport of kind " + wanted);
        auto attempt = transport_->make_attempt(parameters);
        if (!attempt) throw std::runtime_error("nothing to try");
        try_ = std::make_unique<Try>(std::move(attempt), parameters.role, setup.value("bytes", std::uint64_t{0}));
        read();
        watch();
    }

    void run() { context_.run(); }

private:
    void watch() {
        timer_.expires_after(std::chrono::milliseconds(50));
        timer_.async_wait([this](const error_code& error) {
            if (error) return;
            try_->check_kinds();
            watch();
        });
    }

    void read() {
        asio::async_read_until(input_, asio::dynamic_buffer(lines_), '\n',
                               [this](const error_code& error, std::size_t size) {
                                   if (error) return context_.stop();
                                   obey(json::parse(lines_.substr(0, size)));
                                   lines_.erase(0, size);
                                   read();
                               });
    }

    void obey(const json& message) {
        const auto event = message.at("event").get<std::string>();
        auto& attempt = try_->attempt();
        if (event == "end") return attempt.remote_candidates_end();
        const auto kind = static_cast<PathKind>(message.value("kind", 0));
        if (event == "description") attempt.set_remote_description({kind, message.at("attributes")});
        if (event == "candidate") attempt.add_remote_candidate({kind, message.at("attributes")});
    }

    asio::io_context context_{1};
    asio::posix::stream_descriptor input_{context_, ::dup(STDIN_FILENO)};
    std::string lines_;
    asio::steady_timer timer_{context_};
    std::unique_ptr<ports::Transport> transport_;
    std::unique_ptr<Try> try_;
};

}  // namespace
}  // namespace tubes::netlab

// Usage: path_probe '{"link": HEX, "initiator": BOOL, "kind": "ice", "servers": [...], "bytes": N, "log": "ice=debug"}'
int main(int argc, char** argv) {
    try {
        const auto setup = nlohmann::json::parse(argc == 2 ? argv[1] : "");
        if (setup.contains("log")) tubes::base::configure_logs(setup.at("log").get<std::string>()).value();
        tubes::netlab::Probe(setup).run();
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "path_probe: " << error.what() << "\n";
        return 1;
    }
}
