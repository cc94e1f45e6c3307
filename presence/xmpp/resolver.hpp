// SPDX-License-Identifier: GPL-3.0-or-later
// From a domain to hosts, from a host to addresses. Spec: RFC 6120 §3.2, XEP-0368.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "presence/xmpp/ares_channel.hpp"
#include "presence/xmpp/srv_records.hpp"

namespace tubes::presence::xmpp {

/// Why something did not work: the code for programs, a sentence fragment for people.
struct Failure {
    error_code code;
    std::string detail;
};

/// Asks DNS (and /etc/hosts). Callbacks run on the loop, never inside the call, and not after destruction.
class Resolver {
public:
    using TargetsCallback = std::function<void(std::vector<Target> targets, Failure failure)>;
    using AddressesCallback = std::function<void(std::vector<boost::asio::ip::address> addresses, Failure failure)>;

    /// `servers`: DNS servers as in AresChannel::make(), empty for the system's.
    Resolver(boost::asio::any_io_executor executor, const std::string& servers);
    ~Resolver();

    /// The hosts of `domain` (ASCII) in order of preference; the domain itself at port 5222 if it has no SRV record.
    /// Fails only if the domain says that it offers no XMPP.
    void find_targets(const std::string& domain, TargetsCallback callback);

    /// IPv6 and IPv4 addresses of `host` (ASCII or an address literal), in the order of RFC 6724.
    /// Errc::network_unreachable, saying whether the name is unknown or DNS did not answer.
    void find_addresses(const std::string& host, AddressesCallback callback);

private:
    boost::asio::any_io_executor executor_;
    std::shared_ptr<AresChannel> channel_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tubes::presence::xmpp
