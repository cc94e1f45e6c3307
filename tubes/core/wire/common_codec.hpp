// SPDX-License-Identifier: GPL-3.0-or-later
// The pieces that several messages share: ids, error codes, parameters, tube requests. For the codecs only.
#pragma once

#include <google/protobuf/repeated_field.h>

#include <string>

#include "tubes/core/signaling/signals.hpp"
#include "tubes/core/wire/common.pb.h"
#include "tubes/core/wire/errc.hpp"

namespace tubes::wire {

using core::Bytes;
using core::ByteView;

using ParameterList = google::protobuf::RepeatedPtrField<pb::Parameter>;

/// Fixed-size ids; protocol_violation for any other size.
template <class Id>
result<Id> id_from_wire(const std::string& bytes) {
    auto id = Id::from_bytes(base::as_bytes(bytes));
    if (!id) return make_error_code(Errc::protocol_violation);
    return *id;
}

template <class Id>
std::string id_to_wire(const Id& id) {
    return std::string(base::as_text(id.view()));
}

void parameters_to_wire(const Parameters& parameters, ParameterList& list);
/// Bounded as tubes::check_parameters says, names unique; protocol_violation otherwise.
result<Parameters> parameters_from_wire(const ParameterList& list);

/// protocol_violation for a number that is no TubeKind.
result<TubeKind> tube_kind_from_wire(std::uint32_t value);

/// protocol_violation for a name that no share may have.
result<std::string> service_from_wire(const std::string& name);

void request_to_wire(const core::TubeRequest& request, pb::TubeRequest& message);
result<core::TubeRequest> request_from_wire(const pb::TubeRequest& message);

/// Parses `bytes` into `message`; protocol_violation when it is malformed or larger than `limit`.
template <class Message>
result<void> parse_bounded(ByteView bytes, std::size_t limit, Message& message) {
    if (bytes.size() > limit || !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return make_error_code(Errc::protocol_violation);
    }
    return {};
}

template <class Message>
Bytes serialize(const Message& message) {
    Bytes bytes(message.ByteSizeLong());
    message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

}  // namespace tubes::wire
