// SPDX-License-Identifier: GPL-3.0-or-later
// The core's data as the public API shows it.
#pragma once

#include "tubes/core/tube/broker.hpp"
#include "tubes/status.hpp"

namespace tubes::engine {

TubeInfo to_info(const core::TubeStatus& tube, const core::ports::Crypto& crypto);
LinkInfo to_info(const core::LinkReport& link, const core::ports::Crypto& crypto);
PathInfo to_info(const core::ports::PathInfo& path);
ContactInfo to_info(const core::ports::AccountName& account, const core::ports::Contact& contact);
PendingInfo to_info(const core::PendingRequest& request, const core::ports::Crypto& crypto, core::TimePoint now);
AccountState to_state(core::ports::ConnectionState state) noexcept;
/// A device's name: hexadecimal SHA-256 of its identity key.
std::string device_name(const core::PublicKey& key, const core::ports::Crypto& crypto);

}  // namespace tubes::engine
