// SPDX-License-Identifier: GPL-3.0-or-later
// Commands of the handshake.
#include "tubes/endpoints/dbus/sasl_server.hpp"

namespace tubes::endpoints::dbus {
namespace {

/// The first word; what follows its space stays in `rest`.
std::string_view take_word(std::string_view& rest) {
    const auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    return word;
}

}  // namespace

result<std::size_t> SaslServer::receive(base::ByteView data) {
    std::size_t used = 0;
    while (used < data.size() && state_ != State::done) {
        const auto byte = data[used++];
        if (state_ == State::start) {
            if (byte != 0) return make_error_code(Errc::protocol_violation);
            state_ = State::waiting_auth;
            continue;
        }
        if (byte == 0 || byte > 0x7f) return make_error_code(Errc::protocol_violation);
        line_.push_back(static_cast<char>(byte));
        if (line_.size() > kMaxLine) return make_error_code(Errc::limit_exceeded);
        if (!line_.ends_with("\r\n")) continue;
        if (++lines_ > kMaxLines) return make_error_code(Errc::limit_exceeded);
        const auto line = std::exchange(line_, {});
        if (const auto error = on_line(std::string_view(line).substr(0, line.size() - 2))) return error;
    }
    return used;
}

error_code SaslServer::on_line(std::string_view line) {
    const auto command = take_word(line);
    if (command == "AUTH") {
        if (state_ == State::waiting_auth) return on_auth(line);
    } else if (command == "DATA") {
        if (state_ == State::waiting_data) return on_response(line);
    } else if (command == "CANCEL" || command == "ERROR") {
        return reject();
    } else if (command == "BEGIN") {
        // Before OK this ends the conversation.
        if (state_ != State::waiting_begin) return Errc::protocol_violation;
        state_ = State::done;
        return {};
    } else if (command == "NEGOTIATE_UNIX_FD" && state_ == State::waiting_begin) {
        say("ERROR \"a tube carries no file descriptors\"");
        return {};
    }
    say("ERROR \"not now\"");
    return {};
}

error_code SaslServer::on_auth(std::string_view arguments) {
    const auto mechanism = take_word(arguments);
    anonymous_ = mechanism == "ANONYMOUS";
    if (!policy_.admits_user) return reject();
    if (mechanism != "EXTERNAL" && !(anonymous_ && policy_.allow_anonymous)) return reject();
    if (!arguments.empty()) return on_response(arguments);
    say("DATA");
    state_ = State::waiting_data;
    return {};
}

// The program's claim must be what the kernel says; an empty claim means just that.
error_code SaslServer::on_response(std::string_view hex) {
    const auto response = base::from_hex(hex);
    if (!response) return reject();
    const auto claim = base::as_text(*response);
    if (!anonymous_ && !claim.empty() && claim != std::to_string(policy_.peer_uid)) return reject();
    say("OK " + policy_.guid);
    state_ = State::waiting_begin;
    return {};
}

error_code SaslServer::reject() {
    say(policy_.allow_anonymous ? "REJECTED EXTERNAL ANONYMOUS" : "REJECTED EXTERNAL");
    state_ = State::waiting_auth;
    return ++rejections_ > kMaxRejections ? Errc::limit_exceeded : error_code();
}

}  // namespace tubes::endpoints::dbus
