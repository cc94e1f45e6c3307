// SPDX-License-Identifier: GPL-3.0-or-later
// The visible lists of what this build can do: one line for each transport and each protocol.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tubes/core/ports/connection.hpp"
#include "tubes/core/ports/scheduler.hpp"
#include "tubes/core/ports/transport.hpp"
#include "tubes/core/ports/web_transport.hpp"
#include "tubes/engine/profile.hpp"

namespace tubes::engine {

/// What transports and protocols are made with; all of it outlives them.
struct Surroundings {
    boost::asio::any_io_executor executor;
    core::ports::Scheduler* scheduler = nullptr;
    Profile* profile = nullptr;
};

struct TransportEntry {
    PathKind kind;
    std::unique_ptr<core::ports::Transport> (*make)(const Surroundings& surroundings);
};

struct ProtocolEntry {
    std::string_view name;
    /// True if an account of this address is this protocol's.
    bool (*owns)(std::string_view address);
    /// An error comes with `detail` for people where there is more to say.
    result<std::unique_ptr<core::ports::Connection>> (*make)(const Surroundings& surroundings,
                                                             const LoginOptions& options, std::string& detail);
};

const std::vector<TransportEntry>& transport_list();
const std::vector<ProtocolEntry>& protocol_list();

/// The transports that the setting network.transports permits, in the order of the list.
std::vector<std::unique_ptr<core::ports::Transport>> make_transports(const Surroundings& surroundings);

/// The way to foreign peers; null where the settings do not permit ICE.
std::unique_ptr<core::ports::WebTransport> make_web_transport(const Surroundings& surroundings);

/// The entry for an account; null if no protocol of this build knows such an address.
const ProtocolEntry* find_protocol(std::string_view address);

}  // namespace tubes::engine
