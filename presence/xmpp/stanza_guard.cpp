// SPDX-License-Identifier: GPL-3.0-or-later
// The counting tokenizer.
#include "presence/xmpp/stanza_guard.hpp"

namespace tubes::presence::xmpp {
namespace {

constexpr Errc kFine{};  // no value of Errc is zero

bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

result<void> StanzaGuard::feed(std::string_view bytes) {
    for (const char c : bytes) {
        if (state_ == State::failed) break;
        const Errc verdict = utf8_.feed(static_cast<std::uint8_t>(c)) ? step(c) : Errc::protocol_violation;
        ++position_;
        if (verdict == kFine) continue;
        failure_ = verdict;
        state_ = State::failed;
    }
    if (state_ == State::failed) return make_error_code(failure_);
    return {};
}

Errc StanzaGuard::step(char c) {
    if (++bytes_ > limits_.bytes) return Errc::limit_exceeded;
    switch (state_) {
        case State::text:
            if (c == '<') {
                state_ = State::open;
            } else if (depth_ <= 1) {
                bytes_ = 0;
                return is_space(c) ? kFine : Errc::protocol_violation;
            }
            return kFine;
        case State::open: return in_open(c);
        case State::declaration:
            if (c == '>') state_ = State::text;
            return kFine;
        case State::tag: return in_tag(c);
        case State::quoted:
            if (c == '<') return Errc::protocol_violation;
            if (c == quote_) state_ = State::tag;
            return kFine;
        case State::end_tag: return c == '>' ? leave() : (c == '<' ? Errc::protocol_violation : kFine);
        case State::failed: break;
    }
    return failure_;
}

Errc StanzaGuard::in_open(char c) {
    slash_ = false;
    if (c == '/') {
        state_ = State::end_tag;
        return kFine;
    }
    if (c == '?') {
        state_ = State::declaration;
        return position_ == 1 ? kFine : Errc::protocol_violation;
    }
    // Comments and document types are forbidden; servers write CDATA sections as plain text.
    if (c == '!' || c == '<' || c == '>' || is_space(c)) return Errc::protocol_violation;
    state_ = State::tag;
    return enter();
}

Errc StanzaGuard::in_tag(char c) {
    if (c == '<') return Errc::protocol_violation;
    if (c == '>') {
        const bool empty = slash_;
        state_ = State::text;
        if (empty) return leave();
        if (depth_ == 1) bytes_ = 0;  // the stream's header is no part of its first stanza
        return kFine;
    }
    if (slash_) return Errc::protocol_violation;
    slash_ = c == '/';
    if (c == '\'' || c == '"') {
        quote_ = c;
        state_ = State::quoted;
    }
    return kFine;
}

Errc StanzaGuard::enter() {
    ++depth_;
    if (depth_ <= 2) elements_ = 0;
    if (depth_ - 1 > limits_.depth || ++elements_ > limits_.elements) return Errc::limit_exceeded;
    return kFine;
}

Errc StanzaGuard::leave() {
    state_ = State::text;
    if (depth_ == 0) return Errc::protocol_violation;
    --depth_;
    if (depth_ <= 1) bytes_ = 0;
    finished_ = depth_ == 0;
    return kFine;
}

}  // namespace tubes::presence::xmpp
