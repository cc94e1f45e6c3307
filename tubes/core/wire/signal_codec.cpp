// SPDX-License-Identifier: GPL-3.0-or-later
// Signals to Protocol Buffers and back.
#include "tubes/core/wire/signal_codec.hpp"

#include "tubes/core/wire/common_codec.hpp"
#include "tubes/core/wire/limits.hpp"
#include "tubes/core/wire/signals.pb.h"

namespace tubes::wire {
namespace {

using google::protobuf::RepeatedPtrField;

error_code violation() noexcept {
    return make_error_code(Errc::protocol_violation);
}

// Descriptions and candidates have the same shape; `Path` is either.
template <class Path>
void paths_to_wire(const std::vector<Path>& paths, RepeatedPtrField<pb::PathDescription>& list) {
    for (const auto& path : paths) {
        auto* message = list.Add();
        message->set_kind(static_cast<std::uint32_t>(path.kind));
        for (const auto& [name, value] : path.attributes) {
            auto* attribute = message->add_attributes();
            attribute->set_name(name);
            attribute->set_value(value);
        }
    }
}

result<core::ports::Attributes> attributes_from_wire(const RepeatedPtrField<pb::Attribute>& list) {
    if (static_cast<std::size_t>(list.size()) > kMaxAttributes) return violation();
    core::ports::Attributes attributes;
    for (const auto& attribute : list) {
        const bool bounded = !attribute.name().empty() && attribute.name().size() <= kMaxAttributeName &&
                             attribute.value().size() <= kMaxAttributeValue;
        if (!bounded || !attributes.emplace(attribute.name(), attribute.value()).second) return violation();
    }
    return attributes;
}

template <class Path>
result<std::vector<Path>> paths_from_wire(const RepeatedPtrField<pb::PathDescription>& list, std::size_t limit) {
    if (static_cast<std::size_t>(list.size()) > limit) return violation();
    std::vector<Path> paths;
    for (const auto& message : list) {
        auto attributes = attributes_from_wire(message.attributes());
        if (!attributes) return attributes.error();
        if (message.kind() > static_cast<std::uint32_t>(PathKind::in_band)) continue;  // a newer peer's
        paths.push_back(Path{static_cast<PathKind>(message.kind()), std::move(*attributes)});
    }
    return paths;
}

struct Writer {
    pb::Signal& out;

