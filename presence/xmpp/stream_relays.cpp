// SPDX-License-Identifier: GPL-3.0-or-later
// Three rounds of questions: which services, what is each, where does it listen.
#include "presence/xmpp/stream_relays.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "presence/xmpp/jingle/payload.hpp"
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/wire_errors.hpp"

namespace tubes::presence::xmpp {

using core::ports::StreamRelay;

namespace {

constexpr std::size_t kMaxHost = 255;  // bytes of a host name (RFC 1035 §2.3.4)

bool is_relay(const Element& info) {
    const auto identities = children(info, "identity");
    return std::any_of(identities.begin(), identities.end(), [](const Element* identity) {
        return attribute(*identity, "category") == "proxy" && attribute(*identity, "type") == "bytestreams";
    });
}

}  // namespace

std::vector<StreamRelay> parse_stream_hosts(const Element& query) {
    std::vector<StreamRelay> relays;
    for (const Element* host : children(query, "streamhost")) {
        const auto port = parse_number(attribute(*host, "port"), 65535);
        const auto jid = Jid::parse(attribute(*host, "jid"));
        const std::string& name = attribute(*host, "host");
        if (!jid || !port || *port == 0 || name.empty() || name.size() > kMaxHost || relays.size() == kMaxRelays) {
            continue;
        }
        relays.push_back({jid->full(), name, static_cast<std::uint16_t>(*port)});
    }
    return relays;
}

std::string stream_address(const std::string& session, const Jid& requester, const Jid& target) {
    const std::string text = session + requester.full() + target.full();
    std::array<std::uint8_t, 20> digest{};
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    return base::to_hex(digest);
}

StreamRelays::StreamRelays(Requests& requests, std::string domain, std::chrono::milliseconds deadline)
    : requests_(requests), domain_(std::move(domain)), deadline_(deadline) {}

void StreamRelays::find(Callback callback) {
    if (known_) return callback(*known_);
    waiting_.push_back(std::move(callback));
    if (waiting_.size() > 1) return;
    found_.clear();
    open_questions_ = 1;
    ask(domain_, kDiscoItemsNamespace, [this](const Element* answer) { on_items(answer); });
}

void StreamRelays::ask(const std::string& to, std::string_view xmlns, Reply reply) {
    auto iq = make_stanza("iq", "get", to, "");
    add_element(*iq, "query", xmlns);
    requests_.ask(std::move(iq), {deadline_, Requests::OnLoss::fail},
                  [weak = std::weak_ptr<int>(generation_), xmlns = std::string(xmlns),
                   reply = std::move(reply)](const result<const Element*>& answer) {
                      if (weak.expired()) return;
                      const bool good = answer && attribute(**answer, "type") == "result";
                      reply(good ? child(**answer, "query", xmlns) : nullptr);
                  });
}

void StreamRelays::on_items(const Element* answer) {
    std::size_t asked = 0;
    for (const Element* item : answer ? children(*answer, "item") : std::vector<const Element*>()) {
        const auto jid = Jid::parse(attribute(*item, "jid"));
        if (!jid || item->hasAttribute("node") || asked++ == kMaxAskedServices) continue;
        ++open_questions_;
        ask(jid->full(), kDiscoInfoNamespace, [this, name = jid->full()](const Element* info) { on_info(name, info); });
    }
    one_less();
}

void StreamRelays::on_info(const std::string& jid, const Element* answer) {
    if (answer && is_relay(*answer)) {
        ++open_questions_;
        ask(jid, kBytestreamsNamespace, [this](const Element* hosts) { on_hosts(hosts); });
    }
    one_less();
}

void StreamRelays::on_hosts(const Element* answer) {
    if (answer) {
        for (auto& relay : parse_stream_hosts(*answer)) {
            if (found_.size() < kMaxRelays) found_.push_back(std::move(relay));
        }
    }
    one_less();
}

void StreamRelays::one_less() {
    if (--open_questions_ > 0) return;
    known_ = found_;
    for (const auto& callback : std::exchange(waiting_, {})) callback(found_);
}

void StreamRelays::activate(const StreamRelay& relay, const std::string& session, const Jid& target,
                            std::function<void(error_code)> callback) {
    auto iq = make_stanza("iq", "set", relay.name, "");
    Element& query = add_element(*iq, "query", kBytestreamsNamespace);
    query.addAttribute("sid", session);
    add_element(query, "activate").setCData(target.full());
    requests_.ask(std::move(iq), {deadline_, Requests::OnLoss::fail},
                  [callback = std::move(callback)](const result<const Element*>& answer) {
                      if (!answer) return callback(answer.error());
                      const bool refused = attribute(**answer, "type") == "error";
                      callback(refused ? parse_error(**answer) : error_code());
                  });
}

void StreamRelays::on_new_stream() {
    generation_ = std::make_shared<int>(0);
    known_.reset();
    for (const auto& callback : std::exchange(waiting_, {})) callback({});
}

}  // namespace tubes::presence::xmpp
