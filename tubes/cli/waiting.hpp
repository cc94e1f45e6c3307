// SPDX-License-Identifier: GPL-3.0-or-later
// Waiting for a contact that is expected online.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "tubes/cli/session.hpp"

namespace tubes::cli {

/// True once a node of the contact that speaks tubes is seen, false at the deadline. An empty contact stands for this
/// user's nodes on this machine.
boost::asio::awaitable<bool> wait_for_contact(Session& session, std::string contact,
                                              std::chrono::steady_clock::time_point deadline);

/// The kind of a service as the contact's devices list it for this user: what `wanted` is if none lists it.
boost::asio::awaitable<TubeKind> find_service_kind(Session& session, std::string contact, std::string service,
                                                   TubeKind wanted);

}  // namespace tubes::cli
