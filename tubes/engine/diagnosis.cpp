// SPDX-License-Identifier: GPL-3.0-or-later
// What stands in the way, in words.
#include "tubes/engine/diagnosis.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "transports/addresses/address_rules.hpp"
#include "transports/nat/nat_probe.hpp"
#include "tubes/base/log.hpp"

namespace tubes::engine {
namespace {

using core::ports::IceServer;
using Severity = Finding::Severity;

constexpr std::chrono::seconds kDeadline{10};  // for everything

Finding about_interfaces() {
    const auto addresses = transports::local_addresses({});
    std::vector<std::string> texts;
    bool global_v6 = false;
    for (const auto& address : addresses) {
        texts.push_back(address.to_string());
        global_v6 = global_v6 || (address.is_v6() && !transports::is_private(address));
    }
    if (texts.empty()) {
        return {"interfaces", Severity::problem, "this machine has no address on a network",
                "Connect it to a network; addresses of VPNs and containers do not count."};
    }
    return {"interfaces", Severity::fine,
            fmt::format("{}{}", fmt::join(texts, ", "), global_v6 ? "; IPv6 is there" : "; no public IPv6 address"),
            ""};
}

Finding about_stream_relays(const std::vector<core::ports::StreamRelay>& relays) {
    if (relays.empty()) {
        return {"fallback", Severity::note, "the account's server has no SOCKS5 relay (XEP-0065)",
                "Where neither a direct path nor TURN works, data goes in-band through the server: slowly."};
    }
    std::vector<std::string> texts;
    for (const auto& relay : relays) {
        texts.push_back(
            fmt::format("{} at {} port {}", base::printable(relay.name), base::printable(relay.host), relay.port));
    }
    return {"fallback", Severity::fine, fmt::format("SOCKS5 relay {}; then in-band", fmt::join(texts, ", ")), ""};
}

Finding about_account(const AccountInfo& account) {
    const auto topic = "account " + account.name;
    if (account.state != AccountState::online) {
        return {topic, Severity::problem, account.detail.empty() ? account.reason.message() : account.detail,
                "Log in again with `tube login`, or check the network."};
    }
    const auto features = account.features.empty() ? "" : fmt::format("; {}", fmt::join(account.features, ", "));
    const auto server = account.server.empty() ? "" : fmt::format(" at {}", account.server);
    return {topic, Severity::fine, fmt::format("online{} ({}){}", server, account.security, features), ""};
}

Finding about_nat(const result<transports::NatReport>& report, const IceServer& server) {
    using transports::NatBehaviour;
    if (!report) {
        return {
            "nat", Severity::problem,
            fmt::format("{}:{} does not answer STUN over UDP ({})", server.host, server.port, report.error().message()),
            "A firewall may block UDP; connections then need direct TCP or a relay over TCP."};
    }
    if (!report->translated) {
        return {"nat", Severity::fine, fmt::format("no address translation: {} is public", report->local_address), ""};
    }
    const auto text = fmt::format("{} appears as {}; mapping {}, filtering {}", report->local_address,
                                  report->mapped_address, to_string(report->mapping), to_string(report->filtering));
    if (report->mapping == NatBehaviour::address_and_port_dependent) {
        return {"nat", Severity::note, text,
                "This NAT is symmetric: peers behind port-restricted or symmetric NATs need a relay."};
    }
    return {"nat", Severity::fine, text, ""};
}

/// Collects findings until every part has reported or the time is over.
class Examination : public std::enable_shared_from_this<Examination> {
public:
    Examination(const boost::asio::any_io_executor& executor, DiagnosisInput input,
                std::function<void(std::vector<Finding>)> done)
        : executor_(executor), deadline_(executor), input_(std::move(input)), done_(std::move(done)) {}

