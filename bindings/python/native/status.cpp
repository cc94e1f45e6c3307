// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/status.hpp: each structure becomes the data class of the same name in tubes.types.
#include "tubes/status.hpp"

#include "bindings/python/native/convert.hpp"

namespace tubes::python {

py::object Record::make() const {
    return py::module_::import("tubes.types").attr(name_)(**fields_);
}

py::object to_python(AccountState state) {
    return member("AccountState", static_cast<int>(state));
}
py::object to_python(KeyStanding standing) {
    return member("KeyStanding", static_cast<int>(standing));
}
py::object to_python(Finding::Severity severity) {
    return member("Severity", static_cast<int>(severity));
}

py::object to_python(const AccountInfo& info) {
    return Record("AccountInfo")
        .set("name", info.name)
        .set("protocol", info.protocol)
        .set("state", info.state)
        .set("reason", info.reason)
        .set("detail", info.detail)
        .set("server", info.server)
        .set("security", info.security)
        .set("features", info.features)
        .set("device", info.device)
        .make();
}

py::object to_python(const PeerInfo& info) {
    return Record("PeerInfo")
        .set("address", info.address)
        .set("presence", info.presence)
        .set("speaks_tubes", info.speaks_tubes)
        .set("client", info.client)
        .make();
}

py::object to_python(const ContactInfo& info) {
    return Record("ContactInfo")
        .set("account", info.account)
        .set("address", info.address)
        .set("name", info.name)
        .set("subscription", info.subscription)
        .set("is_self", info.is_self)
        .set("peers", info.peers)
        .make();
}

py::object to_python(const OfferedService& info) {
    return Record("OfferedService")
        .set("peer", info.peer)
        .set("device", info.device)
        .set("service", info.service)
        .set("kind", info.kind)
        .set("parameters", info.parameters)
        .make();
}

py::object to_python(const PendingInfo& info) {
    return Record("PendingInfo")
        .set("id", info.id)
        .set("is_offer", info.is_offer)
        .set("account", info.account)
        .set("contact", info.contact)
        .set("peer", info.peer)
        .set("service", info.service)
        .set("kind", info.kind)
        .set("parameters", info.parameters)
        .set("device", info.device)
        .set("standing", info.standing)
        .set("expires_in", info.expires_in)
        .make();
}

py::object to_python(const Phase& info) {
    return Record("Phase").set("name", info.name).set("at", info.at).make();
}

py::object to_python(const TubeInfo& info) {
    return Record("TubeInfo")
        .set("id", info.id)
        .set("link", info.link)
        .set("account", info.account)
        .set("contact", info.contact)
        .set("peer", info.peer)
        .set("device", info.device)
        .set("service", info.service)
        .set("kind", info.kind)
        .set("parameters", info.parameters)
        .set("state", info.state)
        .set("incoming", info.incoming)
        .set("streams", info.streams)
        .set("bytes_sent", info.bytes_sent)
        .set("bytes_received", info.bytes_received)
        .set("datagrams_sent", info.datagrams_sent)
        .set("datagrams_received", info.datagrams_received)
        .set("datagrams_dropped", info.datagrams_dropped)
        .set("datagrams_missed", info.datagrams_missed)
        .set("phases", info.phases)
        .make();
}

py::object to_python(const PathInfo& info) {
    return Record("PathInfo")
        .set("kind", info.kind)
        .set("active", info.active)
        .set("local_address", info.local_address)
        .set("remote_address", info.remote_address)
        .set("detail", info.detail)
        .set("bytes_sent", info.bytes_sent)
        .set("bytes_received", info.bytes_received)
        .set("rtt", info.rtt)
        .make();
}

py::object to_python(const LinkInfo& info) {
    return Record("LinkInfo")
        .set("id", info.id)
        .set("account", info.account)
        .set("contact", info.contact)
        .set("peer", info.peer)
        .set("device", info.device)
        .set("state", info.state)
        .set("paths", info.paths)
        .set("why_relayed", info.why_relayed)
        .set("rtt", info.rtt)
        .set("bytes_sent", info.bytes_sent)
        .set("bytes_received", info.bytes_received)
        .set("streams", info.streams)
        .set("path_changes", info.path_changes)
        .set("largest_datagram", info.largest_datagram)
        .set("packet_datagram", info.packet_datagram)
        .make();
}

py::object to_python(const ShareInfo& info) {
    return Record("ShareInfo")
        .set("service", info.service)
        .set("kind", info.kind)
        .set("target", info.target)
        .set("audience", info.audience)
        .set("policy", info.policy)
        .make();
}

py::object to_python(const Status& info) {
    return Record("Status")
        .set("accounts", info.accounts)
        .set("shares", info.shares)
        .set("tubes", info.tubes)
        .set("links", info.links)
        .set("pending", info.pending)
        .make();
}

py::object to_python(const PinInfo& info) {
    return Record("PinInfo")
        .set("device", info.device)
        .set("key", info.key)
        .set("digits", info.digits)
        .set("accepted", info.accepted)
        .set("verified", info.verified)
        .set("first_seen", info.first_seen)
        .make();
}

py::object to_python(const PingInfo& info) {
    return Record("PingInfo").set("peer", info.peer).set("rtt", info.rtt).set("path", info.path).make();
}

py::object to_python(const Finding& info) {
    return Record("Finding")
        .set("topic", info.topic)
        .set("severity", info.severity)
        .set("text", info.text)
        .set("advice", info.advice)
        .make();
}

py::object to_python(const AccountChanged& info) {
    return Record("AccountChanged").set("account", info.account).make();
}

py::object to_python(const ContactChanged& info) {
    return Record("ContactChanged").set("contact", info.contact).make();
}

py::object to_python(const ContactRemoved& info) {
    return Record("ContactRemoved").set("account", info.account).set("contact", info.contact).make();
}

py::object to_python(const SubscriptionRequested& info) {
    return Record("SubscriptionRequested")
        .set("account", info.account)
        .set("contact", info.contact)
        .set("text", info.text)
        .make();
}

py::object to_python(const RequestPending& info) {
    return Record("RequestPending").set("request", info.request).make();
}

py::object to_python(const RequestEnded& info) {
    return Record("RequestEnded").set("id", info.id).set("reason", info.reason).make();
}

py::object to_python(const TubeOpened& info) {
    return Record("TubeOpened").set("tube", info.tube).make();
}

py::object to_python(const TubeClosed& info) {
    return Record("TubeClosed").set("id", info.id).set("reason", info.reason).make();
}

py::object to_python(const OfferEnded& info) {
    return Record("OfferEnded").set("id", info.id).set("reason", info.reason).make();
}

py::object to_python(const LinkChanged& info) {
    return Record("LinkChanged").set("link", info.link).make();
}

py::object to_python(const KeyChanged& info) {
    return Record("KeyChanged")
        .set("account", info.account)
        .set("contact", info.contact)
        .set("device", info.device)
        .make();
}

py::object to_python(const TargetFailed& info) {
    return Record("TargetFailed")
        .set("service", info.service)
        .set("target", info.target)
        .set("reason", info.reason)
        .make();
}

py::object to_python(const DatagramTooLarge& info) {
    return Record("DatagramTooLarge")
        .set("service", info.service)
        .set("size", info.size)
        .set("largest", info.largest)
        .make();
}

py::object to_python(const EventsLost& info) {
    return Record("EventsLost").set("count", info.count).make();
}

py::object to_python(const Event& event) {
    return std::visit([](const auto& each) { return to_python(each); }, event);
}

}  // namespace tubes::python
