// SPDX-License-Identifier: GPL-3.0-or-later
// One try at a path through a relay.
#include "transports/socks5/socks5_transport.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <list>

#include "transports/negotiation.hpp"
#include "transports/socks5/relay_candidate.hpp"
#include "transports/streams/socket_stream.hpp"
#include "transports/tls/tls_description.hpp"
#include "transports/tls/tls_race.hpp"
#include "tubes/base/log.hpp"
#include "tubes/base/outbound.hpp"

namespace tubes::transports {

namespace {

using boost::asio::ip::tcp;
using core::ports::AttemptParameters;
using core::ports::Candidate;
using core::ports::PathAttempt;
using core::ports::StreamRelay;
using core::ports::TransportDescription;

/// What the streams through one end's relays are named after; on the wire 32 hexadecimal digits.
using SessionName = base::FixedBytes<struct Socks5SessionTag, 16>;

class Socks5Negotiation final : public Negotiation {
public:
    Socks5Negotiation(boost::asio::any_io_executor executor, AttemptParameters parameters, Socks5Options options)
        : Negotiation(std::move(executor)), parameters_(std::move(parameters)), options_(std::move(options)) {
        options_.rules.policy = parameters_.addresses;
    }

    void start(PathAttempt::Handler& handler) override {
        race_ = std::make_unique<TlsRace>(
            executor(), parameters_.role, context_,
            TlsRace::Events{guarded(this, [](Socks5Negotiation& self, auto path) { self.succeed(std::move(path)); }),
                            guarded(this, [](Socks5Negotiation& self, error_code) { self.check_exhausted(); })});
        Negotiation::start(handler);
    }

    void set_remote_description(const TransportDescription& description) override {
        if (context_->knows_peer()) return;
        const auto parsed = parse_tls_description(description.attributes);
        const auto named = description.attributes.find("session");
        const auto session = named == description.attributes.end() ? result<SessionName>(Errc::protocol_violation)
                                                                   : SessionName::from_hex(named->second);
        if (!parsed || !session) return fail_later(Errc::protocol_violation);
        context_->expect_peer(parsed->fingerprint, parsed->token);
        peer_session_ = *session;
        limit_time(options_.time_limit);
        post_work();
    }

    void add_remote_candidate(const Candidate& candidate) override {
        const auto message = parse_relay_message(candidate);
        if (!message) return base::logger("socks5")->debug("ignored a candidate");
        if (const auto* relay = std::get_if<StreamRelay>(&*message)) {
            const bool known = std::find(peers_.begin(), peers_.end(), *relay) != peers_.end();
            if (known || peers_.size() == kMaxPeerRelays) return;
            peers_.push_back(*relay);
            waiting_peers_.push_back(*relay);
        } else {
            const auto& name = std::get<RelayReached>(*message).relay;
            if (reached_.size() < kMaxPeerRelays) reached_.push_back(name);
        }
        post_work();
    }

    void remote_candidates_end() override {
        remote_ended_ = true;
        post_work();
    }

private:
    using Dials = std::list<std::unique_ptr<base::Outbound>>;

    void announce() override {
        auto attributes = describe(*context_);
        attributes.emplace("session", session_.hex());
        const auto self = shared_from_this();
        handler()->on_description({PathKind::socks5, std::move(attributes)});
        parameters_.carrier->find_relays(guarded(this, [](Socks5Negotiation& found, std::vector<StreamRelay> relays) {
            found.on_relays(std::move(relays));
        }));
    }

    void on_relays(std::vector<StreamRelay> relays) {
        own_ = std::move(relays);
        const auto self = shared_from_this();
        for (const auto& relay : *own_) {
            if (handler()) handler()->on_candidate(to_candidate(relay));
        }
        if (handler()) handler()->on_candidates_end();
        work();
    }

    void post_work() {
        boost::asio::post(executor(), guarded(this, [](Socks5Negotiation& self) { self.work(); }));
    }

    /// Does what has become possible: needs our relays, the peer's description and what the peer said.
    void work() {
        if (!handler() || !own_ || !context_->knows_peer()) return;
        for (const auto& relay : std::exchange(waiting_peers_, {})) {
            if (may_contact(relay)) dial(relay, false);
        }
        for (const auto& name : std::exchange(reached_, {})) {
            const auto relay = std::find_if(own_->begin(), own_->end(), [&](const auto& r) { return r.name == name; });
            if (relay != own_->end()) dial(*relay, true);
        }
        check_exhausted();
    }

