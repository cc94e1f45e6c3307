// SPDX-License-Identifier: GPL-3.0-or-later
// Measures one ICE/DTLS/SCTP path between two processes: set-up, idle round trip, bulk rate, round trip beside bulk,
// CPU. Signaling is a socket pair; each process may be pinned to a core and put into a network namespace.
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <deque>
#include <iostream>
#include <nlohmann/json.hpp>

#include "transports/ice/ice_transport.hpp"

namespace tubes::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using core::ports::Lane;
using nlohmann::json;

constexpr Lane kBulkLane = 0;
constexpr Lane kPingLane = 1;

struct Options {
    double seconds = 2;
    double settle_seconds = 2;  // A stable pair's socket is taken over from libnice after one.
    double idle_seconds = 0.5;
    std::size_t message = core::ports::kMaxMessageSize;
    std::size_t ping = 64;
    int ping_interval_us = 5000;
    int first_core = -1;
    int second_core = -1;
    std::string first_namespace;
    std::string second_namespace;
};

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

json percentiles(std::vector<double> values) {
    if (values.empty()) return nullptr;
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
        return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    return {{"count", values.size()}, {"p50", at(0.5)}, {"p95", at(0.95)}, {"p99", at(0.99)}, {"max", values.back()}};
}

/// One process's end. The initiator measures, the responder echoes and counts.
class Side final : public core::ports::PathAttempt::Handler, public core::ports::MessagePath::Handler {
public:
    Side(boost::asio::io_context& loop, int signaling, core::LinkRole role, const Options& options)
        : loop_(loop),
          signaling_(loop, boost::asio::local::datagram_protocol(), signaling),
          role_(role),
          options_(options),
          timer_(loop) {
        transports::AddressRules rules;
        rules.loopback = options.first_namespace.empty();
        rules.virtual_interfaces = true;
        transport_ = std::make_unique<transports::IceTransport>(loop.get_executor(), rules);
        bulk_.assign(options.message, 0x5a);
    }

    void start() {
        started_ = Clock::now();
        core::ports::AttemptParameters parameters;
        parameters.role = role_;
        attempt_ = transport_->make_attempt(parameters);
        attempt_->start(*this);
        read_signal();
    }
    const json& report() const { return report_; }

    void on_description(const core::ports::TransportDescription& description) override {
        tell({{"description", description.attributes}});
    }
    void on_candidate(const core::ports::Candidate& candidate) override { tell({{"candidate", candidate.attributes}}); }
    void on_candidates_end() override { tell({{"end", true}}); }
    void on_path(std::unique_ptr<core::ports::MessagePath> path) override {
        report_["setup_ms"] = 1e3 * seconds_since(started_);
        path_ = std::move(path);
        path_->start(*this);
        if (role_ == core::LinkRole::responder) return;
        timer_.expires_after(std::chrono::milliseconds(static_cast<int>(1e3 * options_.settle_seconds)));
        timer_.async_wait([this](const error_code& error) {
            if (!error) start_idle();
        });
    }
    void on_failed(error_code reason) override { stop("failed: " + reason.message()); }
    void on_closed(error_code reason) override { stop("closed: " + reason.message()); }

    void on_message(Lane lane, core::ByteView message) override {
        if (lane == kBulkLane) return count(message.size());
        if (role_ == core::LinkRole::responder) {
            echoes_.emplace_back(message.begin(), message.end());
            return send_echoes();
        }
        on_pong(message);
    }
    void on_writable() override {
        send_echoes();
        if (ping_waits_) send_ping();
        if (bulk_running_) send_bulk();
    }

private:
    void tell(const json& signal) {
        const auto text = signal.dump();
        signaling_.send(boost::asio::buffer(text));
    }
    void read_signal() {
        signaling_.async_receive(boost::asio::buffer(signal_), [this](const error_code& error, std::size_t size) {
            if (error || size == 0) return loop_.stop();
            on_signal(json::parse(std::string(signal_.data(), size)));
            read_signal();
        });
    }
    void on_signal(const json& signal) {
        using core::ports::Attributes;
        if (signal.contains("description")) {
            attempt_->set_remote_description({PathKind::ice, signal["description"].get<Attributes>()});
        } else if (signal.contains("candidate")) {
            attempt_->add_remote_candidate({PathKind::ice, signal["candidate"].get<Attributes>()});
        } else if (signal.contains("end")) {
            attempt_->remote_candidates_end();
        } else if (signal.contains("finish")) {
            tell({{"report",
                   {{"bytes", received_},
                    {"seconds", std::chrono::duration<double>(last_ - first_).count()},
                    {"cpu_seconds", cpu_seconds() - cpu_before_}}}});
        } else if (signal.contains("report")) {
            finish(signal["report"]);
        } else if (signal.contains("bye")) {
            loop_.stop();
        }
    }

    void count(std::size_t size) {
        last_ = Clock::now();
        if (received_ == 0) {
            first_ = last_;
            cpu_before_ = cpu_seconds();
        }
        received_ += size;
    }
    void send_echoes() {
        while (!echoes_.empty() && path_->send(kPingLane, echoes_.front(), {})) echoes_.pop_front();
        path_->flush();
    }

