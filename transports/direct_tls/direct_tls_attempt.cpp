// SPDX-License-Identifier: GPL-3.0-or-later
// Races connections in both directions until the link's initiator has nominated one.
#include "transports/direct_tls/direct_tls_attempt.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "transports/direct_tls/candidates.hpp"
#include "transports/direct_tls/dialler.hpp"
#include "transports/direct_tls/direct_tls_transport.hpp"
#include "transports/direct_tls/listener.hpp"
#include "transports/guarded.hpp"
#include "transports/streams/socket_stream.hpp"
#include "transports/tls/tls_description.hpp"
#include "transports/tls/tls_race.hpp"
#include "tubes/base/log.hpp"

namespace tubes::transports {

using boost::asio::ip::tcp;
using core::LinkRole;
using core::ports::Candidate;
using core::ports::PathInfo;
using core::ports::TransportDescription;

class DirectTlsAttempt::Negotiation final : public std::enable_shared_from_this<Negotiation> {
public:
    Negotiation(boost::asio::any_io_executor executor, LinkRole role, const AddressRules& rules,
                std::chrono::milliseconds time_limit)
        : executor_(executor), role_(role), rules_(rules), time_limit_(time_limit), deadline_(executor) {}

    void start(PathAttempt::Handler& handler) {
        handler_ = &handler;
        race_ = std::make_unique<TlsRace>(
            executor_, role_, context_,
            TlsRace::Events{
                guarded(this, [](Negotiation& self,
                                 std::unique_ptr<core::ports::MessagePath> path) { self.open(std::move(path)); }),
                guarded(this, [](Negotiation& self, error_code reason) { self.on_drop(reason); })});
        listener_ = std::make_unique<Listener>(
            executor_, guarded(this, [](Negotiation& self, tcp::socket socket) { self.accept(std::move(socket)); }));
        dialler_ = std::make_unique<Dialler>(
            executor_,
            guarded(this, [](Negotiation& self,
                             tcp::socket socket) { self.add_connection(std::move(socket), TlsRole::client); }),
            guarded(this, [](Negotiation& self) { self.check_exhausted(); }));
        boost::asio::post(executor_, guarded(this, [](Negotiation& self) { self.announce(); }));
        for (const auto& endpoint : early_candidates_) dialler_->add(endpoint);
    }

    void set_remote_description(const TransportDescription& description) {
        if (context_->knows_peer()) return;
        const auto parsed = parse_tls_description(description.attributes);
        if (!parsed) {
            last_error_ = parsed.error();
            return boost::asio::post(executor_, guarded(this, [](Negotiation& self) { self.fail(); }));
        }
        context_->expect_peer(parsed->fingerprint, parsed->token);
        deadline_.expires_after(time_limit_);
        deadline_.async_wait(guarded(this, [](Negotiation& self, const error_code& error) {
            if (!error) self.fail();
        }));
        for (auto& [socket, role] : std::exchange(early_connections_, {})) add_connection(std::move(socket), role);
    }

    void add_remote_candidate(const Candidate& candidate) {
        const auto endpoint = parse_tls_candidate(candidate);
        if (!endpoint || !rules_.may_contact(endpoint->address())) {
            base::logger("tls")->debug("ignored a candidate");
            return;
        }
        if (dialler_)
            dialler_->add(*endpoint);
        else if (handler_ == nullptr && early_candidates_.size() < kMaxRemoteCandidates) {
            early_candidates_.push_back(*endpoint);
        }
    }

    void remote_candidates_end() {
        remote_ended_ = true;
        boost::asio::post(executor_, guarded(this, [](Negotiation& self) { self.check_exhausted(); }));
    }

