// SPDX-License-Identifier: GPL-3.0-or-later
// The server's side of the handshake with which a program enters a D-Bus connection.
// Spec: D-Bus Specification 0.38, "Authentication Protocol".
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "tubes/base/bytes.hpp"

namespace tubes::endpoints::dbus {

/// Who may enter.
struct SaslPolicy {
    std::string guid;              ///< of the server: 32 hexadecimal digits
    uid_t peer_uid = 0;            ///< who the kernel says the program's user is
    bool allow_anonymous = false;  ///< `localhost`: any program that reaches the socket
    bool admits_user = true;       ///< `credentials`: false for another user's program, which is rejected
};

/// Bytes in, bytes out. Knows EXTERNAL and, by policy, ANONYMOUS; refuses the passing of descriptors.
class SaslServer {
public:
    static constexpr std::size_t kMaxLine = 1024;  ///< bytes, more than any command needs
    static constexpr int kMaxLines = 32;           ///< commands before BEGIN
    static constexpr int kMaxRejections = 6;

    explicit SaslServer(SaslPolicy policy) : policy_(std::move(policy)) {}

    /// How many of these bytes belong to the handshake: all of them until is_done(), then those up to BEGIN's end.
    /// protocol_violation: the first byte is not zero, or a byte is not ASCII; limit_exceeded: a line, the number of
    /// lines or of rejections. The caller hangs up after sending output().
    result<std::size_t> receive(base::ByteView data);

    bool is_done() const { return state_ == State::done; }
    /// What is to be sent now; clears it.
    std::string take_output() { return std::exchange(output_, {}); }

private:
    enum class State {
        start,          ///< the zero byte has not come
        waiting_auth,   ///< no mechanism is under way
        waiting_data,   ///< EXTERNAL or ANONYMOUS without an initial response
        waiting_begin,  ///< the program is known
        done            ///< messages follow
    };

    error_code on_line(std::string_view line);
    error_code on_auth(std::string_view arguments);
    error_code on_response(std::string_view hex);
    error_code reject();
    void say(std::string_view line) { output_.append(line).append("\r\n"); }

    SaslPolicy policy_;
    State state_ = State::start;
    bool anonymous_ = false;  // the mechanism under way
    int lines_ = 0;
    int rejections_ = 0;
    std::string line_;
    std::string output_;
};

}  // namespace tubes::endpoints::dbus
