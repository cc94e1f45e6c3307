// SPDX-License-Identifier: GPL-3.0-or-later
// Offers, questions and replies; link signals go to the Jingle codec.
#include "presence/xmpp/signal_codec.hpp"

#include <array>

#include "presence/xmpp/jingle/jingle_codec.hpp"
#include "presence/xmpp/jingle/payload.hpp"
#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::OfferEnd;
using core::Signal;

const error_code kBad = make_error_code(Errc::protocol_violation);

struct EndName {
    OfferEnd end;
    std::string_view name;
};
constexpr std::array<EndName, 4> kEnds = {{
    {OfferEnd::taken, "taken"},
    {OfferEnd::withdrawn, "withdrawn"},
    {OfferEnd::expired, "expired"},
    {OfferEnd::declined, "declined"},
}};

struct Encoder {
    EncodedSignal operator()(const core::OfferSignal& offer) const {
        auto element = make_element("offer", kTubesNamespace);
        element->addAttribute("id", offer.offer.hex());
        element->addAttribute("service", offer.service);
        element->addAttribute("kind", std::string(to_string(offer.kind)));
        element->addAttribute("lifetime", std::to_string(offer.lifetime.count()));
        element->addAttribute("identity", offer.identity.hex());
        put_parameters(*element, offer.parameters);
        return {"set", std::move(element)};
    }
    EncodedSignal operator()(const core::OfferEndSignal& end) const {
        auto element = make_element("offer-end", kTubesNamespace);
        element->addAttribute("id", end.offer.hex());
        for (const auto& known : kEnds) {
            if (known.end == end.end) element->addAttribute("end", std::string(known.name));
        }
        return {"set", std::move(element)};
    }
    EncodedSignal operator()(const core::ServiceQuery&) const {
        return {"get", make_element("services", kTubesNamespace)};
    }
    EncodedSignal operator()(const core::PingSignal&) const { return {"get", make_element("ping", kTubesNamespace)}; }
    template <class LinkSignal>
    EncodedSignal operator()(const LinkSignal& signal) const {
        return {"set", encode_jingle(signal)};
    }
};

template <class Items>
result<void> check_items(const Items& items, std::size_t limit) {
    if (items.size() > limit) return make_error_code(Errc::limit_exceeded);
    for (const auto& item : items) {
        if (auto checked = check_attributes(item.attributes); !checked) return checked;
    }
    return {};
}

result<void> check_named(const std::string& service, const Parameters& parameters) {
    if (!is_valid_service_name(service)) return make_error_code(Errc::invalid_argument);
    return check_parameters(parameters);
}

struct Checker {
    result<void> operator()(const core::OfferSignal& offer) const {
        const auto lifetime = offer.lifetime.count();
        if (lifetime < 0 || lifetime > kMaxOfferLifetime) return make_error_code(Errc::invalid_argument);
        return check_named(offer.service, offer.parameters);
    }
    result<void> operator()(const core::LinkInitiate& signal) const {
        if (auto named = check_named(signal.request.service, signal.request.parameters); !named) return named;
        return check_items(signal.transports, kMaxDescriptions);
    }
    result<void> operator()(const core::LinkAccept& signal) const {
        if (auto checked = check_parameters(signal.parameters); !checked) return checked;
        return check_items(signal.transports, kMaxDescriptions);
    }
    result<void> operator()(const core::LinkCandidates& signal) const {
        return check_items(signal.candidates, kMaxCandidates);
    }
    result<void> operator()(const core::LinkRestart& signal) const {
        return check_items(signal.transports, kMaxDescriptions);
    }
    template <class Other>
    result<void> operator()(const Other&) const {
        return {};
    }
};

result<Signal> decode_offer(const Element& element) {
    auto id = get_id<core::OfferId>(element, "id");
    auto service = get_service_name(element, "service");
    auto kind = get_tube_kind(element);
    auto lifetime = parse_number(attribute(element, "lifetime"), kMaxOfferLifetime);
    auto identity = get_id<core::PublicKey>(element, "identity");
    auto parameters = get_parameters(element);
    if (!id || !service || !kind || !lifetime || !identity || !parameters) return kBad;
    const std::chrono::seconds seconds(static_cast<std::int64_t>(*lifetime));
    return Signal(core::OfferSignal{*id, std::move(*service), *kind, std::move(*parameters), seconds, *identity});
}

result<Signal> decode_offer_end(const Element& element) {
    auto id = get_id<core::OfferId>(element, "id");
    if (!id) return id.error();
    for (const auto& known : kEnds) {
        if (known.name == attribute(element, "end")) return Signal(core::OfferEndSignal{*id, known.end});
    }
    return kBad;
}

result<core::ServiceInfo> decode_service(const Element& element) {
    auto name = get_service_name(element, "name");
    auto kind = get_tube_kind(element);
    auto parameters = get_parameters(element);
    if (!name || !kind || !parameters) return kBad;
    return core::ServiceInfo{std::move(*name), *kind, std::move(*parameters)};
}

result<core::SignalReply> decode_services(const Element& element) {
    core::ServiceList list;
    auto identity = get_id<core::PublicKey>(element, "identity");
    const auto entries = children(element, "service");
    if (!identity || entries.size() > kMaxServices) return kBad;
    list.identity = *identity;
    for (const Element* entry : entries) {
        auto service = decode_service(*entry);
        if (!service) return service.error();
        list.services.push_back(std::move(*service));
    }
    return core::SignalReply(std::move(list));
}

}  // namespace

result<EncodedSignal> encode_signal(const Signal& signal) {
    if (auto checked = std::visit(Checker{}, signal); !checked) return checked.error();
    return std::visit(Encoder{}, signal);
}

bool is_signal_payload(const Element& payload) {
    return namespace_of(payload) == kTubesNamespace || is(payload, "jingle", kJingleNamespace);
}

result<Signal> decode_signal(const std::string& iq_type, const Element& payload) {
    if (is(payload, "jingle", kJingleNamespace)) {
        if (iq_type != "set") return kBad;
        return decode_jingle(payload);
    }
    if (namespace_of(payload) != kTubesNamespace) return make_error_code(Errc::unsupported);
    const bool question = iq_type == "get";
    if (!question && payload.name() == "offer") return decode_offer(payload);
    if (!question && payload.name() == "offer-end") return decode_offer_end(payload);
    if (question && payload.name() == "services") return Signal(core::ServiceQuery{});
    if (question && payload.name() == "ping") return Signal(core::PingSignal{});
    return make_error_code(Errc::unsupported);
}

ElementPtr encode_reply(const core::SignalReply& reply) {
    const auto* list = std::get_if<core::ServiceList>(&reply);
    if (!list) return nullptr;
    auto element = make_element("services", kTubesNamespace);
    element->addAttribute("identity", list->identity.hex());
    std::size_t count = 0;
    for (const auto& service : list->services) {
        if (++count > kMaxServices) break;
        Element& entry = add_element(*element, "service");
        entry.addAttribute("name", service.name);
        entry.addAttribute("kind", std::string(to_string(service.kind)));
        put_parameters(entry, service.parameters);
    }
    return element;
}

result<core::SignalReply> decode_reply(const Element& iq, bool expects_services) {
    if (!expects_services) return core::SignalReply(std::monostate());
    const Element* services = child(iq, "services", kTubesNamespace);
    if (!services) return kBad;
    return decode_services(*services);
}

}  // namespace tubes::presence::xmpp
