// SPDX-License-Identifier: GPL-3.0-or-later
// JSON of the public structs: what --json prints. Names are stable; fields may be added.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tubes/base/bytes.hpp"
#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

using nlohmann::json;

json reason_json(const error_code& reason) {
    return reason ? json(reason.message()) : json(nullptr);
}

json parameters_json(const Parameters& parameters) {
    json object = json::object();
    for (const auto& [name, value] : parameters) {
        object[name] = std::visit(
            [](const auto& held) -> json {
                if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::vector<std::uint8_t>>) {
                    return {{"base64", base::to_base64(held)}};
                } else {
                    return held;
                }
            },
            value);
    }
    return object;
}

json rtt_json(const std::optional<std::chrono::microseconds>& rtt) {
    return rtt ? json(rtt->count()) : json(nullptr);
}

}  // namespace

json to_json(const AccountInfo& account) {
    return {{"name", account.name},
            {"protocol", account.protocol},
            {"state", to_string(account.state)},
            {"reason", reason_json(account.reason)},
            {"detail", account.detail},
            {"server", account.server},
            {"security", account.security},
            {"features", account.features},
            {"device", account.device}};
}

json to_json(const ContactInfo& contact) {
    json peers = json::array();
    for (const auto& peer : contact.peers) {
        peers.push_back({{"address", peer.address},
                         {"presence", peer.presence},
                         {"speaks_tubes", peer.speaks_tubes},
                         {"client", peer.client}});
    }
    return {{"account", contact.account},           {"address", contact.address}, {"name", contact.name},
            {"subscription", contact.subscription}, {"is_self", contact.is_self}, {"peers", std::move(peers)}};
}

json to_json(const OfferedService& service) {
    return {{"peer", service.peer},
            {"device", service.device},
            {"service", service.service},
            {"kind", to_string(service.kind)},
            {"parameters", parameters_json(service.parameters)}};
}

json to_json(const PendingInfo& pending) {
    return {{"id", pending.id},
            {"is_offer", pending.is_offer},
            {"account", pending.account},
            {"contact", pending.contact},
            {"peer", pending.peer},
            {"service", pending.service},
            {"kind", to_string(pending.kind)},
            {"parameters", parameters_json(pending.parameters)},
            {"device", pending.device},
            {"key", to_string(pending.standing)},
            {"expires_in_s", pending.expires_in.count()}};
}

json to_json(const TubeInfo& tube) {
    json phases = json::array();
    for (const auto& phase : tube.phases) phases.push_back({{"name", phase.name}, {"at_us", phase.at.count()}});
    return {{"id", tube.id},
            {"link", tube.link},
            {"account", tube.account},
            {"contact", tube.contact},
            {"peer", tube.peer},
            {"device", tube.device},
            {"service", tube.service},
            {"kind", to_string(tube.kind)},
            {"parameters", parameters_json(tube.parameters)},
            {"state", tube.state},
            {"incoming", tube.incoming},
            {"streams", tube.streams},
            {"bytes_sent", tube.bytes_sent},
            {"bytes_received", tube.bytes_received},
            {"datagrams_sent", tube.datagrams_sent},
            {"datagrams_received", tube.datagrams_received},
            {"datagrams_dropped", tube.datagrams_dropped},
            {"datagrams_missed", tube.datagrams_missed},
            {"phases", std::move(phases)}};
}

json to_json(const PathInfo& path) {
    return {
        {"kind", to_string(path.kind)},          {"active", path.active},       {"local_address", path.local_address},
        {"remote_address", path.remote_address}, {"detail", path.detail},       {"bytes_sent", path.bytes_sent},
        {"bytes_received", path.bytes_received}, {"rtt_us", rtt_json(path.rtt)}};
}

json to_json(const LinkInfo& link) {
    return {{"id", link.id},
            {"account", link.account},
            {"contact", link.contact},
            {"peer", link.peer},
            {"device", link.device},
            {"state", link.state},
            {"paths", list_json(link.paths)},
            {"why_relayed", link.why_relayed},
            {"rtt_us", rtt_json(link.rtt)},
            {"bytes_sent", link.bytes_sent},
            {"bytes_received", link.bytes_received},
            {"streams", link.streams},
            {"largest_datagram", link.largest_datagram},
            {"packet_datagram", link.packet_datagram},
            {"path_changes", link.path_changes}};
}

json to_json(const ShareInfo& share) {
    static constexpr const char* kPolicies[] = {"ask", "always", "never"};
    return {{"service", share.service},
            {"kind", to_string(share.kind)},
            {"target", share.target},
            {"audience", share.audience},
            {"policy", kPolicies[static_cast<int>(share.policy)]}};
}

json to_json(const PinInfo& pin) {
    return {{"device", pin.device},     {"key", pin.key},
            {"digits", pin.digits},     {"accepted", pin.accepted},
            {"verified", pin.verified}, {"first_seen", std::chrono::system_clock::to_time_t(pin.first_seen)}};
}

json to_json(const PingInfo& ping) {
    return {
        {"peer", ping.peer}, {"rtt_us", ping.rtt.count()}, {"path", ping.path ? to_json(*ping.path) : json(nullptr)}};
}

json to_json(const Status& status) {
    return {{"accounts", list_json(status.accounts)},
            {"shares", list_json(status.shares)},
            {"tubes", list_json(status.tubes)},
            {"links", list_json(status.links)},
            {"pending", list_json(status.pending)}};
}

template <class Item>
json list_json(const std::vector<Item>& items) {
    json array = json::array();
    for (const auto& item : items) array.push_back(to_json(item));
    return array;
}

template json list_json(const std::vector<AccountInfo>&);
template json list_json(const std::vector<ContactInfo>&);
template json list_json(const std::vector<OfferedService>&);
template json list_json(const std::vector<PendingInfo>&);
template json list_json(const std::vector<PinInfo>&);
template json list_json(const std::vector<PingInfo>&);

void print_json(const json& document) {
    // Whatever came from the network may be no valid UTF-8; a replacement character beats an exception.
    fmt::print("{}\n", document.dump(2, ' ', false, json::error_handler_t::replace));
    std::fflush(stdout);
}

}  // namespace tubes::cli
