// SPDX-License-Identifier: GPL-3.0-or-later
// One encoder and one decoder per action.
#include "presence/xmpp/jingle/jingle_codec.hpp"

#include <array>

#include "presence/xmpp/jingle/payload.hpp"
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/wire_errors.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::LinkId;
using core::Signal;

const error_code kBad = make_error_code(Errc::protocol_violation);
constexpr std::uint64_t kMaxGeneration = 1'000'000;  // restarts of one link

ElementPtr make_jingle(const char* action, const LinkId& link) {
    auto jingle = make_element("jingle", kJingleNamespace);
    jingle->addAttribute("action", action);
    jingle->addAttribute("sid", link.hex());
    return jingle;
}

Element& add_content(Element& jingle) {
    Element& content = add_element(jingle, "content");
    content.addAttribute("creator", "initiator");
    content.addAttribute("name", std::string(kContentName));
    return content;
}

Element& add_transport(Element& content, std::uint32_t generation) {
    Element& transport = add_element(content, "transport", kTubesTransportNamespace);
    transport.addAttribute("generation", std::to_string(generation));
    return transport;
}

Element& add_description(Element& content, const core::PublicKey& identity) {
    Element& description = add_element(content, "description", kTubesNamespace);
    description.addAttribute("identity", identity.hex());
    return description;
}

/// The parts of the one content; a part that is not ours is null.
struct Content {
    const Element* description = nullptr;
    const Element* transport = nullptr;
    std::uint32_t generation = 0;
};

result<Content> read_content(const Element& jingle, bool needs_description) {
    const auto contents = children(jingle, "content");
    if (contents.size() != 1 || attribute(*contents[0], "name") != kContentName) return kBad;
    Content content;
    content.description = child(*contents[0], "description", kTubesNamespace);
    content.transport = child(*contents[0], "transport", kTubesTransportNamespace);
    if (!content.transport || (needs_description && !content.description)) return make_error_code(Errc::unsupported);
    auto generation = parse_number(attribute(*content.transport, "generation"), kMaxGeneration);
    if (!generation) return generation.error();
    content.generation = static_cast<std::uint32_t>(*generation);
    return content;
}

result<core::TubeRequest> read_request(const Element& description) {
    const Element* element = child(description, "request");
    if (!element) return kBad;
    auto tube = get_id<core::TubeId>(*element, "tube");
    auto service = get_service_name(*element, "service");
    auto kind = get_tube_kind(*element);
    auto parameters = get_parameters(*element);
    if (!tube || !service || !kind || !parameters) return kBad;
    core::TubeRequest request{*tube, std::move(*service), *kind, std::nullopt, std::move(*parameters)};
    if (element->hasAttribute("offer")) {
        auto offer = get_id<core::OfferId>(*element, "offer");
        if (!offer) return offer.error();
        request.offer = *offer;
    }
    return request;
}

result<Signal> decode_initiate(const LinkId& link, const Element& jingle) {
    auto content = read_content(jingle, true);
    if (!content) return content.error();
    auto identity = get_id<core::PublicKey>(*content->description, "identity");
    auto request = read_request(*content->description);
    auto transports = get_descriptions(*content->transport);
    // §5: no address leaves before the other side has accepted, so none may come with the request either.
    if (!identity || !request || !transports || child(*content->transport, "candidate")) return kBad;
    return Signal(core::LinkInitiate{link, *identity, std::move(*request), std::move(*transports)});
}

result<Signal> decode_accept(const LinkId& link, const Element& jingle) {
    auto content = read_content(jingle, true);
    if (!content) return content.error();
    auto identity = get_id<core::PublicKey>(*content->description, "identity");
    auto parameters = get_parameters(*content->description);
    auto transports = get_descriptions(*content->transport);
    if (!identity || !parameters || !transports) return kBad;
    return Signal(core::LinkAccept{link, *identity, std::move(*parameters), std::move(*transports)});
}

result<Signal> decode_candidates(const LinkId& link, const Element& jingle) {
    auto content = read_content(jingle, false);
    if (!content) return content.error();
    auto candidates = get_candidates(*content->transport);
    if (!candidates) return candidates.error();
    const std::string& end = attribute(*content->transport, "end");
    if (!end.empty() && end != "true") return kBad;
    return Signal(core::LinkCandidates{link, content->generation, std::move(*candidates), !end.empty()});
}

