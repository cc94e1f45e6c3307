// SPDX-License-Identifier: GPL-3.0-or-later
// One function per action and per element.
#include "presence/xmpp/jingle/web_codec.hpp"

#include <array>

#include "presence/xmpp/jingle/payload.hpp"
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/wire_errors.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::ports::Attributes;
using core::ports::Candidate;
using core::ports::WebSignal;

const error_code kBad = make_error_code(Errc::protocol_violation);
const error_code kUnsupported = make_error_code(Errc::unsupported);

/// What a candidate has that we use (XEP-0176 §5.4); by the names that transports/ice reads.
constexpr std::array<const char*, 7> kCandidateAttributes = {"component", "foundation", "ip",  "port",
                                                             "priority",  "protocol",   "type"};

/// An attribute of bounded length; empty if it is absent or too long.
std::string bounded(const Element& element, const char* name, std::size_t limit) {
    const std::string& value = attribute(element, name);
    return value.size() <= limit ? value : std::string();
}

const Element* only_content(const Element& jingle) {
    const auto contents = children(jingle, "content");
    return contents.size() == 1 ? contents[0] : nullptr;
}

const Element* ice_of(const Element& jingle) {
    const auto* content = only_content(jingle);
    return content ? child(*content, "transport", kIceUdpNamespace) : nullptr;
}

result<std::vector<Candidate>> read_candidates(const Element& transport) {
    std::vector<Candidate> candidates;
    for (const auto* element : children(transport, "candidate")) {
        if (candidates.size() >= kMaxCandidates) return kBad;
        Candidate candidate;
        candidate.kind = PathKind::ice;
        for (const auto* name : kCandidateAttributes) {
            auto value = bounded(*element, name, kMaxAttributeValue);
            if (!value.empty()) candidate.attributes.emplace(name, std::move(value));
        }
        candidates.push_back(std::move(candidate));
    }
    return candidates;
}

/// The SHA-256 fingerprint; others may stand beside it (XEP-0320 §2).
const Element* find_fingerprint(const Element& transport) {
    for (const auto* element : children(transport)) {
        if (is(*element, "fingerprint", kDtlsNamespace) && attribute(*element, "hash") == "sha-256") return element;
    }
    return nullptr;
}

result<Attributes> read_transport(const Element& transport) {
    const auto* fingerprint = find_fingerprint(transport);
    const auto* map = child(transport, "sctpmap", kSctpNamespace);
    if (!fingerprint || !map || attribute(*map, "protocol") != "webrtc-datachannel") return kUnsupported;
    const std::string text = fingerprint->cdata();
    if (text.size() > kMaxAttributeValue) return kBad;
    return Attributes{{"ufrag", bounded(transport, "ufrag", kMaxAttributeValue)},
                      {"pwd", bounded(transport, "pwd", kMaxAttributeValue)},
                      {"fingerprint", text},
                      {"setup", bounded(*fingerprint, "setup", kMaxAttributeValue)},
                      {"sctp-port", bounded(*map, "number", kMaxAttributeValue)}};
}

result<WebSignal> decode_initiate(const Element& jingle) {
    const auto* content = only_content(jingle);
    const auto* transport = ice_of(jingle);
    const auto* description = content ? child(*content, "description", kTubesNamespace) : nullptr;
    const auto* request = description ? child(*description, "request") : nullptr;
    if (!transport || !request) return kUnsupported;
    const auto service = get_service_name(*request, "service");
    auto attributes = read_transport(*transport);
    auto candidates = read_candidates(*transport);
    if (!service) return service.error();
    if (!attributes) return attributes.error();
    if (!candidates) return candidates.error();
    core::ports::WebInitiate initiate;
    initiate.service = *service;
    initiate.description = {PathKind::ice, std::move(*attributes)};
    initiate.candidates = std::move(*candidates);
    return WebSignal{{}, attribute(*content, "name"), std::move(initiate)};
}

result<WebSignal> decode_info(const Element& jingle) {
    const auto* transport = ice_of(jingle);
    if (!transport) return kUnsupported;
    auto candidates = read_candidates(*transport);
    if (!candidates) return candidates.error();
    return WebSignal{{}, attribute(*only_content(jingle), "name"), core::ports::WebCandidates{std::move(*candidates)}};
}

