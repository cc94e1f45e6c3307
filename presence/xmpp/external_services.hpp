// SPDX-License-Identifier: GPL-3.0-or-later
// STUN and TURN servers that the user's server names, with credentials. Spec: XEP-0215 1.0.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "presence/xmpp/xml.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxIceServers = 16;                // kept of one answer
inline constexpr std::chrono::seconds kServicesLifetime{600};    // of an answer that names no end
inline constexpr std::chrono::seconds kServicesRenewBefore{60};  // so long before the end they are asked for anew

/// An answer, and until when it may be used.
struct ExternalServices {
    std::vector<core::ports::IceServer> servers;
    std::chrono::seconds lifetime = kServicesLifetime;
};

/// Reads <services xmlns='urn:xmpp:extdisco:2'/>; skips entries of other types and malformed ones. `now` is the wall
/// clock that `expires` is measured by.
ExternalServices parse_external_services(const Element& services, std::chrono::system_clock::time_point now);

/// A date and time of XEP-0082, in UTC or with an offset.
std::optional<std::chrono::system_clock::time_point> parse_date_time(const std::string& text);

/// Asks, caches, and asks anew before credentials end; several askers share one question.
class ExternalServiceCache {
public:
    using Callback = std::function<void(std::vector<core::ports::IceServer>)>;
    /// Asks the server; calls back with <services/>, or null.
    using Asker = std::function<void(std::function<void(const Element*)>)>;
    using Now = std::function<std::chrono::steady_clock::time_point()>;

    ExternalServiceCache(Asker asker, Now now) : asker_(std::move(asker)), now_(std::move(now)) {}

    /// From the cache, else from the server. The callback may run inside the call.
    void find(Callback callback);

private:
    void on_answer(const Element* services);
    /// With what is left of the credentials' time.
    std::vector<core::ports::IceServer> servers_now() const;

    Asker asker_;
    Now now_;
    std::vector<core::ports::IceServer> servers_;
    std::chrono::steady_clock::time_point answered_at_{};
    std::optional<std::chrono::steady_clock::time_point> fresh_until_;
    std::optional<std::chrono::steady_clock::time_point> valid_until_;
    std::vector<Callback> waiting_;
};

}  // namespace tubes::presence::xmpp
