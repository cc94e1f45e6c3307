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

StanzaGuard::Scan StanzaGuard::scan(std::string_view bytes) {
    Scan scan;
    scan.parse = !skipping_;
    while (scan.consumed < bytes.size() && state_ != State::failed) {
        const char c = bytes[scan.consumed++];
        const Errc verdict = utf8_.feed(static_cast<std::uint8_t>(c)) ? step(c) : Errc::protocol_violation;
        ++position_;
        if (skipping_ && depth_ <= 1 && state_ == State::text) {
            skipping_ = false;
            scan.event = Event::skipped;
            return scan;
        }
        if (verdict == kFine) continue;
        // Somebody's stanza is dropped alone; the stream goes on, else anybody could cut it.
        if (verdict == Errc::limit_exceeded && depth_ > 1) {
            skipping_ = true;
            scan.event = Event::overflow;
            return scan;
        }
        failure_ = verdict;
        state_ = State::failed;
    }
    if (state_ == State::failed) scan.event = Event::failed;
    return scan;
}

Errc StanzaGuard::step(char c) {
    const bool too_long = ++bytes_ > limits_.bytes && !skipping_;
    const Errc verdict = advance(c);
    return verdict == kFine && too_long && bytes_ > 0 ? Errc::limit_exceeded : verdict;
}

Errc StanzaGuard::advance(char c) {
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
    const bool too_many = depth_ - 1 > limits_.depth || ++elements_ > limits_.elements;
    if (too_many && !skipping_) return Errc::limit_exceeded;
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