result<WebSignal> decode_action(const Element& jingle) {
    const std::string& action = attribute(jingle, "action");
    if (action == "session-initiate") return decode_initiate(jingle);
    if (action == "transport-info") return decode_info(jingle);
    if (action != "session-terminate") return kUnsupported;
    const auto* reason = child(jingle, "reason");
    return WebSignal{{}, {}, core::ports::WebTerminate{reason ? parse_reason(*reason) : Errc::cancelled}};
}

Element& add_content(Element& jingle, const std::string& name) {
    Element& content = add_element(jingle, "content");
    content.addAttribute("creator", "initiator");
    content.addAttribute("name", name);
    return content;
}

void put_candidate(Element& transport, const Candidate& candidate) {
    Element& element = add_element(transport, "candidate");
    element.addAttribute("id", random_id());
    element.addAttribute("generation", "0");
    element.addAttribute("network", "0");
    for (const auto& [name, value] : candidate.attributes) element.addAttribute(name, value);
}

std::string action_of(const core::ports::WebPending&) {
    return "session-info";
}
std::string action_of(const core::ports::WebAccept&) {
    return "session-accept";
}
std::string action_of(const core::ports::WebCandidates&) {
    return "transport-info";
}
std::string action_of(const core::ports::WebTerminate&) {
    return "session-terminate";
}
std::string action_of(const core::ports::WebInitiate&) {
    return "session-initiate";
}

void put(Element&, const std::string&, const core::ports::WebInitiate&) {}

void put(Element& jingle, const std::string&, const core::ports::WebPending&) {
    add_element(jingle, "ringing", kTubesNamespace);
}

void put(Element& jingle, const std::string& name, const core::ports::WebAccept& accept) {
    const auto& attributes = accept.description.attributes;
    Element& content = add_content(jingle, name);
    add_element(content, "description", kTubesNamespace);
    Element& transport = add_element(content, "transport", kIceUdpNamespace);
    transport.addAttribute("ufrag", attributes.at("ufrag"));
    transport.addAttribute("pwd", attributes.at("pwd"));
    Element& fingerprint = add_element(transport, "fingerprint", kDtlsNamespace);
    fingerprint.addAttribute("hash", "sha-256");
    fingerprint.addAttribute("setup", attributes.at("setup"));
    fingerprint.setCData(attributes.at("fingerprint"));
    Element& map = add_element(transport, "sctpmap", kSctpNamespace);
    map.addAttribute("number", attributes.at("sctp-port"));
    map.addAttribute("protocol", "webrtc-datachannel");
    map.addAttribute("streams", "1024");
}

void put(Element& jingle, const std::string& name, const core::ports::WebCandidates& candidates) {
    Element& transport = add_element(add_content(jingle, name), "transport", kIceUdpNamespace);
    for (const auto& candidate : candidates.candidates) put_candidate(transport, candidate);
}

void put(Element& jingle, const std::string&, const core::ports::WebTerminate& terminate) {
    adopt(jingle, make_reason(terminate.reason, {}));
}

}  // namespace

bool is_web_jingle(const Element& jingle) {
    return ice_of(jingle) != nullptr;
}

result<WebSignal> decode_web_jingle(const Element& jingle) {
    const std::string& session = attribute(jingle, "sid");
    if (session.empty() || session.size() > kMaxWebName) return kBad;
    auto signal = decode_action(jingle);
    if (!signal) return signal.error();
    if (signal->content.size() > kMaxWebName) return kBad;
    signal->session = session;
    return signal;
}

ElementPtr encode_web_jingle(const WebSignal& signal) {
    auto jingle = make_element("jingle", kJingleNamespace);
    jingle->addAttribute("sid", signal.session);
    std::visit(
        [&](const auto& action) {
            jingle->addAttribute("action", action_of(action));
            put(*jingle, signal.content, action);
        },
        signal.action);
    return jingle;
}

}  // namespace tubes::presence::xmpp
