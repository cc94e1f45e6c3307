// SPDX-License-Identifier: GPL-3.0-or-later
// Shared pieces of messages: parsed once, bounded, validated.
#include "tubes/core/wire/common_codec.hpp"

#include "tubes/core/wire/limits.hpp"

namespace tubes::wire {
namespace {

struct ValueWriter {
    pb::Parameter& message;
    void operator()(const std::string& value) const { message.set_text(value); }
    void operator()(const std::vector<std::uint8_t>& value) const { message.set_octets(value.data(), value.size()); }
    void operator()(std::int64_t value) const { message.set_integer(value); }
    void operator()(std::uint64_t value) const { message.set_unsigned_integer(value); }
    void operator()(bool value) const { message.set_flag(value); }
};

result<ParameterValue> value_from_wire(const pb::Parameter& message) {
    switch (message.value_case()) {
        case pb::Parameter::kText: return ParameterValue(message.text());
        case pb::Parameter::kOctets: {
            const auto view = base::as_bytes(message.octets());
            return ParameterValue(std::vector<std::uint8_t>(view.begin(), view.end()));
        }
        case pb::Parameter::kInteger: return ParameterValue(static_cast<std::int64_t>(message.integer()));
        case pb::Parameter::kUnsignedInteger:
            return ParameterValue(static_cast<std::uint64_t>(message.unsigned_integer()));
        case pb::Parameter::kFlag: return ParameterValue(message.flag());
        case pb::Parameter::VALUE_NOT_SET: break;
    }
    return make_error_code(Errc::protocol_violation);
}

}  // namespace

void parameters_to_wire(const Parameters& parameters, ParameterList& list) {
    for (const auto& [name, value] : parameters) {
        auto* message = list.Add();
        message->set_name(name);
        std::visit(ValueWriter{*message}, value);
    }
}

result<Parameters> parameters_from_wire(const ParameterList& list) {
    Parameters parameters;
    for (const auto& message : list) {
        auto value = value_from_wire(message);
        if (!value) return value.error();
        if (!parameters.emplace(message.name(), std::move(*value)).second) {
            return make_error_code(Errc::protocol_violation);
        }
    }
    if (!check_parameters(parameters)) return make_error_code(Errc::protocol_violation);
    return parameters;
}

result<TubeKind> tube_kind_from_wire(std::uint32_t value) {
    if (value < static_cast<std::uint32_t>(TubeKind::stream) || value > static_cast<std::uint32_t>(TubeKind::dbus)) {
        return make_error_code(Errc::protocol_violation);
    }
    return static_cast<TubeKind>(value);
}

result<std::string> service_from_wire(const std::string& name) {
    if (!is_valid_service_name(name)) return make_error_code(Errc::protocol_violation);
    return name;
}

void request_to_wire(const core::TubeRequest& request, pb::TubeRequest& message) {
    message.set_tube(id_to_wire(request.tube));
    message.set_service(request.service);
    message.set_kind(static_cast<std::uint32_t>(request.kind));
    if (request.offer) message.set_offer(id_to_wire(*request.offer));
    parameters_to_wire(request.parameters, *message.mutable_parameters());
}

result<core::TubeRequest> request_from_wire(const pb::TubeRequest& message) {
    const auto tube = id_from_wire<core::TubeId>(message.tube());
    const auto service = service_from_wire(message.service());
    const auto kind = tube_kind_from_wire(message.kind());
    auto parameters = parameters_from_wire(message.parameters());
    if (!tube || !service || !kind || !parameters) return make_error_code(Errc::protocol_violation);
    core::TubeRequest request{*tube, *service, *kind, std::nullopt, std::move(*parameters)};
    if (!message.offer().empty()) {
        const auto offer = id_from_wire<core::OfferId>(message.offer());
        if (!offer) return offer.error();
        request.offer = *offer;
    }
    return request;
}

}  // namespace tubes::wire
