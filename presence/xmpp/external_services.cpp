// SPDX-License-Identifier: GPL-3.0-or-later
// Parsing of services and their expiry.
#include "presence/xmpp/external_services.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "presence/xmpp/jingle/payload.hpp"
#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp {

using core::ports::IceServer;

namespace {

constexpr std::size_t kMaxField = 512;  // bytes of a host name or credential

std::optional<IceServer::Scheme> scheme_of(const std::string& type, const std::string& transport) {
    if (type == "stun" && (transport.empty() || transport == "udp")) return IceServer::Scheme::stun;
    if (type == "turns") return IceServer::Scheme::turn_tls;
    if (type != "turn") return std::nullopt;
    return transport == "tcp" ? IceServer::Scheme::turn_tcp : IceServer::Scheme::turn_udp;
}

std::optional<IceServer> parse_service(const Element& service) {
    const auto scheme = scheme_of(attribute(service, "type"), attribute(service, "transport"));
    if (!scheme) return std::nullopt;
    IceServer server{*scheme, attribute(service, "host"), 3478, attribute(service, "username"),
                     attribute(service, "password")};
    if (*scheme == IceServer::Scheme::turn_tls) server.port = 5349;
    if (service.hasAttribute("port")) {
        const auto port = parse_number(attribute(service, "port"), 65535);
        if (!port || *port == 0) return std::nullopt;
        server.port = static_cast<std::uint16_t>(*port);
    }
    const bool fits = !server.host.empty() && server.host.size() <= kMaxField && server.username.size() <= kMaxField &&
                      server.password.size() <= kMaxField;
    return fits ? std::optional(server) : std::nullopt;
}

bool lacks_credentials(const IceServer& server) {
    return server.scheme != IceServer::Scheme::stun && server.username.empty();
}

/// A relay without credentials gets those of another service of its host, or goes. Prosody up to 0.12 names them for
/// "turn" and not for "turns", and its answer to the question for them (§3.3) is no other.
void complete_credentials(std::vector<IceServer>& servers) {
    for (auto& server : servers) {
        if (!lacks_credentials(server)) continue;
        const auto known = std::find_if(servers.begin(), servers.end(), [&](const IceServer& other) {
            return other.host == server.host && !other.username.empty();
        });
        if (known == servers.end()) continue;
        server.username = known->username;
        server.password = known->password;
        server.valid_for = known->valid_for;
    }
    servers.erase(std::remove_if(servers.begin(), servers.end(), lacks_credentials), servers.end());
}

bool take_digits(const char*& at, const char* end, int count, int& value) {
    if (end - at < count || !std::all_of(at, at + count, [](char c) { return c >= '0' && c <= '9'; })) return false;
    std::from_chars(at, at + count, value);
    at += count;
    return true;
}

bool take(const char*& at, const char* end, char wanted) {
    if (at == end || *at != wanted) return false;
    ++at;
    return true;
}

/// "Z" or "+hh:mm" in seconds.
std::optional<int> parse_offset(const char* at, const char* end) {
    if (end - at == 1 && *at == 'Z') return 0;
    const int sign = at != end && *at == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if (!take(at, end, '+') && !take(at, end, '-')) return std::nullopt;
    if (!take_digits(at, end, 2, hours) || !take(at, end, ':') || !take_digits(at, end, 2, minutes))
        return std::nullopt;
    if (at != end || hours > 14 || minutes > 59) return std::nullopt;
    return sign * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> parse_date_time(const std::string& text) {
    const char* at = text.data();
    const char* end = at + text.size();
    std::tm date{};
    const bool read =
        take_digits(at, end, 4, date.tm_year) && take(at, end, '-') && take_digits(at, end, 2, date.tm_mon) &&
        take(at, end, '-') && take_digits(at, end, 2, date.tm_mday) && take(at, end, 'T') &&
        take_digits(at, end, 2, date.tm_hour) && take(at, end, ':') && take_digits(at, end, 2, date.tm_min) &&
        take(at, end, ':') && take_digits(at, end, 2, date.tm_sec);
    const bool plausible = date.tm_year >= 1970 && date.tm_mon >= 1 && date.tm_mon <= 12 && date.tm_mday >= 1 &&
                           date.tm_mday <= 31 && date.tm_hour <= 24 && date.tm_min <= 59 && date.tm_sec <= 60;
    if (!read || !plausible) return std::nullopt;
    if (take(at, end, '.')) {
        while (at != end && *at >= '0' && *at <= '9') ++at;
    }
    const auto offset = parse_offset(at, end);
    if (!offset) return std::nullopt;
    date.tm_year -= 1900;
    date.tm_mon -= 1;
    return std::chrono::system_clock::from_time_t(timegm(&date) - *offset);
}

ExternalServices parse_external_services(const Element& services, std::chrono::system_clock::time_point now) {
    ExternalServices found;
    for (const Element* service : children(services, "service")) {
        const auto server = parse_service(*service);
        if (!server || found.servers.size() == kMaxIceServers) continue;
        const std::string& expires = attribute(*service, "expires");
        if (!expires.empty()) {
            const auto end = parse_date_time(expires);
            if (!end || *end <= now) continue;
            const auto left = std::chrono::duration_cast<std::chrono::seconds>(*end - now);
            found.lifetime = std::min(found.lifetime, left);
            found.servers.push_back(*server);
            found.servers.back().valid_for = std::max(left, std::chrono::seconds(1));
            continue;
        }
        found.servers.push_back(*server);
    }
    complete_credentials(found.servers);
    return found;
}

void ExternalServiceCache::find(Callback callback) {
    if (fresh_until_ && now_() < *fresh_until_) return callback(servers_now());
    waiting_.push_back(std::move(callback));
    if (waiting_.size() == 1) asker_([this](const Element* services) { on_answer(services); });
}

void ExternalServiceCache::on_answer(const Element* services) {
    const auto now = now_();
    if (services) {
        auto found = parse_external_services(*services, std::chrono::system_clock::now());
        servers_ = std::move(found.servers);
        answered_at_ = now;
        valid_until_ = now + found.lifetime;
        // Renewed before the end, and no more often than half-way to it.
        fresh_until_ = now + std::max(found.lifetime / 2, found.lifetime - kServicesRenewBefore);
    } else if (!valid_until_ || now >= *valid_until_) {
        servers_.clear();
    }
    const auto waiting = std::move(waiting_);
    waiting_.clear();
    for (const auto& callback : waiting) callback(servers_now());
}

std::vector<IceServer> ExternalServiceCache::servers_now() const {
    auto servers = servers_;
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now_() - answered_at_);
    for (auto& server : servers) {
        if (server.valid_for.count() > 0) server.valid_for = std::max(server.valid_for - age, std::chrono::seconds(1));
    }
    return servers;
}

}  // namespace tubes::presence::xmpp
