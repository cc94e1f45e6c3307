// SPDX-License-Identifier: GPL-3.0-or-later
// Requests, their answers, and answers to the peer's requests.
#include "transports/ice/stun_consent.hpp"

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tubes/base/bytes.hpp"

namespace tubes::transports {
namespace {

using core::ByteView;

constexpr std::size_t kMaxAsked = 4;
/// Peer-reflexive type preference (RFC 8445 §5.1.2.2), component 1: what a check has to name, and nobody uses here.
constexpr std::uint32_t kPriority = (110U << 24U) | (0xffffU << 8U) | 255U;

/// The attributes that may be in a check; others of the required range are refused by the library (RFC 8489 §6.3.1).
constexpr std::array<std::uint16_t, 11> kKnown{STUN_ATTRIBUTE_MAPPED_ADDRESS,
                                               STUN_ATTRIBUTE_USERNAME,
                                               STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                               STUN_ATTRIBUTE_ERROR_CODE,
                                               STUN_ATTRIBUTE_PRIORITY,
                                               STUN_ATTRIBUTE_USE_CANDIDATE,
                                               STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                               STUN_ATTRIBUTE_FINGERPRINT,
                                               STUN_ATTRIBUTE_ICE_CONTROLLED,
                                               STUN_ATTRIBUTE_ICE_CONTROLLING,
                                               0};

const std::uint8_t* bytes_of(const std::string& text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

struct Expected {
    const std::string* name;
    std::string* key;
};

/// Tells the library the key for a request, if it is for us.
bool find_key(StunAgent* /*agent*/, StunMessage* /*message*/, std::uint8_t* name, std::uint16_t size,
              std::uint8_t** key, std::size_t* key_size, void* context) {
    const auto& expected = *static_cast<const Expected*>(context);
    if (name == nullptr || std::string_view(reinterpret_cast<char*>(name), size) != *expected.name) return false;
    *key = reinterpret_cast<std::uint8_t*>(expected.key->data());
    *key_size = expected.key->size();
    return true;
}

}  // namespace

struct StunConsent::Library {
    StunAgent agent{};
    StunMessage received{};
};

StunConsent::StunConsent(const IceCredentials& local, const IceCredentials& remote, bool controlling)
    : ask_as_(remote.fragment + ":" + local.fragment),
      asked_as_(local.fragment + ":" + remote.fragment),
      ask_key_(remote.password),
      answer_key_(local.password),
      controlling_(controlling),
      library_(std::make_unique<Library>()) {
    std::random_device random;
    tie_breaker_ = (static_cast<std::uint64_t>(random()) << 32U) | random();
    stun_agent_init(
        &library_->agent, kKnown.data(), STUN_COMPATIBILITY_RFC5389,
        static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT));
}

StunConsent::~StunConsent() = default;

bool StunConsent::is_stun(ByteView datagram) noexcept {
    static constexpr std::array<std::uint8_t, 4> kCookie{0x21, 0x12, 0xa4, 0x42};
    return datagram.size() >= 20 && datagram[0] < 4 && std::equal(kCookie.begin(), kCookie.end(), datagram.begin() + 4);
}

ByteView StunConsent::make_request() {
    if (asked_.size() >= kMaxAsked) {
        // The library's slots are few, and an answer this late says nothing any more.
        stun_agent_forget_transaction(&library_->agent, asked_.front().data());
        asked_.pop_front();
    }
    StunMessage message{};
    const auto size = stun_usage_ice_conncheck_create(
        &library_->agent, &message, out_.data(), out_.size(), bytes_of(ask_as_), ask_as_.size(), bytes_of(ask_key_),
        ask_key_.size(), false, controlling_, kPriority, tie_breaker_, nullptr, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    if (size == 0) return {};
    StunTransactionId id;
    stun_message_id(&message, id);
    auto& kept = asked_.emplace_back();
    std::copy(std::begin(id), std::end(id), kept.begin());
    return {out_.data(), size};
}

StunConsent::Outcome StunConsent::receive(ByteView datagram, const sockaddr_storage& peer, socklen_t peer_size) {
    Expected expected{&asked_as_, &answer_key_};
    auto& message = library_->received;
    const auto validity =
        stun_agent_validate(&library_->agent, &message, datagram.data(), datagram.size(), &find_key, &expected);
    if (validity != STUN_VALIDATION_SUCCESS || stun_message_get_method(&message) != STUN_BINDING) return {};
    const auto kind = stun_message_get_class(&message);
    if (kind == STUN_REQUEST) return reply(peer, peer_size);
    if (kind != STUN_RESPONSE && kind != STUN_ERROR) return {};
    StunTransactionId id;
    stun_message_id(&message, id);
    std::erase_if(asked_, [&id](const auto& each) { return std::equal(each.begin(), each.end(), std::begin(id)); });
    return {{}, kind == STUN_RESPONSE && stun_message_has_attribute(&message, STUN_ATTRIBUTE_MESSAGE_INTEGRITY)};
}

StunConsent::Outcome StunConsent::reply(const sockaddr_storage& peer, socklen_t peer_size) {
    StunMessage answer{};
    std::size_t size = out_.size();
    bool control = controlling_;  // Roles were settled by ICE: a conflict is answered, and changes nothing here.
    stun_usage_ice_conncheck_create_reply(&library_->agent, &library_->received, &answer, out_.data(), &size, &peer,
                                          peer_size, &control, tie_breaker_, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    return {{out_.data(), size}, false};
}

}  // namespace tubes::transports