    bool may_contact(const StreamRelay& relay) const {
        return parameters_.addresses != AddressPolicy::relay_only ||
               std::find(own_->begin(), own_->end(), relay) != own_->end();
    }

    void dial(const StreamRelay& relay, bool ours) {
        const auto address = parameters_.carrier->relay_address(ours ? session_.hex() : peer_session_.hex(), ours);
        // Our own server's word is enough for its relay, the peer's is not.
        auto filter = ours ? base::Outbound::Filter()
                           : [rules = relay_rules()](const auto& candidate) { return rules.may_contact(candidate); };
        dials_.push_front(nullptr);
        const auto entry = dials_.begin();
        *entry = std::make_unique<base::Outbound>(
            executor(), options_.proxy, relay.host, relay.port, address, std::move(filter),
            guarded(this, [entry, relay, ours](Socks5Negotiation& self, error_code error, tcp::socket socket,
                                               const std::string& detail) {
                self.dials_.erase(entry);
                if (error) {
                    base::logger("socks5")->debug("relay {}: {}", base::printable(relay.name), detail);
                    return self.check_exhausted();
                }
                self.on_connected(relay, ours, std::move(socket));
            }));
    }

    /// A relay both servers name is called by everybody, whatever the policy says of addresses.
    AddressRules relay_rules() const {
        auto rules = options_.rules;
        if (rules.policy == AddressPolicy::relay_only) rules.policy = AddressPolicy::all;
        return rules;
    }

    void on_connected(const StreamRelay& relay, bool ours, tcp::socket socket) {
        if (!ours) {
            add(relay, std::move(socket), TlsRole::server);
            if (handler()) handler()->on_candidate(to_candidate(RelayReached{relay.name}));
            return;
        }
        auto kept = std::make_shared<tcp::socket>(std::move(socket));
        ++activations_;
        parameters_.carrier->activate_relay(
            relay, session_.hex(), guarded(this, [kept, relay](Socks5Negotiation& self, error_code error) {
                --self.activations_;
                if (!self.handler()) return;
                if (!error) return self.add(relay, std::move(*kept), TlsRole::client);
                base::logger("socks5")->debug("relay {} is not activated: {}", base::printable(relay.name),
                                              error.message());
                self.check_exhausted();
            }));
    }

    void add(const StreamRelay& relay, tcp::socket socket, TlsRole role) {
        error_code error;
        const auto local = socket.local_endpoint(error);
        const auto remote = error ? tcp::endpoint() : socket.remote_endpoint(error);
        if (error || !race_) return;
        tune_tcp(socket);
        race_->add(std::make_unique<SocketStream>(std::move(socket)), role,
                   {PathKind::socks5, printed_endpoint(local), printed_endpoint(remote),
                    "relay " + base::printable(relay.name)});
    }

    /// Nothing of ours could still be reached, nothing of the peer's is left.
    void check_exhausted() {
        const bool waiting = !own_ || !own_->empty() || !remote_ended_ || !context_->knows_peer();
        if (waiting || !dials_.empty() || activations_ > 0 || !race_ || !race_->empty()) return;
        fail(Errc::no_path);
    }

    void stop() override {
        dials_.clear();
        race_.reset();
    }

    AttemptParameters parameters_;
    Socks5Options options_;
    SessionName session_ = SessionName::random();
    SessionName peer_session_;
    std::shared_ptr<TlsContext> context_ = std::make_shared<TlsContext>();
    std::optional<std::vector<StreamRelay>> own_;  ///< Our server's, once known.
    std::vector<StreamRelay> peers_;               ///< All that the peer named.
    std::vector<StreamRelay> waiting_peers_;       ///< Those not dialled yet.
    std::vector<std::string> reached_;             ///< Our relays that the peer is connected to.
    bool remote_ended_ = false;
    int activations_ = 0;
    Dials dials_;
    std::unique_ptr<TlsRace> race_;
};

}  // namespace

Socks5Transport::Socks5Transport(boost::asio::any_io_executor executor, Socks5Options options)
    : executor_(std::move(executor)), options_(std::move(options)) {}

std::unique_ptr<PathAttempt> Socks5Transport::make_attempt(AttemptParameters parameters) {
    if (!parameters.carrier) return nullptr;
    return own(std::make_shared<Socks5Negotiation>(executor_, std::move(parameters), options_));
}

}  // namespace tubes::transports
