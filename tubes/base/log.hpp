// SPDX-License-Identifier: GPL-3.0-or-later
// Logs by area, with a level each. Never log secrets; pass network text through printable().
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>
#include <string_view>

#include "tubes/error.hpp"

namespace tubes::base {

/// The logger of an area: "link", "mux", "negotiation", "xmpp", "ice", "sctp", "tls", "local", "engine", "cli".
/// Thread-safe; created on first use with the level last configured for it (default: warn), writing to stderr.
std::shared_ptr<spdlog::logger> logger(const std::string& area);

/// Sets levels from "info" or "ice=debug,xmpp=trace,warn" (the bare word is everything else's);
/// Errc::invalid_argument names nothing it changed.
result<void> configure_logs(std::string_view levels);

/// `text` with control characters, escape sequences, bidirectional overrides and malformed UTF-8 replaced by
/// visible escapes (\x1b, \u202e, \xff), cut after `limit` bytes with "...". Safe for a terminal and for a log line.
std::string printable(std::string_view text, std::size_t limit = 256);

}  // namespace tubes::base
