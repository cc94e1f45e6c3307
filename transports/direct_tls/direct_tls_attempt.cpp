// SPDX-License-Identifier: GPL-3.0-or-later
// Races connections in both directions until the link's initiator has nominated one.
#include "transports/direct_tls/direct_tls_attempt.hpp"

#include <boost/asio/post.hpp>

#include "transports/direct_tls/candidates.hpp"
#include "transports/direct_tls/dialler.hpp"
#include "transports/direct_tls/direct_tls_transport.hpp"
#include "transports/direct_tls/listener.hpp"
#include "transports/negotiation.hpp"
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

namespace {

class DirectTlsNegotiation final : public Negotiation {
public:
    DirectTlsNegotiation(boost::asio::any_io_executor executor, LinkRole role, const AddressRules& rules,
                         std::chrono::milliseconds time_limit)
        : Negotiation(std::move(executor)), role_(role), rules_(rules), time_limit_(time_limit) {}

    void start(Handler& handler) override {
        race_ = std::make_unique<TlsRace>(
            executor(), role_, context_,
            TlsRace::Events{
                guarded(this, [](DirectTlsNegotiation& self, auto path) { self.succeed(std::move(path)); }),
                guarded(this, [](DirectTlsNegotiation& self, error_code reason) { self.on_drop(reason); })});
        listener_ = std::make_unique<Listener>(
            executor(),
            guarded(this, [](DirectTlsNegotiation& self, tcp::socket socket) { self.accept(std::move(socket)); }));
        dialler_ = std::make_unique<Dialler>(
            executor(),
            guarded(this, [](DirectTlsNegotiation& self,
                             tcp::socket socket) { self.add_connection(std::move(socket), TlsRole::client); }),
            guarded(this, [](DirectTlsNegotiation& self) { self.check_exhausted(); }));
        for (const auto& endpoint : early_candidates_) dialler_->add(endpoint);
        Negotiation::start(handler);
    }

    void set_remote_description(const TransportDescription& description) override {
        if (context_->knows_peer()) return;
        const auto parsed = parse_tls_description(description.attributes);
        if (!parsed) return fail_later(parsed.error());
        context_->expect_peer(parsed->fingerprint, parsed->token);
        limit_time(time_limit_);
        for (auto& [socket, role] : std::exchange(early_connections_, {})) add_connection(std::move(socket), role);
    }

    void add_remote_candidate(const Candidate& candidate) override {
        const auto endpoint = parse_tls_candidate(candidate);
        if (!endpoint || !rules_.may_contact(endpoint->address())) {
            base::logger("tls")->debug("ignored a candidate");
            return;
        }
        if (dialler_)
            dialler_->add(*endpoint);
        else if (handler() == nullptr && early_candidates_.size() < kMaxRemoteCandidates) {
            early_candidates_.push_back(*endpoint);
        }
    }

    void remote_candidates_end() override {
        remote_ended_ = true;
        boost::asio::post(executor(), guarded(this, [](DirectTlsNegotiation& self) { self.check_exhausted(); }));
    }

private:
    void announce() override {
        std::vector<Candidate> candidates;
        for (const auto& address : local_addresses(rules_)) {
            if (candidates.size() == kMaxLocalCandidates) break;
            if (!rules_.may_reveal(address)) continue;
            const auto endpoint = listener_->listen(address);
            if (endpoint) candidates.push_back(to_candidate(*endpoint));
        }
        listening_ = !candidates.empty();
        const auto self = shared_from_this();
        handler()->on_description({PathKind::direct_tls, describe(*context_)});
        for (const auto& candidate : candidates) {
            if (handler()) handler()->on_candidate(candidate);
        }
        if (handler()) handler()->on_candidates_end();
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

    /// Fails early where nothing is left that could still succeed: nobody to dial, and nobody who could dial us.
    void check_exhausted() {
        const bool waiting = listening_ || !remote_ended_ || !context_->knows_peer();
        if (waiting || !race_ || !race_->empty() || !dialler_ || dialler_->is_busy()) return;
        give_up();
    }

    void give_up() override { fail(last_error_); }

    void stop() override {
        listener_.reset();
        dialler_.reset();
        race_.reset();
        early_connections_.clear();
    }

    LinkRole role_;
    AddressRules rules_;
    std::chrono::milliseconds time_limit_;
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

}  // namespace

std::unique_ptr<core::ports::PathAttempt> make_direct_tls_attempt(boost::asio::any_io_executor executor, LinkRole role,
                                                                  const AddressRules& rules,
                                                                  std::chrono::milliseconds time_limit) {
    return own(std::make_shared<DirectTlsNegotiation>(std::move(executor), role, rules, time_limit));
}

}  // namespace tubes::transports