    void start_idle() {
        report_["path"] = path_->info().detail;
        phase_started_ = Clock::now();
        send_ping();
    }
    void send_ping() {
        if (!ping_waits_) ping_sent_ = Clock::now();
        std::vector<std::uint8_t> ping(options_.ping, 1);
        ping_waits_ = !path_->send(kPingLane, ping, {});
        path_->flush();
    }
    void on_pong(core::ByteView) {
        round_trips_.push_back(1e6 * seconds_since(ping_sent_));
        if (!bulk_running_ && !bulk_over_) {
            if (seconds_since(phase_started_) < options_.idle_seconds) return send_ping();
            return start_bulk();
        }
        if (bulk_running_) ping_later();
    }
    void ping_later() {
        timer_.expires_after(std::chrono::microseconds(options_.ping_interval_us));
        timer_.async_wait([this](const error_code& error) {
            if (!error && bulk_running_) send_ping();
        });
    }
    void start_bulk() {
        report_["idle_round_trip_us"] = percentiles(std::exchange(round_trips_, {}));
        bulk_running_ = true;
        phase_started_ = Clock::now();
        cpu_before_ = cpu_seconds();
        ping_later();
        send_bulk();
    }
    /// As a link's scheduler would: a ping that waits goes first.
    void send_bulk() {
        if (seconds_since(phase_started_) > options_.seconds) {
            bulk_running_ = false;
            bulk_over_ = true;
            report_["sender_cpu_seconds"] = cpu_seconds() - cpu_before_;
            timer_.expires_after(500ms);
            timer_.async_wait([this](const error_code&) { tell({{"finish", true}}); });
            return;
        }
        for (int i = 0; i < 64; ++i) {
            if (!path_->send(kBulkLane, bulk_, {})) return path_->flush();
        }
        path_->flush();
        boost::asio::post(loop_, [this] {
            if (bulk_running_) send_bulk();
        });
    }
    void finish(const json& theirs) {
        const auto bytes = theirs["bytes"].get<double>();
        const auto gigabytes = bytes / 1e9;
        report_["megabytes_per_second"] = bytes / 1e6 / theirs["seconds"].get<double>();
        report_["cpu_seconds_per_gb_send"] = report_["sender_cpu_seconds"].get<double>() / gigabytes;
        report_["cpu_seconds_per_gb_receive"] = theirs["cpu_seconds"].get<double>() / gigabytes;
        report_.erase("sender_cpu_seconds");
        report_["round_trip_beside_bulk_us"] = percentiles(round_trips_);
        loop_.stop();
    }
    void stop(const std::string& why) {
        report_["error"] = why;
        loop_.stop();
    }

    boost::asio::io_context& loop_;
    boost::asio::local::datagram_protocol::socket signaling_;
    core::LinkRole role_;
    const Options& options_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<core::ports::Transport> transport_;
    std::unique_ptr<core::ports::PathAttempt> attempt_;
    std::unique_ptr<core::ports::MessagePath> path_;
    std::array<char, 8192> signal_{};
    core::Bytes bulk_;
    std::deque<core::Bytes> echoes_;
    std::vector<double> round_trips_;
    Clock::time_point started_, phase_started_, ping_sent_, first_, last_;
    std::uint64_t received_ = 0;
    double cpu_before_ = 0;
    bool ping_waits_ = false;
    bool bulk_running_ = false;
    bool bulk_over_ = false;
    json report_;
};

void pin(int core) {
    if (core < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

void enter_namespace(const std::string& path) {
    if (path.empty()) return;
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || setns(file, CLONE_NEWNET) != 0) throw std::runtime_error("cannot enter " + path);
    close(file);
}

json run_side(int signaling, core::LinkRole role, const Options& options) {
    const bool first = role == core::LinkRole::initiator;
    pin(first ? options.first_core : options.second_core);
    enter_namespace(first ? options.first_namespace : options.second_namespace);
    boost::asio::io_context loop(1);
    Side side(loop, signaling, role, options);
    side.start();
    const auto length = options.seconds + options.settle_seconds + options.idle_seconds;
    loop.run_for(std::chrono::milliseconds(static_cast<int>(1e3 * length) + 15000));
    return side.report();
}

json run(const Options& options) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0) throw std::runtime_error("socketpair");
    const auto child = fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
        close(pair[0]);
        run_side(pair[1], core::LinkRole::responder, options);
        _exit(0);
    }
    close(pair[1]);
    json report = run_side(dup(pair[0]), core::LinkRole::initiator, options);
    constexpr std::string_view kBye = R"({"bye":true})";
    const auto told = write(pair[0], kBye.data(), kBye.size());
    static_cast<void>(told);  // It may have ended with the path.
    waitpid(child, nullptr, 0);
    return report;
}

}  // namespace
}  // namespace tubes::bench

int main(int argc, char** argv) {
    tubes::bench::Options options;
    CLI::App app{"Measures one ICE/DTLS/SCTP path between two processes and prints JSON"};
    app.add_option("--seconds", options.seconds, "Length of the bulk phase");
    app.add_option("--settle-seconds", options.settle_seconds, "Wait after set-up before anything is measured");
    app.add_option("--message", options.message, "Bytes a bulk message")->check(CLI::Range(1, 16384));
    app.add_option("--ping", options.ping, "Bytes a ping")->check(CLI::Range(1, 16384));
    app.add_option("--ping-interval-us", options.ping_interval_us, "Pause between pings beside bulk");
    app.add_option("--first-core", options.first_core, "Core of the sender, -1 for any");
    app.add_option("--second-core", options.second_core, "Core of the receiver, -1 for any");
    app.add_option("--first-namespace", options.first_namespace, "Network namespace of the sender (a path)");
    app.add_option("--second-namespace", options.second_namespace, "Network namespace of the receiver (a path)");
    CLI11_PARSE(app, argc, argv);
    const auto report = tubes::bench::run(options);
    std::cout << report.dump(2) << '\n';
    return report.contains("error") || !report.contains("megabytes_per_second") ? 1 : 0;
}