    void start() {
        findings_.push_back(about_interfaces());
        if (!input_.proxy.empty()) {
            findings_.push_back({"proxy", Severity::note, "servers are called through " + input_.proxy,
                                 "Direct paths do not use it; set network.proxy to none if it is not needed."});
        }
        for (const auto& account : input_.accounts) findings_.push_back(about_account(account));
        probe_nats();
        try_relays();
        ask_for_stream_relays();
        if (input_.servers.empty()) {
            findings_.push_back({"nat", Severity::note, "no STUN or TURN server is known, so nothing was tested",
                                 "Ask your XMPP server's operator for one (XEP-0215), or set network.stun and "
                                 "network.turn in the configuration."});
        }
        deadline_.expires_after(kDeadline);
        deadline_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->finish();
        });
        boost::asio::post(executor_, [self = shared_from_this()] { self->finish_if_complete(); });
    }

private:
    /// Has a relay allocate an address and reports how that went.
    class RelayTry final : public core::ports::PathAttempt::Handler {
    public:
        RelayTry(Examination& owner, IceServer server) : owner_(owner), server_(std::move(server)) {}
        std::unique_ptr<core::ports::PathAttempt> attempt;

        void on_description(const core::ports::TransportDescription&) override {}
        void on_candidate(const core::ports::Candidate&) override { tell(true); }
        void on_candidates_end() override { tell(false); }
        void on_path(std::unique_ptr<core::ports::MessagePath>) override {}
        void on_failed(error_code) override { tell(false); }

    private:
        void tell(bool works) {
            if (told_) return;
            told_ = true;
            const auto where = fmt::format("{}:{}", server_.host, server_.port);
            if (works)
                return owner_.add({"relay", Severity::fine, fmt::format("{} relays for this account", where), ""});
            owner_.add(
                {"relay", Severity::problem, fmt::format("{} gave no relay address", where),
                 "Peers that cannot be reached directly stay unreachable; check the TURN server and its account."});
        }
        Examination& owner_;
        IceServer server_;
        bool told_ = false;
    };

    void probe_nats() {
        for (const auto& server : input_.servers) {
            if (server.scheme != IceServer::Scheme::stun) continue;
            ++open_;
            transports::async_probe_nat(executor_, server, [weak = weak_from_this(), server](const auto& report) {
                if (auto self = weak.lock()) self->add(about_nat(report, server));
            });
        }
    }

    void try_relays() {
        for (const auto& server : input_.servers) {
            if (server.scheme == IceServer::Scheme::stun || input_.ice == nullptr) continue;
            core::ports::AttemptParameters parameters;
            parameters.link = core::LinkId::random();
            parameters.addresses = AddressPolicy::relay_only;
            parameters.servers = {server};
            auto trial = std::make_unique<RelayTry>(*this, server);
            trial->attempt = input_.ice->make_attempt(std::move(parameters));
            if (!trial->attempt) continue;
            ++open_;
            trial->attempt->start(*trial);
            relays_.push_back(std::move(trial));
        }
    }

    void ask_for_stream_relays() {
        for (const auto& carrier : input_.carriers) {
            ++open_;
            carrier->find_relays([weak = weak_from_this()](const auto& relays) {
                if (auto self = weak.lock()) self->add(about_stream_relays(relays));
            });
        }
    }

    void add(Finding finding) {
        findings_.push_back(std::move(finding));
        --open_;
        boost::asio::post(executor_, [self = shared_from_this()] { self->finish_if_complete(); });
    }
    void finish_if_complete() {
        if (open_ == 0) finish();
    }
    void finish() {
        deadline_.cancel();
        for (auto& relay : relays_) relay->attempt->close();
        relays_.clear();
        if (auto done = std::exchange(done_, nullptr)) done(std::move(findings_));
    }

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer deadline_;
    DiagnosisInput input_;
    std::function<void(std::vector<Finding>)> done_;
    std::vector<Finding> findings_;
    std::vector<std::unique_ptr<RelayTry>> relays_;
    std::size_t open_ = 0;  // parts that have not reported
};

}  // namespace

void async_diagnose(const boost::asio::any_io_executor& executor, DiagnosisInput input,
                    std::function<void(std::vector<Finding>)> done) {
    std::make_shared<Examination>(executor, std::move(input), std::move(done))->start();
}

}  // namespace tubes::engine
