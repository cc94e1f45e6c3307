// SPDX-License-Identifier: GPL-3.0-or-later
// Signaling between two attempts in one process.
#include "tests/contract/attempts.hpp"

#include <boost/asio/post.hpp>

#include "tests/contract/path_pairs.hpp"
#include "transports/direct_tls/direct_tls_transport.hpp"
#include "transports/in_band/in_band_transport.hpp"
#include "transports/local/local_transport.hpp"
#include "transports/socks5/socks5_transport.hpp"

namespace tubes::contract {

namespace {

constexpr std::chrono::milliseconds kShort{700};

std::unique_ptr<core::ports::Transport> make_direct_tls(boost::asio::io_context& loop) {
    transports::DirectTlsOptions options;
    options.loopback = true;
    options.time_limit = kShort;
    return std::make_unique<transports::DirectTlsTransport>(loop.get_executor(), options);
}

std::unique_ptr<core::ports::Transport> make_local(boost::asio::io_context& loop, bool always_encrypt) {
    transports::LocalOptions options;
    options.always_encrypt = always_encrypt;
    options.time_limit = kShort;
    return std::make_unique<transports::LocalTransport>(loop.get_executor(), options);
}

std::unique_ptr<core::ports::Transport> make_in_band(boost::asio::io_context& loop) {
    return std::make_unique<transports::InBandTransport>(loop.get_executor(), kShort);
}

std::unique_ptr<core::ports::Transport> make_socks5(boost::asio::io_context& loop) {
    transports::Socks5Options options;
    options.rules.loopback = true;
    options.time_limit = kShort;
    return std::make_unique<transports::Socks5Transport>(loop.get_executor(), options);
}

}  // namespace

std::vector<TransportKind> transport_kinds() {
    return {
        {"DirectTls", make_direct_tls, "fingerprint"},
        {"LocalSameUser", [](auto& loop) { return make_local(loop, false); }, ""},
        {"LocalEncrypted", [](auto& loop) { return make_local(loop, true); }, "fingerprint"},
        {"Socks5", make_socks5, "fingerprint"},
        {"InBand", make_in_band, "fingerprint"},
    };
}

Exchange::Exchange(const TransportKind& kind) : initiating(kind.make(loop)), responding(kind.make(loop)) {
    connect_signaling(initiator, responder);
    connect_signaling(responder, initiator);
}

void Exchange::connect_signaling(Side& from, Side& to) {
    from.send_description = [this, &to](const core::ports::TransportDescription& description) {
        boost::asio::post(loop, [&to, description] {
            if (to.attempt) to.attempt->set_remote_description(description);
        });
    };
    from.send_candidate = [this, &to](const core::ports::Candidate& candidate) {
        boost::asio::post(loop, [&to, candidate] {
            if (to.attempt) to.attempt->add_remote_candidate(candidate);
        });
    };
    from.send_end = [this, &to] {
        boost::asio::post(loop, [&to] {
            if (to.attempt) to.attempt->remote_candidates_end();
        });
    };
}

bool Exchange::make(AddressPolicy policy) {
    core::ports::AttemptParameters parameters;
    parameters.link = link;
    parameters.addresses = policy;
    parameters.carrier = carriers.initiator;
    initiator.attempt = initiating->make_attempt(parameters);
    parameters.carrier = carriers.responder;
    parameters.role = core::LinkRole::responder;
    responder.attempt = responding->make_attempt(parameters);
    return initiator.attempt && responder.attempt;
}

void Exchange::start() {
    initiator.attempt->start(initiator);
    responder.attempt->start(responder);
}

bool Exchange::reach() {
    return run_until(loop, [this] { return initiator.path && responder.path; });
}

}  // namespace tubes::contract
