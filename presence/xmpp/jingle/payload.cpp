// SPDX-License-Identifier: GPL-3.0-or-later
// Texts, numbers, parameters and attributes.
#include "presence/xmpp/jingle/payload.hpp"

#include <array>
#include <charconv>

#include "presence/xmpp/utf8.hpp"

namespace tubes::presence::xmpp {
namespace {

const error_code kBad = make_error_code(Errc::protocol_violation);

/// Parsers may normalise line ends and drop outer white space, so texts with those travel as base64.
bool is_faithful(const std::string& text) {
    if (text.empty()) return true;
    if (text.front() == ' ' || text.back() == ' ' || !is_clean_utf8(text)) return false;
    return text.find_first_of("\t\n\r\x7f") == std::string::npos && text.find("\xef\xbf") == std::string::npos;
}

struct ValueWriter {
    Element& element;
    void operator()(const std::string& text) const {
        element.addAttribute("type", "string");
        put_text(element, text);
    }
    void operator()(const std::vector<std::uint8_t>& bytes) const {
        element.addAttribute("type", "bytes");
        element.setCData(base::to_base64(bytes));
    }
    void operator()(std::int64_t number) const {
        element.addAttribute("type", "int");
        element.setCData(std::to_string(number));
    }
    void operator()(std::uint64_t number) const {
        element.addAttribute("type", "uint");
        element.setCData(std::to_string(number));
    }
    void operator()(bool flag) const {
        element.addAttribute("type", "bool");
        element.setCData(flag ? "true" : "false");
    }
};

template <class Number>
result<ParameterValue> read_number(const std::string& text) {
    Number number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || std::to_string(number) != text) return kBad;
    return ParameterValue(number);
}

result<ParameterValue> read_value(const Element& element) {
    const std::string& type = attribute(element, "type");
    if (type == "string") {
        auto text = get_text(element, kMaxTextValue);
        if (!text) return text.error();
        return ParameterValue(std::move(*text));
    }
    const std::string text = element.cdata();
    if (type == "bytes") {
        auto bytes = base::from_base64(text);
        if (!bytes || bytes->size() > kMaxTextValue) return kBad;
        ParameterValue value;
        value.emplace<std::vector<std::uint8_t>>(std::move(*bytes));
        return value;
    }
    if (type == "int") return read_number<std::int64_t>(text);
    if (type == "uint") return read_number<std::uint64_t>(text);
    if (type == "bool" && (text == "true" || text == "false")) return ParameterValue(text == "true");
    return kBad;
}

bool is_attribute_name(const std::string& name) {
    return name.size() <= kMaxAttributeName && is_valid_service_name(name);
}

result<PathKind> get_path_kind(const Element& element) {
    const std::string& name = attribute(element, "kind");
    for (const auto kind : {PathKind::loopback, PathKind::local, PathKind::direct_tls, PathKind::ice,
                            PathKind::ice_relayed, PathKind::socks5, PathKind::in_band}) {
        if (to_string(kind) == name) return kind;
    }
    return make_error_code(Errc::unsupported);
}

result<core::ports::Attributes> get_attributes(const Element& parent) {
    core::ports::Attributes attributes;
    for (const Element* element : children(parent, "attribute")) {
        const std::string& name = attribute(*element, "name");
        auto value = get_text(*element, kMaxAttributeValue);
        if (!value || !is_attribute_name(name) || attributes.size() == kMaxAttributes) return kBad;
        if (!attributes.emplace(name, std::move(*value)).second) return kBad;
    }
    return attributes;
}

template <class Item>
void put_items(Element& parent, const std::string& element_name, const std::vector<Item>& items) {
    for (const auto& item : items) {
        Element& element = add_element(parent, element_name);
        element.addAttribute("kind", std::string(to_string(item.kind)));
        for (const auto& [name, value] : item.attributes) {
            Element& entry = add_element(element, "attribute");
            entry.addAttribute("name", name);
            put_text(entry, value);
        }
    }
}

template <class Item>
result<std::vector<Item>> get_items(const Element& parent, const std::string& element_name, std::size_t limit) {
    std::vector<Item> items;
    const auto elements = children(parent, element_name);
    if (elements.size() > limit) return kBad;
    for (const Element* element : elements) {
        auto kind = get_path_kind(*element);
        if (!kind) continue;  // a kind of a later version
        auto attributes = get_attributes(*element);
        if (!attributes) return attributes.error();
        items.push_back(Item{*kind, std::move(*attributes)});
    }
    return items;
}

}  // namespace

void put_text(Element& element, const std::string& text) {
    if (is_faithful(text)) {
        if (!text.empty()) element.setCData(text);
        return;
    }
    element.addAttribute("encoding", "base64");
    element.setCData(base::to_base64(base::as_bytes(text)));
}

result<std::string> get_text(const Element& element, std::size_t limit) {
    std::string text = element.cdata();
    const std::string& encoding = attribute(element, "encoding");
    if (encoding == "base64") {
        auto bytes = base::from_base64(text);
        if (!bytes) return kBad;
        text.assign(bytes->begin(), bytes->end());
    } else if (!encoding.empty()) {
        return kBad;
    }
    if (text.size() > limit) return kBad;
    return text;
}

result<std::uint64_t> parse_number(const std::string& text, std::uint64_t limit) {
    auto value = read_number<std::uint64_t>(text);
    if (!value) return value.error();
    const auto number = std::get<std::uint64_t>(*value);
    if (number > limit) return kBad;
    return number;
}

void put_parameters(Element& parent, const Parameters& parameters) {
    for (const auto& [name, value] : parameters) {
        Element& element = add_element(parent, "parameter");
        element.addAttribute("name", name);
        std::visit(ValueWriter{element}, value);
    }
}

result<Parameters> get_parameters(const Element& parent) {
    Parameters parameters;
    for (const Element* element : children(parent, "parameter")) {
        auto value = read_value(*element);
        if (!value || parameters.size() == kMaxParameters) return kBad;
        if (!parameters.emplace(attribute(*element, "name"), std::move(*value)).second) return kBad;
    }
    if (!check_parameters(parameters)) return kBad;
    return parameters;
}

result<TubeKind> get_tube_kind(const Element& element) {
    const std::string& name = attribute(element, "kind");
    for (const auto kind : {TubeKind::stream, TubeKind::datagram, TubeKind::dbus}) {
        if (to_string(kind) == name) return kind;
    }
    return kBad;
}

result<std::string> get_service_name(const Element& element, const std::string& attribute_name) {
    const std::string& name = attribute(element, attribute_name);
    if (!is_valid_service_name(name)) return kBad;
    return name;
}

void put_descriptions(Element& parent, const std::vector<core::ports::TransportDescription>& descriptions) {
    put_items(parent, "path", descriptions);
}

result<std::vector<core::ports::TransportDescription>> get_descriptions(const Element& parent) {
    return get_items<core::ports::TransportDescription>(parent, "path", kMaxDescriptions);
}

void put_candidates(Element& parent, const std::vector<core::ports::Candidate>& candidates) {
    put_items(parent, "candidate", candidates);
}

result<std::vector<core::ports::Candidate>> get_candidates(const Element& parent) {
    return get_items<core::ports::Candidate>(parent, "candidate", kMaxCandidates);
}

result<void> check_attributes(const core::ports::Attributes& attributes) {
    bool fine = attributes.size() <= kMaxAttributes;
    for (const auto& [name, value] : attributes) {
        fine = fine && is_attribute_name(name) && value.size() <= kMaxAttributeValue;
    }
    if (!fine) return make_error_code(Errc::limit_exceeded);
    return {};
}

}  // namespace tubes::presence::xmpp
