// SPDX-License-Identifier: GPL-3.0-or-later
// Two SRV queries side by side, address queries, and what their failures mean.
#include "presence/xmpp/resolver.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>

#include "tubes/base/bytes.hpp"

namespace tubes::presence::xmpp {
namespace {

constexpr int kSrvType = 33;                 // RFC 2782
constexpr std::uint16_t kClientPort = 5222;  // RFC 6120 §14.7
constexpr std::size_t kMaxAddresses = 16;    // of one host

std::uint32_t secure_random_up_to(std::uint32_t limit) {
    std::array<std::uint8_t, 4> bytes{};
    base::fill_random(bytes);
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return limit == UINT32_MAX ? value : value % (limit + 1);
}

struct SrvSearch {
    std::vector<SrvRecord> records;
    int pending = 2;
    bool not_offered = false;
};

void read_records(SrvSearch& search, const unsigned char* answer, int length, bool direct_tls) {
    ares_srv_reply* list = nullptr;
    if (ares_parse_srv_reply(answer, length, &list) != ARES_SUCCESS) return;
    for (const auto* entry = list; entry && search.records.size() < 2 * kMaxTargets; entry = entry->next) {
        const std::string host = entry->host ? entry->host : "";
        if (host.empty() || host == ".") {
            search.not_offered = search.not_offered || !direct_tls;
        } else {
            search.records.push_back({host, entry->port, entry->priority, entry->weight, direct_tls});
        }
    }
    ares_free_data(list);
}

std::vector<boost::asio::ip::address> read_addresses(const ares_addrinfo* info) {
    std::vector<boost::asio::ip::address> addresses;
    for (const auto* node = info ? info->nodes : nullptr; node; node = node->ai_next) {
        boost::asio::ip::address address;
        if (node->ai_family == AF_INET) {
            boost::asio::ip::address_v4::bytes_type bytes;
            std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr, bytes.size());
            address = boost::asio::ip::address_v4(bytes);
        } else if (node->ai_family == AF_INET6) {
            boost::asio::ip::address_v6::bytes_type bytes;
            std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr, bytes.size());
            address = boost::asio::ip::address_v6(bytes);
        } else {
            continue;
        }
        const bool known = std::find(addresses.begin(), addresses.end(), address) != addresses.end();
        if (!known && addresses.size() < kMaxAddresses) addresses.push_back(address);
    }
    return addresses;
}

Failure explain(int status, const std::string& host) {
    const bool unknown = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
    const std::string detail =
        unknown ? "unknown host " + host
                : "no DNS answer for " + host + " (" + ares_strerror(status) + "); is there a network?";
    return {Errc::network_unreachable, detail};
}

}  // namespace

Resolver::Resolver(boost::asio::any_io_executor executor, const std::string& servers)
    : executor_(executor), channel_(AresChannel::make(executor, servers)) {}

Resolver::~Resolver() {
    if (channel_) channel_->stop();
    *alive_ = false;
}

void Resolver::find_targets(const std::string& domain, TargetsCallback callback) {
    auto search = std::make_shared<SrvSearch>();
    const auto finish = [executor = executor_, alive = alive_, domain, search, callback = std::move(callback)] {
        if (--search->pending > 0) return;
        auto targets = order_targets(std::move(search->records), secure_random_up_to);
        Failure failure;
        if (targets.empty() && search->not_offered) {
            failure = {Errc::network_unreachable, domain + " says that it offers no XMPP service"};
        } else if (targets.empty()) {
            targets.push_back({domain, kClientPort, false});
        }
        boost::asio::post(executor, [alive, callback, targets, failure] {
            if (*alive) callback(targets, failure);
        });
    };
    error_code ignored;
    boost::asio::ip::make_address(domain, ignored);
    const bool is_name = static_cast<bool>(ignored);
    for (const bool direct : {true, false}) {
        const std::string name = (direct ? "_xmpps-client._tcp." : "_xmpp-client._tcp.") + domain;
        if (!channel_ || !is_name) {
            finish();
            continue;
        }
        channel_->query(name, kSrvType, [search, direct, finish](int status, const unsigned char* answer, int length) {
            if (status == ARES_SUCCESS) read_records(*search, answer, length, direct);
            finish();
        });
    }
}

void Resolver::find_addresses(const std::string& host, AddressesCallback callback) {
    const auto finish = [executor = executor_, alive = alive_, callback = std::move(callback)](auto addresses,
                                                                                               Failure failure) {
        boost::asio::post(executor, [alive, callback, addresses, failure] {
            if (*alive) callback(addresses, failure);
        });
    };
    error_code error;
    const auto literal = boost::asio::ip::make_address(host, error);
    if (!error) return finish(std::vector<boost::asio::ip::address>{literal}, Failure{});
    if (!channel_) return finish(std::vector<boost::asio::ip::address>{}, explain(ARES_ECONNREFUSED, host));
    channel_->find_addresses(host, [host, finish](int status, const ares_addrinfo* info) {
        auto addresses = read_addresses(info);
        finish(addresses, addresses.empty() ? explain(status, host) : Failure{});
    });
}

}  // namespace tubes::presence::xmpp