    void operator()(const core::OfferSignal& signal) const {
        auto& message = *out.mutable_offer();
        message.set_offer(id_to_wire(signal.offer));
        message.set_service(signal.service);
        message.set_kind(static_cast<std::uint32_t>(signal.kind));
        parameters_to_wire(signal.parameters, *message.mutable_parameters());
        message.set_lifetime_seconds(static_cast<std::uint64_t>(std::max<std::int64_t>(signal.lifetime.count(), 0)));
        message.set_identity(id_to_wire(signal.identity));
    }
    void operator()(const core::OfferEndSignal& signal) const {
        out.mutable_offer_end()->set_offer(id_to_wire(signal.offer));
        out.mutable_offer_end()->set_end(static_cast<std::uint32_t>(signal.end));
    }
    void operator()(const core::LinkInitiate& signal) const {
        auto& message = *out.mutable_link_initiate();
        message.set_link(id_to_wire(signal.link));
        message.set_identity(id_to_wire(signal.identity));
        request_to_wire(signal.request, *message.mutable_request());
        paths_to_wire(signal.transports, *message.mutable_transports());
    }
    void operator()(const core::LinkPending& signal) const {
        out.mutable_link_pending()->set_link(id_to_wire(signal.link));
    }
    void operator()(const core::LinkAccept& signal) const {
        auto& message = *out.mutable_link_accept();
        message.set_link(id_to_wire(signal.link));
        message.set_identity(id_to_wire(signal.identity));
        parameters_to_wire(signal.parameters, *message.mutable_parameters());
        paths_to_wire(signal.transports, *message.mutable_transports());
    }
    void operator()(const core::LinkCandidates& signal) const {
        auto& message = *out.mutable_link_candidates();
        message.set_link(id_to_wire(signal.link));
        message.set_generation(signal.generation);
        paths_to_wire(signal.candidates, *message.mutable_candidates());
        message.set_end(signal.end);
    }
    void operator()(const core::LinkRestart& signal) const {
        auto& message = *out.mutable_link_restart();
        message.set_link(id_to_wire(signal.link));
        message.set_generation(signal.generation);
        message.set_answer(signal.answer);
        paths_to_wire(signal.transports, *message.mutable_transports());
    }
    void operator()(const core::LinkTerminate& signal) const {
        auto& message = *out.mutable_link_terminate();
        message.set_link(id_to_wire(signal.link));
        message.set_reason(errc_to_wire(make_error_code(signal.reason)));
        if (signal.survivor) message.set_survivor(id_to_wire(*signal.survivor));
    }
    void operator()(const core::ServiceQuery&) const { out.mutable_service_query(); }
    void operator()(const core::PingSignal&) const { out.mutable_ping(); }
};

result<core::Signal> read(const pb::OfferSignal& message) {
    const auto offer = id_from_wire<core::OfferId>(message.offer());
    const auto service = service_from_wire(message.service());
    const auto kind = tube_kind_from_wire(message.kind());
    auto parameters = parameters_from_wire(message.parameters());
    const auto identity = id_from_wire<core::PublicKey>(message.identity());
    if (!offer || !service || !kind || !parameters || !identity) return violation();
    if (message.lifetime_seconds() > kMaxOfferLifetime) return violation();
    return core::OfferSignal{
        *offer, *service, *kind, std::move(*parameters), std::chrono::seconds(message.lifetime_seconds()), *identity};
}

result<core::Signal> read(const pb::OfferEndSignal& message) {
    const auto offer = id_from_wire<core::OfferId>(message.offer());
    const bool known = message.end() >= static_cast<std::uint32_t>(core::OfferEnd::taken) &&
                       message.end() <= static_cast<std::uint32_t>(core::OfferEnd::declined);
    if (!offer || !known) return violation();
    return core::OfferEndSignal{*offer, static_cast<core::OfferEnd>(message.end())};
}

result<core::Signal> read(const pb::LinkInitiate& message) {
    const auto link = id_from_wire<core::LinkId>(message.link());
    const auto identity = id_from_wire<core::PublicKey>(message.identity());
    auto request = request_from_wire(message.request());
    auto transports = paths_from_wire<core::ports::TransportDescription>(message.transports(), kMaxTransports);
    if (!link || !identity || !request || !transports) return violation();
    return core::LinkInitiate{*link, *identity, std::move(*request), std::move(*transports)};
}

result<core::Signal> read(const pb::LinkPending& message) {
    const auto link = id_from_wire<core::LinkId>(message.link());
    if (!link) return violation();
    return core::LinkPending{*link};
}

result<core::Signal> read(const pb::LinkAccept& message) {
    const auto link = id_from_wire<core::LinkId>(message.link());
    const auto identity = id_from_wire<core::PublicKey>(message.identity());
    auto parameters = parameters_from_wire(message.parameters());
    auto transports = paths_from_wire<core::ports::TransportDescription>(message.transports(), kMaxTransports);
    if (!link || !identity || !parameters || !transports) return violation();
    return core::LinkAccept{*link, *identity, std::move(*parameters), std::move(*transports)};
}

result<core::Signal> read(const pb::LinkCandidates& message) {
    const auto link = id_from_wire<core::LinkId>(message.link());
    auto candidates = paths_from_wire<core::ports::Candidate>(message.candidates(), kMaxCandidates);
    if (!link || !candidates) return violation();
    return core::LinkCandidates{*link, message.generation(), std::move(*candidates), message.end()};
}

result<core::Signal> read(const pb::LinkRestart& message) {
    const auto link = id_from_wire<core::LinkId>(message.link());
    auto transports = paths_from_wire<core::ports::TransportDescription>(message.transports(), kMaxTransports);
    if (!link || !transports) return violation();
    return core::LinkRestart{*link, message.generation(), message.answer(), std::move(*transports)};
}

result<core::Signal> read(const pb::LinkTerminate& message) {
    const auto link = id_from_wire<core::LinkId>(message.link());
    if (!link) return violation();
    core::LinkTerminate signal{*link, errc_from_wire(message.reason()), std::nullopt};
    if (!message.survivor().empty()) {
        const auto survivor = id_from_wire<core::LinkId>(message.survivor());
        if (!survivor) return violation();
        signal.survivor = *survivor;
    }
    return signal;
}

void services_to_wire(const core::ServiceList& list, pb::ServiceList& message) {
    message.set_identity(id_to_wire(list.identity));
    for (const auto& service : list.services) {
        auto& entry = *message.add_services();
        entry.set_name(service.name);
        entry.set_kind(static_cast<std::uint32_t>(service.kind));
        parameters_to_wire(service.parameters, *entry.mutable_parameters());
    }
}

result<core::SignalReply> read(const pb::ServiceList& message) {
    const auto identity = id_from_wire<core::PublicKey>(message.identity());
    if (!identity || static_cast<std::size_t>(message.services_size()) > kMaxServices) return violation();
    core::ServiceList list{*identity, {}};
    for (const auto& entry : message.services()) {
        const auto name = service_from_wire(entry.name());
        const auto kind = tube_kind_from_wire(entry.kind());
        auto parameters = parameters_from_wire(entry.parameters());
        if (!name || !kind || !parameters) return violation();
        list.services.push_back(core::ServiceInfo{*name, *kind, std::move(*parameters)});
    }
    return list;
}

}  // namespace

Bytes encode(const core::Signal& signal) {
    pb::Signal message;
    std::visit(Writer{message}, signal);
    return serialize(message);
}

result<core::Signal> decode_signal(ByteView bytes) {
    pb::Signal message;
    if (auto parsed = parse_bounded(bytes, kMaxSignal, message); !parsed) return parsed.error();
    switch (message.kind_case()) {
        case pb::Signal::kOffer: return read(message.offer());
        case pb::Signal::kOfferEnd: return read(message.offer_end());
        case pb::Signal::kLinkInitiate: return read(message.link_initiate());
        case pb::Signal::kLinkPending: return read(message.link_pending());
        case pb::Signal::kLinkAccept: return read(message.link_accept());
        case pb::Signal::kLinkCandidates: return read(message.link_candidates());
        case pb::Signal::kLinkRestart: return read(message.link_restart());
        case pb::Signal::kLinkTerminate: return read(message.link_terminate());
        case pb::Signal::kServiceQuery: return core::Signal(core::ServiceQuery{});
        case pb::Signal::kPing: return core::Signal(core::PingSignal{});
        case pb::Signal::KIND_NOT_SET: break;
    }
    return make_error_code(Errc::unsupported);
}

Bytes encode_reply(const result<core::SignalReply>& reply) {
    pb::SignalReply message;
    if (!reply) {
        message.set_error(errc_to_wire(reply.error()));
    } else if (const auto* services = std::get_if<core::ServiceList>(&*reply)) {
        services_to_wire(*services, *message.mutable_services());
    } else {
        message.mutable_received();
    }
    return serialize(message);
}

result<core::SignalReply> decode_reply(ByteView bytes) {
    pb::SignalReply message;
    if (auto parsed = parse_bounded(bytes, kMaxSignal, message); !parsed) return parsed.error();
    switch (message.kind_case()) {
        case pb::SignalReply::kReceived: return core::SignalReply(std::monostate{});
        case pb::SignalReply::kServices: return read(message.services());
        case pb::SignalReply::kError: return make_error_code(errc_from_wire(message.error()));
        case pb::SignalReply::KIND_NOT_SET: break;
    }
    return violation();
}

}  // namespace tubes::wire
