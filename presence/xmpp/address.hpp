// SPDX-License-Identifier: GPL-3.0-or-later
// XMPP addresses (JIDs), always prepared, so that equal strings mean equal addresses.
// Spec: RFC 7622 §3 by the stringprep profiles of RFC 6122 Appendices A and B, which servers of today enforce.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "tubes/core/ids.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxAddressPart = 1023;  // bytes; RFC 7622 §3.2-3.4

/// A prepared address. Constructed by parse() only, apart from the empty one, which means "none".
class Jid {
public:
    Jid() = default;

    /// Prepares each part (nodeprep, nameprep, resourceprep). Errc::invalid_argument for anything malformed, too
    /// long or forbidden; text need not be valid UTF-8.
    static result<Jid> parse(std::string_view text);

    const std::string& local() const noexcept { return local_; }
    const std::string& domain() const noexcept { return domain_; }
    const std::string& resource() const noexcept { return resource_; }
    bool empty() const noexcept { return domain_.empty(); }
    bool is_bare() const noexcept { return resource_.empty(); }

    /// "local@domain", or "domain".
    std::string bare() const;
    /// bare() with "/resource" if there is one.
    std::string full() const;
    /// The same address without its resource.
    Jid without_resource() const;
    /// The same bare address with another resource. Errc::invalid_argument as in parse().
    result<Jid> with_resource(std::string_view resource) const;

    core::ContactAddress contact() const { return {bare()}; }
    core::PeerAddress peer() const { return {contact(), full()}; }

    auto operator<=>(const Jid&) const = default;

private:
    std::string local_;
    std::string domain_;
    std::string resource_;
};

/// The ASCII form of a prepared domain for DNS, TLS and certificates (IDNA 2003, RFC 3490 §4).
/// Errc::invalid_argument for names DNS cannot hold.
result<std::string> ascii_domain(const std::string& domain);

}  // namespace tubes::presence::xmpp
