// SPDX-License-Identifier: GPL-3.0-or-later
// Control messages as they travel on a link's control stream: a length of 4 bytes, then the message.
// Spec: docs/protocol.md, "Control messages".
#pragma once

#include <vector>

#include "tubes/core/link/control.hpp"

namespace tubes::wire {

/// One message without its length.
core::Bytes encode(const core::ControlMessage& message);

/// Bounded and validated, unknown fields ignored. Errc::unsupported for a message of a newer version, else
/// Errc::protocol_violation.
result<core::ControlMessage> decode_control(core::ByteView bytes);

/// One message with its length in front, as it is written to the control stream.
core::Bytes frame_control(const core::ControlMessage& message);

/// Cuts the control stream into messages.
class ControlReader {
public:
    /// Takes the next bytes of the stream, of any size, and returns the messages that they complete; those of newer
    /// versions are skipped. Errc::protocol_violation for a length over kMaxControlMessage or a malformed message.
    result<std::vector<core::ControlMessage>> feed(core::ByteView bytes);

private:
    core::Bytes partial_;
};

}  // namespace tubes::wire