result<Signal> decode_restart(const LinkId& link, const Element& jingle, bool answer) {
    auto content = read_content(jingle, false);
    if (!content) return content.error();
    auto transports = get_descriptions(*content->transport);
    if (!transports) return transports.error();
    return Signal(core::LinkRestart{link, content->generation, answer, std::move(*transports)});
}

result<Signal> decode_info(const LinkId& link, const Element& jingle) {
    // An empty session-info is a ping of the session (XEP-0166 §6.8): harmless, but nothing of ours.
    if (!child(jingle, "ringing", kTubesNamespace)) return make_error_code(Errc::unsupported);
    return Signal(core::LinkPending{link});
}

result<Signal> decode_terminate(const LinkId& link, const Element& jingle) {
    core::LinkTerminate signal{link, Errc::cancelled, std::nullopt};
    const Element* reason = child(jingle, "reason");
    if (!reason) return Signal(signal);
    signal.reason = parse_reason(*reason);
    const Element* alternative = child(*reason, "alternative-session");
    const Element* sid = alternative ? child(*alternative, "sid") : nullptr;
    if (sid && signal.reason == Errc::already_exists) {
        auto survivor = LinkId::from_hex(sid->cdata());
        if (!survivor) return kBad;
        signal.survivor = *survivor;
    }
    return Signal(signal);
}

}  // namespace

ElementPtr encode_jingle(const core::LinkInitiate& signal) {
    auto jingle = make_jingle("session-initiate", signal.link);
    Element& content = add_content(*jingle);
    Element& description = add_description(content, signal.identity);
    Element& request = add_element(description, "request");
    request.addAttribute("tube", signal.request.tube.hex());
    request.addAttribute("service", signal.request.service);
    request.addAttribute("kind", std::string(to_string(signal.request.kind)));
    if (signal.request.offer) request.addAttribute("offer", signal.request.offer->hex());
    put_parameters(request, signal.request.parameters);
    put_descriptions(add_transport(content, 0), signal.transports);
    return jingle;
}

ElementPtr encode_jingle(const core::LinkPending& signal) {
    auto jingle = make_jingle("session-info", signal.link);
    add_element(*jingle, "ringing", kTubesNamespace);
    return jingle;
}

ElementPtr encode_jingle(const core::LinkAccept& signal) {
    auto jingle = make_jingle("session-accept", signal.link);
    Element& content = add_content(*jingle);
    put_parameters(add_description(content, signal.identity), signal.parameters);
    put_descriptions(add_transport(content, 0), signal.transports);
    return jingle;
}

ElementPtr encode_jingle(const core::LinkCandidates& signal) {
    auto jingle = make_jingle("transport-info", signal.link);
    Element& transport = add_transport(add_content(*jingle), signal.generation);
    if (signal.end) transport.addAttribute("end", "true");
    put_candidates(transport, signal.candidates);
    return jingle;
}

ElementPtr encode_jingle(const core::LinkRestart& signal) {
    auto jingle = make_jingle(signal.answer ? "transport-accept" : "transport-replace", signal.link);
    put_descriptions(add_transport(add_content(*jingle), signal.generation), signal.transports);
    return jingle;
}

ElementPtr encode_jingle(const core::LinkTerminate& signal) {
    auto jingle = make_jingle("session-terminate", signal.link);
    adopt(*jingle, make_reason(signal.reason, signal.survivor ? signal.survivor->hex() : ""));
    return jingle;
}

result<Signal> decode_jingle(const Element& jingle) {
    auto link = get_id<LinkId>(jingle, "sid");
    // Foreign Jingle has other session ids: that is "not ours", not "malformed".
    if (!link) return make_error_code(attribute(jingle, "sid").empty() ? Errc::protocol_violation : Errc::unsupported);
    const std::string& action = attribute(jingle, "action");
    if (action == "session-initiate") return decode_initiate(*link, jingle);
    if (action == "session-accept") return decode_accept(*link, jingle);
    if (action == "session-info") return decode_info(*link, jingle);
    if (action == "session-terminate") return decode_terminate(*link, jingle);
    if (action == "transport-info") return decode_candidates(*link, jingle);
    if (action == "transport-replace") return decode_restart(*link, jingle, false);
    if (action == "transport-accept") return decode_restart(*link, jingle, true);
    return make_error_code(Errc::unsupported);
}

}  // namespace tubes::presence::xmpp
