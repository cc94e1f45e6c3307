// SPDX-License-Identifier: GPL-3.0-or-later
// Single values of the configuration: flag before environment before file before default.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tubes/base/proxy.hpp"
#include "tubes/config.hpp"
#include "tubes/core/tube/broker.hpp"
#include "tubes/engine/state/config_content.hpp"
#include "tubes/engine/state/directories.hpp"

namespace tubes::engine {

class Settings {
public:
    /// Reads all known settings. invalid_argument if a value is malformed or a flag names none; the log says which.
    static result<Settings> resolve(const std::map<std::string, std::string>& flags, const ConfigContent& content,
                                    const std::filesystem::path& config_file);

    const std::string& text(const std::string& name) const;
    std::uint64_t number(const std::string& name) const;
    bool boolean(const std::string& name) const;

    core::BrokerLimits broker_limits() const;
    core::LinkLimits link_limits() const;
    AddressPolicy default_addresses() const;
    /// True if links may use that kind of path (network.transports).
    bool allows(PathKind kind) const;
    /// The proxy on the way to servers: network.proxy, else what the environment names.
    base::Proxy proxy() const;
    /// STUN and TURN servers that the user named.
    std::vector<core::ports::IceServer> ice_servers() const;

    /// Every value with its source; passwords replaced by stars.
    std::vector<ConfigValue> list() const;

private:
    std::map<std::string, ConfigValue> values_;
};

/// "host", "host:port", "[v6]:port" with an optional "stun:", "turn:" or "turns:" before and "?transport=tcp" behind
/// (RFC 7064, RFC 7065), for TURN with "user:password@" before the host: a ":" of the user is written "%3A", a "%"
/// "%25". invalid_argument.
result<core::ports::IceServer> parse_ice_server(std::string_view text, bool relay);

}  // namespace tubes::engine
