// SPDX-License-Identifier: GPL-3.0-or-later
// Control messages to Protocol Buffers and back.
#include "tubes/core/wire/control_codec.hpp"

#include "tubes/core/wire/common_codec.hpp"
#include "tubes/core/wire/control.pb.h"
#include "tubes/core/wire/limits.hpp"

namespace tubes::wire {
namespace {

constexpr std::size_t kLengthSize = 4;

error_code violation() noexcept {
    return make_error_code(Errc::protocol_violation);
}

struct Writer {
    pb::Control& out;

    void operator()(const core::TubeOpen& message) const { request_to_wire(message.request, *out.mutable_tube_open()); }
    void operator()(const core::TubeOpened& message) const {
        auto& opened = *out.mutable_tube_opened();
        opened.set_tube(id_to_wire(message.tube));
        opened.set_pending(message.pending);
        if (message.refusal) opened.set_refusal(errc_to_wire(make_error_code(*message.refusal)));
        parameters_to_wire(message.parameters, *opened.mutable_parameters());
    }
    void operator()(const core::TubeClosed& message) const {
        out.mutable_tube_closed()->set_tube(id_to_wire(message.tube));
        out.mutable_tube_closed()->set_reason(errc_to_wire(make_error_code(message.reason)));
    }
    void operator()(const core::VerifyCommit& message) const { out.set_verify_commit(id_to_wire(message.commitment)); }
    void operator()(const core::VerifyReveal& message) const { out.set_verify_reveal(id_to_wire(message.nonce)); }
};

result<core::ControlMessage> read(const pb::TubeOpened& message) {
    const auto tube = id_from_wire<core::TubeId>(message.tube());
    auto parameters = parameters_from_wire(message.parameters());
    if (!tube || !parameters) return violation();
    core::TubeOpened opened{*tube, message.pending(), std::nullopt, std::move(*parameters)};
    if (message.refusal() != 0) opened.refusal = errc_from_wire(message.refusal());
    return core::ControlMessage(std::move(opened));
}

result<core::ControlMessage> read(const pb::TubeClosed& message) {
    const auto tube = id_from_wire<core::TubeId>(message.tube());
    if (!tube) return violation();
    return core::ControlMessage(core::TubeClosed{*tube, errc_from_wire(message.reason())});
}

template <class Message>
result<core::ControlMessage> read_digest(const std::string& bytes) {
    const auto digest = id_from_wire<core::Digest>(bytes);
    if (!digest) return violation();
    return core::ControlMessage(Message{*digest});
}

}  // namespace

core::Bytes encode(const core::ControlMessage& message) {
    pb::Control out;
    std::visit(Writer{out}, message);
    return serialize(out);
}

result<core::ControlMessage> decode_control(core::ByteView bytes) {
    pb::Control message;
    if (auto parsed = parse_bounded(bytes, kMaxControlMessage, message); !parsed) return parsed.error();
    switch (message.kind_case()) {
        case pb::Control::kTubeOpen: {
            auto request = request_from_wire(message.tube_open());
            if (!request) return request.error();
            return core::ControlMessage(core::TubeOpen{std::move(*request)});
        }
        case pb::Control::kTubeOpened: return read(message.tube_opened());
        case pb::Control::kTubeClosed: return read(message.tube_closed());
        case pb::Control::kVerifyCommit: return read_digest<core::VerifyCommit>(message.verify_commit());
        case pb::Control::kVerifyReveal: return read_digest<core::VerifyReveal>(message.verify_reveal());
        case pb::Control::KIND_NOT_SET: break;
    }
    return make_error_code(Errc::unsupported);
}

core::Bytes frame_control(const core::ControlMessage& message) {
    const auto body = encode(message);
    core::Bytes bytes;
    bytes.reserve(kLengthSize + body.size());
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(body.size() >> shift));
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

result<std::vector<core::ControlMessage>> ControlReader::feed(core::ByteView bytes) {
    std::vector<core::ControlMessage> messages;
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
    core::ByteView rest(partial_);
    while (rest.size() >= kLengthSize) {
        std::size_t length = 0;
        for (std::size_t i = 0; i < kLengthSize; ++i) length = length << 8 | rest[i];
        if (length > kMaxControlMessage) return violation();
        if (rest.size() - kLengthSize < length) break;
        auto message = decode_control(rest.subspan(kLengthSize, length));
        if (message) {
            messages.push_back(std::move(*message));
        } else if (message.error() != Errc::unsupported) {
            return message.error();
        }
        rest = rest.subspan(kLengthSize + length);
    }
    partial_ = core::Bytes(rest.begin(), rest.end());  // gives back the memory of large messages
    return messages;
}

}  // namespace tubes::wire
