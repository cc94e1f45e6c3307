// SPDX-License-Identifier: GPL-3.0-or-later
// The examination behind `tube doctor`: interfaces, accounts, NAT behaviour, relays.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <vector>

#include "tubes/core/ports/transport.hpp"
#include "tubes/status.hpp"

namespace tubes::engine {

/// What is examined. Only servers that the user or the user's server named are in here.
struct DiagnosisInput {
    std::vector<AccountInfo> accounts;
    std::vector<core::ports::IceServer> servers;
    core::ports::Transport* ice = nullptr;  ///< Tries the relays; outlives the examination.
    /// What the servers of the accounts carry besides signals.
    std::vector<std::shared_ptr<core::ports::PeerCarrier>> carriers;
    std::string proxy;  ///< That servers are called through, as it may be shown; or empty.
};

/// Examines and calls `done` once, on the executor, after at most 10 s. Findings come in a fixed order: interfaces,
/// proxy, accounts, then NAT by each STUN server and relays as they answer.
void async_diagnose(const boost::asio::any_io_executor& executor, DiagnosisInput input,
                    std::function<void(std::vector<Finding>)> done);

}  // namespace tubes::engine