    void close() {
        handler_ = nullptr;
        stop();
    }

private:
    void announce() {
        if (!handler_) return;
        std::vector<Candidate> candidates;
        for (const auto& address : local_addresses(rules_)) {
            if (candidates.size() == kMaxLocalCandidates) break;
            if (!rules_.may_reveal(address)) continue;
            const auto endpoint = listener_->listen(address);
            if (endpoint) candidates.push_back(to_candidate(*endpoint));
        }
        listening_ = !candidates.empty();
        const auto self = shared_from_this();
        handler_->on_description({PathKind::direct_tls, describe(*context_)});
        for (const auto& candidate : candidates) {
            if (handler_) handler_->on_candidate(candidate);
        }
        if (handler_) handler_->on_candidates_end();
    }

    void accept(tcp::socket socket) {
        race_->make_room_for_strangers(kMaxUnverifiedConnections);
        add_connection(std::move(socket), TlsRole::server);
    }

    void add_connection(tcp::socket socket, TlsRole role) {
        if (!context_->knows_peer()) {
            if (early_connections_.size() < kMaxUnverifiedConnections) {
                early_connections_.emplace_back(std::move(socket), role);
            }
            return;
        }
        error_code error;
        const auto local = socket.local_endpoint(error);
        const auto remote = error ? tcp::endpoint() : socket.remote_endpoint(error);
        if (error) return;
        tune_tcp(socket);
        const PathInfo info{PathKind::direct_tls, printed_endpoint(local), printed_endpoint(remote), ""};
        race_->add(std::make_unique<SocketStream>(std::move(socket)), role, info);
    }

    void on_drop(error_code reason) {
        // A wrong certificate is the best reason to give if nothing else works.
        if (reason == Errc::certificate_rejected) last_error_ = reason;
        check_exhausted();
    }

    void open(std::unique_ptr<core::ports::MessagePath> path) {
        stop();
        if (auto* handler = std::exchange(handler_, nullptr)) handler->on_path(std::move(path));
    }

    /// Fails early where nothing is left that could still succeed: nobody to dial, and nobody who could dial us.
    void check_exhausted() {
        const bool waiting = listening_ || !remote_ended_ || !context_->knows_peer();
        if (waiting || !race_ || !race_->empty() || !dialler_ || dialler_->is_busy()) return;
        fail();
    }

    void fail() {
        stop();
        if (auto* handler = std::exchange(handler_, nullptr)) handler->on_failed(last_error_);
    }

    void stop() {
        listener_.reset();
        dialler_.reset();
        deadline_.cancel();
        race_.reset();
        early_connections_.clear();
    }

    boost::asio::any_io_executor executor_;
    LinkRole role_;
    AddressRules rules_;
    std::chrono::milliseconds time_limit_;
    boost::asio::steady_timer deadline_;
    PathAttempt::Handler* handler_ = nullptr;
    std::shared_ptr<TlsContext> context_ = std::make_shared<TlsContext>();
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<Dialler> dialler_;
    std::unique_ptr<TlsRace> race_;
    std::vector<std::pair<tcp::socket, TlsRole>> early_connections_;  ///< Came before the peer's description.
    std::vector<tcp::endpoint> early_candidates_;                     ///< Came before start().
    error_code last_error_ = Errc::no_path;
    bool listening_ = false;
    bool remote_ended_ = false;
};

DirectTlsAttempt::DirectTlsAttempt(boost::asio::any_io_executor executor, LinkRole role, const AddressRules& rules,
                                   std::chrono::milliseconds time_limit)
    : negotiation_(std::make_shared<Negotiation>(std::move(executor), role, rules, time_limit)) {}

DirectTlsAttempt::~DirectTlsAttempt() {
    negotiation_->close();
}

void DirectTlsAttempt::start(Handler& handler) {
    negotiation_->start(handler);
}

void DirectTlsAttempt::set_remote_description(const TransportDescription& description) {
    negotiation_->set_remote_description(description);
}

void DirectTlsAttempt::add_remote_candidate(const Candidate& candidate) {
    negotiation_->add_remote_candidate(candidate);
}

void DirectTlsAttempt::remote_candidates_end() {
    negotiation_->remote_candidates_end();
}

void DirectTlsAttempt::close() {
    negotiation_->close();
}

}  // namespace tubes::transports
