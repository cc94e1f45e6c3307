// SPDX-License-Identifier: GPL-3.0-or-later
// Two path attempts that negotiate with each other in a test, and the transports the contract suite runs over. A new
// transport adds one line to transport_kinds().
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/contract/carrier_pair.hpp"
#include "tests/contract/stream_relay.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::contract {

/// One transport under test.
struct TransportKind {
    std::string name;
    /// A transport that reaches another of its kind on this machine, and gives up within a second when it cannot.
    std::function<std::unique_ptr<core::ports::Transport>(boost::asio::io_context&)> make;
    /// The attribute of a description that pins the peer's certificate; empty if it has none.
    std::string fingerprint_attribute;
};

inline void PrintTo(const TransportKind& kind, std::ostream* out) {
    *out << kind.name;
}

/// The visible list.
std::vector<TransportKind> transport_kinds();

/// One end: keeps what its attempt tells, and passes it on through hooks that a test may replace.
class Side : public core::ports::PathAttempt::Handler {
public:
    void on_description(const core::ports::TransportDescription& own) override {
        description = own;
        if (send_description) send_description(own);
    }
    void on_candidate(const core::ports::Candidate& candidate) override {
        candidates.push_back(candidate);
        if (send_candidate) send_candidate(candidate);
    }
    void on_candidates_end() override {
        candidates_ended = true;
        if (send_end) send_end();
    }
    void on_path(std::unique_ptr<core::ports::MessagePath> opened) override {
        ++paths;
        path = std::move(opened);
        if (on_opened) on_opened();
    }
    void on_failed(error_code reason) override { failures.push_back(reason); }

    std::unique_ptr<core::ports::PathAttempt> attempt;
    std::optional<core::ports::TransportDescription> description;
    std::vector<core::ports::Candidate> candidates;
    bool candidates_ended = false;
    int paths = 0;
    std::unique_ptr<core::ports::MessagePath> path;
    std::vector<error_code> failures;
    std::function<void(const core::ports::TransportDescription&)> send_description;
    std::function<void(const core::ports::Candidate&)> send_candidate;
    std::function<void()> send_end;
    std::function<void()> on_opened;
};

/// Two sides of one link with a transport each. Signaling takes a turn of the loop.
struct Exchange {
    explicit Exchange(const TransportKind& kind);

    /// Makes both attempts; false if a transport has nothing to try.
    bool make(AddressPolicy policy = AddressPolicy::all);
    void start();
    /// Runs until both sides have a path.
    bool reach();
    void connect_signaling(Side& from, Side& to);

    boost::asio::io_context loop;
    StreamRelayServer relay{loop};
    CarrierPair carriers{loop, {relay.relay()}, [this](const std::string& name) { return relay.activate(name); }};
    std::unique_ptr<core::ports::Transport> initiating;
    std::unique_ptr<core::ports::Transport> responding;
    Side initiator;
    Side responder;
    core::LinkId link = core::LinkId::random();
};

}  // namespace tubes::contract
