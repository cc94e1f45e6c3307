// SPDX-License-Identifier: GPL-3.0-or-later
// The hash, our own answer, and the verified cache.
#include "presence/xmpp/capabilities.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "presence/xmpp/namespaces.hpp"
#include "tubes/base/bytes.hpp"

namespace tubes::presence::xmpp {
namespace {

const error_code kBad = make_error_code(Errc::protocol_violation);

/// "<" may not occur in what is hashed, else two different answers could hash alike (XEP-0115 §5.4, security).
bool is_hashable(const std::string& text) {
    return text.find('<') == std::string::npos;
}

result<void> read_form(DiscoInfo& info, const Element& form) {
    std::string form_type;
    std::map<std::string, std::set<std::string>> fields;
    for (const Element* field : children(form, "field")) {
        const std::string& name = attribute(*field, "var");
        std::set<std::string> values;
        for (const Element* value : children(*field, "value")) values.insert(value->cdata());
        for (const auto& value : values) {
            if (!is_hashable(value)) return kBad;
        }
        if (name == "FORM_TYPE") {
            if (values.size() != 1 || attribute(*field, "type") != "hidden") return {};  // ignored, §5.4 step 3.6
            form_type = *values.begin();
        } else if (!is_hashable(name) || !fields.emplace(name, std::move(values)).second) {
            return kBad;
        }
    }
    if (form_type.empty()) return {};
    if (!info.forms.emplace(form_type, std::move(fields)).second) return kBad;
    return {};
}

}  // namespace

bool DiscoInfo::speaks_tubes() const {
    return features.contains(std::string(kTubesNamespace));
}

std::string DiscoInfo::client() const {
    for (const auto& identity : identities) {
        if (identity.category == "client") return identity.name;
    }
    return "";
}

result<DiscoInfo> parse_disco_info(const Element& query) {
    DiscoInfo info;
    for (const Element* element : children(query, "identity")) {
        std::string language = attribute(*element, "xml:lang");
        if (language.empty()) language = attribute(*element, "lang");
        DiscoIdentity identity{attribute(*element, "category"), attribute(*element, "type"), language,
                               attribute(*element, "name")};
        const std::string all = identity.category + identity.type + identity.language + identity.name;
        const bool twice = std::find(info.identities.begin(), info.identities.end(), identity) != info.identities.end();
        if (twice || !is_hashable(all)) return kBad;
        info.identities.push_back(std::move(identity));
        if (info.identities.size() > kMaxDiscoFeatures) return kBad;
    }
    for (const Element* element : children(query, "feature")) {
        const std::string& feature = attribute(*element, "var");
        if (!is_hashable(feature) || !info.features.insert(feature).second) return kBad;
        if (info.features.size() > kMaxDiscoFeatures) return kBad;
    }
    for (const Element* element : children(query)) {
        if (!is(*element, "x", kDataFormsNamespace)) continue;
        if (auto read = read_form(info, *element); !read) return read.error();
    }
    return info;
}

std::string verification_string(const DiscoInfo& info) {
    auto identities = info.identities;
    std::sort(identities.begin(), identities.end());
    std::string text;
    for (const auto& identity : identities) {
        text += identity.category + "/" + identity.type + "/" + identity.language + "/" + identity.name + "<";
    }
    for (const auto& feature : info.features) text += feature + "<";
    for (const auto& [form_type, fields] : info.forms) {
        text += form_type + "<";
        for (const auto& [name, values] : fields) {
            text += name + "<";
            for (const auto& value : values) text += value + "<";
        }
    }
    base::Bytes digest(20);
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
    return base::to_base64(digest);
}

const DiscoInfo& own_disco_info() {
    static const DiscoInfo info = [] {
        DiscoInfo own;
        own.identities.push_back({"client", "pc", "", "Tubes"});
        for (const auto feature : {kTubesNamespace, kTubesTransportNamespace, kJingleNamespace, kCapabilitiesNamespace,
                                   kDiscoInfoNamespace, kPingNamespace}) {
            own.features.insert(std::string(feature));
        }
        return own;
    }();
    return info;
}

ElementPtr own_capabilities() {
    auto element = make_element("c", kCapabilitiesNamespace);
    element->addAttribute("hash", "sha-1");
    element->addAttribute("node", std::string(kCapabilitiesNode));
    element->addAttribute("ver", verification_string(own_disco_info()));
    return element;
}

ElementPtr make_available_presence(const std::string& to, int priority) {
    auto presence = make_stanza("presence", "", to, "");
    add_element(*presence, "priority").setCData(std::to_string(priority));
    adopt(*presence, own_capabilities());
    return presence;
}

ElementPtr own_disco_answer(const std::string& node) {
    const DiscoInfo& info = own_disco_info();
    if (!node.empty() && node != std::string(kCapabilitiesNode) + "#" + verification_string(info)) return nullptr;
    auto query = make_element("query", kDiscoInfoNamespace);
    if (!node.empty()) query->addAttribute("node", node);
    for (const auto& identity : info.identities) {
        Element& element = add_element(*query, "identity");
        element.addAttribute("category", identity.category);
        element.addAttribute("type", identity.type);
        element.addAttribute("name", identity.name);
    }
    for (const auto& feature : info.features) add_element(*query, "feature").addAttribute("var", feature);
    return query;
}

void Capabilities::on_presence(const Jid& peer, const Element& presence) {
    const Element* caps = child(presence, "c", kCapabilitiesNamespace);
    const std::string hash = caps ? attribute(*caps, "ver") : "";
    // Without hash='sha-1' it is the format of before 2008, which nothing can be verified by.
    if (!caps || hash.empty() || hash.size() > 64 || attribute(*caps, "hash") != "sha-1") {
        announced_.erase(peer);
        return listener_(peer, false, "");
    }
    announced_[peer] = {hash, attribute(*caps, "node") + "#" + hash};
    if (known_.contains(hash)) return tell(peer, hash);
    auto& peers = waiting_[hash];
    const auto same = [&peer](const Waiting& waiting) { return waiting.peer == peer; };
    if (std::any_of(peers.begin(), peers.end(), same)) return;
    peers.push_back({peer, false});
    ask(hash);
}

void Capabilities::on_unavailable(const Jid& peer) {
    announced_.erase(peer);
}

void Capabilities::on_new_stream() {
    announced_.clear();
    waiting_.clear();
}

// Several at once: the first may be a device that was killed and that the server still lists.
void Capabilities::ask(const std::string& hash) {
    const auto found = waiting_.find(hash);
    if (found == waiting_.end()) return;
    auto& peers = found->second;
    std::erase_if(peers, [&](const Waiting& waiting) {
        const auto announced = announced_.find(waiting.peer);
        return announced == announced_.end() || announced->second.first != hash;
    });
    if (peers.empty() || waiting_.size() > kMaxCapabilityQueries) {
        waiting_.erase(found);
        return;
    }
    std::vector<Jid> next;
    for (std::size_t index = 0; index < std::min(peers.size(), kAskedAtOnce); ++index) {
        if (!std::exchange(peers[index].asked, true)) next.push_back(peers[index].peer);
    }
    for (const auto& peer : next) {
        const auto announced = announced_.find(peer);
        if (announced == announced_.end()) continue;
        asker_(peer, announced->second.second,
               [this, hash, peer](const Element* query) { on_answer(hash, peer, query); });
    }
}

void Capabilities::on_answer(const std::string& hash, const Jid& peer, const Element* query) {
    const auto found = waiting_.find(hash);
    if (found == waiting_.end()) return;
    auto& peers = found->second;
    const auto asked =
        std::find_if(peers.begin(), peers.end(), [&peer](const Waiting& waiting) { return waiting.peer == peer; });
    if (asked == peers.end() || !asked->asked) return;
    auto info = query ? parse_disco_info(*query) : result<DiscoInfo>(kBad);
    if (!info || verification_string(*info) != hash) {
        // A liar poisons nothing: the next one with the same hash is asked (§5.4 step 3.8, §9).
        peers.erase(asked);
        listener_(peer, false, "");
        return ask(hash);
    }
    remember(hash, *info);
    const auto told = std::move(peers);
    waiting_.erase(found);
    for (const auto& waiting : told) tell(waiting.peer, hash);
}

void Capabilities::remember(const std::string& hash, const DiscoInfo& info) {
    recent_.push_front(hash);
    known_[hash] = Known{info.speaks_tubes(), info.client(), recent_.begin()};
    if (known_.size() <= kMaxCachedCapabilities) return;
    known_.erase(recent_.back());
    recent_.pop_back();
}

void Capabilities::tell(const Jid& peer, const std::string& hash) {
    const auto announced = announced_.find(peer);
    const auto known = known_.find(hash);
    if (known == known_.end() || announced == announced_.end() || announced->second.first != hash) return;
    recent_.splice(recent_.begin(), recent_, known->second.order);
    listener_(peer, known->second.speaks_tubes, known->second.client);
}

}  // namespace tubes::presence::xmpp
