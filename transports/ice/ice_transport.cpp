// SPDX-License-Identifier: GPL-3.0-or-later
// The ports' attempt and path over one IceConnection.
#include "transports/ice/ice_transport.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "transports/ice/ice_connection.hpp"
#include "transports/ice/server_resolver.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using core::ports::Candidate;
using core::ports::TransportDescription;

class IcePath final : public core::ports::MessagePath {
public:
    explicit IcePath(std::shared_ptr<IceConnection> connection) : connection_(std::move(connection)) {}
    ~IcePath() override {
        if (!closed_) connection_->abort();
    }
    IcePath(const IcePath&) = delete;
    IcePath& operator=(const IcePath&) = delete;

    void start(Handler& handler) override { connection_->start(handler); }
    bool send(core::ports::Lane lane, core::ByteView header, core::ByteView payload) override {
        if (!core::ports::is_lane(lane)) throw std::invalid_argument("no such lane");
        if (header.size() + payload.size() > core::ports::kMaxMessageSize) {
            throw std::invalid_argument("message larger than kMaxMessageSize");
        }
        return connection_->send(lane, header, payload);
    }
    void flush() override { connection_->flush(); }
    const core::Digest& channel_binding() const override { return connection_->channel_binding(); }
    core::ports::PathInfo info() const override { return connection_->info(); }
    core::ports::PathMetrics metrics() const override { return connection_->metrics(); }
    void close() override {
        if (!std::exchange(closed_, true)) connection_->close();
    }

private:
    std::shared_ptr<IceConnection> connection_;
    bool closed_ = false;
};

/// The attempt proper: shared, so that what is posted to it finds out whether it still stands. Not a Negotiation (which
/// ends with its path): a candidate that comes after the path can still replace a relayed pair by a direct one.
class IceSetup final : public std::enable_shared_from_this<IceSetup>, private IceConnection::SetupEvents {
public:
    explicit IceSetup(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    void start(core::ports::PathAttempt::Handler& handler, const core::ports::AttemptParameters& parameters,
               const AddressRules& rules) {
        handler_ = &handler;
        auto created = IceConnection::create(executor_, parameters, rules, *this);
        if (!created) return fail_later(created.error());
        connection_ = std::move(*created);
        boost::asio::post(executor_, [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self || self->handler_ == nullptr) return;
            self->handler_->on_description(self->connection_->description());
            if (self->connection_) self->connection_->gather();
        });
    }

    void set_remote_description(const TransportDescription& description) {
        if (!connection_) return;
        const auto taken = connection_->set_remote_description(description);
        if (!taken) fail_later(taken.error());
    }

    void close() {
        handler_ = nullptr;
        if (auto connection = std::exchange(connection_, nullptr)) connection->end_setup();
    }

    IceConnection* connection() const { return connection_.get(); }

private:
    void fail_later(error_code reason) {
        boost::asio::post(executor_, [weak = weak_from_this(), reason] {
            if (const auto self = weak.lock()) self->on_setup_failed(reason);
        });
    }
    void on_local_candidate(const Candidate& candidate) override {
        if (handler_ != nullptr) handler_->on_candidate(candidate);
    }
    void on_local_candidates_end() override {
        if (handler_ != nullptr) handler_->on_candidates_end();
    }
    void on_open() override {
        const auto self = shared_from_this();
        if (handler_ != nullptr) handler_->on_path(std::make_unique<IcePath>(connection_));
    }
    void on_setup_failed(error_code reason) override {
        const auto self = shared_from_this();
        auto* handler = handler_;
        close();
        if (handler != nullptr) handler->on_failed(reason);
    }

    boost::asio::any_io_executor executor_;
    core::ports::PathAttempt::Handler* handler_ = nullptr;
    std::shared_ptr<IceConnection> connection_;
};

class IceAttempt final : public core::ports::PathAttempt {
public:
    IceAttempt(boost::asio::any_io_executor executor, core::ports::AttemptParameters parameters, AddressRules rules)
        : setup_(std::make_shared<IceSetup>(std::move(executor))), parameters_(std::move(parameters)), rules_(rules) {}
    ~IceAttempt() override { setup_->close(); }
    IceAttempt(const IceAttempt&) = delete;
    IceAttempt& operator=(const IceAttempt&) = delete;

    void start(Handler& handler) override { setup_->start(handler, parameters_, rules_); }
    void set_remote_description(const TransportDescription& description) override {
        setup_->set_remote_description(description);
    }
    void add_remote_candidate(const Candidate& candidate) override {
        if (setup_->connection() != nullptr) setup_->connection()->add_remote_candidate(candidate);
    }
    void remote_candidates_end() override {
        if (setup_->connection() != nullptr) setup_->connection()->remote_candidates_end();
    }
    void close() override { setup_->close(); }

private:
    std::shared_ptr<IceSetup> setup_;
    core::ports::AttemptParameters parameters_;
    AddressRules rules_;
};

}  // namespace

IceTransport::IceTransport(boost::asio::any_io_executor executor, AddressRules rules)
    : executor_(std::move(executor)), rules_(rules) {}

/// Short: between two NATs it is the only way, and direct TLS on one network needs but two round trips.
std::chrono::milliseconds IceTransport::head_start() const {
    return 50ms;
}

std::unique_ptr<core::ports::PathAttempt> IceTransport::make_attempt(core::ports::AttemptParameters parameters) {
    const auto& servers = parameters.servers;
    const bool has_relay = std::any_of(servers.begin(), servers.end(), [](const auto& server) {
        return is_relay(server) && is_usable_ice_server(server);
    });
    if (parameters.addresses == AddressPolicy::relay_only && !has_relay) return nullptr;
    return std::make_unique<IceAttempt>(executor_, std::move(parameters), rules_);
}

}  // namespace tubes::transports
