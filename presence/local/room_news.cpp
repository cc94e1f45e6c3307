// SPDX-License-Identifier: GPL-3.0-or-later
// Encoding and parsing of news about rooms.
#include "presence/local/room_news.hpp"

#include "tubes/core/wire/signal_codec.hpp"
#include "tubes/types.hpp"

namespace tubes::presence::local {
namespace {

using core::ports::kMaxNick;
using core::ports::kMaxRoomText;

constexpr std::size_t kReserve = 256;  // bytes, enough for most news

void put_number(base::Bytes& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// Preceded by its length in one byte.
void put_short(base::Bytes& out, const std::string& text) {
    out.push_back(static_cast<std::uint8_t>(text.size()));
    out.insert(out.end(), text.begin(), text.end());
}

/// Takes fields off the front; once something is missing, everything is.
class Fields {
public:
    explicit Fields(base::ByteView rest) : rest_(rest) {}
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const auto byte : take(size)) value = value << 8 | byte;
        return value;
    }
    std::string short_text() { return std::string(base::as_text(take(number(1)))); }
    base::ByteView rest() { return take(rest_.size()); }
    bool is_good() const { return is_good_; }

private:
    base::ByteView take(std::size_t size) {
        is_good_ = is_good_ && size <= rest_.size();
        if (!is_good_) return {};
        const auto taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }

    base::ByteView rest_;
    bool is_good_ = true;
};

bool fits(const core::ServiceList& list) {
    std::size_t size = 0;
    for (const auto& service : list.services) size += core::ports::announced_size(service);
    return list.services.size() <= core::ports::kMaxRoomServices && size <= core::ports::kMaxAnnouncement;
}

result<RoomNews::Guest> parse_guest(Fields& fields) {
    RoomNews::Guest guest;
    guest.since = fields.number(8);
    guest.nick = fields.short_text();
    const auto services = fields.rest();
    if (!fields.is_good() || guest.nick.empty() || guest.nick.size() > kMaxNick) return Errc::protocol_violation;
    if (services.empty()) return guest;
    auto reply = wire::decode_reply(services);
    auto* list = reply ? std::get_if<core::ServiceList>(&*reply) : nullptr;
    if (!list || !fits(*list)) return Errc::protocol_violation;
    guest.tubes = std::move(*list);
    return guest;
}

}  // namespace

base::Bytes encode(const RoomNews& news) {
    base::Bytes bytes;
    bytes.reserve(kReserve);
    bytes.push_back(static_cast<std::uint8_t>(news.kind));
    put_short(bytes, news.room);
    if (news.kind == RoomNews::Kind::here) {
        put_number(bytes, news.guest.since);
        put_short(bytes, news.guest.nick);
        if (!news.guest.tubes) return bytes;
        const auto services = wire::encode_reply(core::SignalReply(*news.guest.tubes));
        bytes.insert(bytes.end(), services.begin(), services.end());
    } else if (news.kind == RoomNews::Kind::text || news.kind == RoomNews::Kind::subject) {
        bytes.push_back(news.is_private ? 1 : 0);
        bytes.insert(bytes.end(), news.text.begin(), news.text.end());
    }
    return bytes;
}

result<RoomNews> parse_room_news(base::ByteView payload) {
    Fields fields(payload);
    RoomNews news;
    const auto kind = fields.number(1);
    if (kind < 1 || kind > static_cast<std::uint64_t>(RoomNews::Kind::settled)) return Errc::protocol_violation;
    news.kind = static_cast<RoomNews::Kind>(kind);
    news.room = fields.short_text();
    const bool has_room = is_valid_service_name(news.room);
    if (!fields.is_good() || has_room == (news.kind == RoomNews::Kind::settled)) return Errc::protocol_violation;
    if (news.kind == RoomNews::Kind::here) {
        auto guest = parse_guest(fields);
        if (!guest) return guest.error();
        news.guest = std::move(*guest);
    } else if (news.kind == RoomNews::Kind::text || news.kind == RoomNews::Kind::subject) {
        news.is_private = fields.number(1) != 0;
        news.text = base::as_text(fields.rest());
        if (!fields.is_good() || news.text.size() > kMaxRoomText) return Errc::protocol_violation;
    }
    return news;
}

base::Bytes encode_room_request(const std::string& room, base::ByteView signal) {
    base::Bytes bytes;
    put_short(bytes, room);
    bytes.insert(bytes.end(), signal.begin(), signal.end());
    return bytes;
}

result<RoomRequest> parse_room_request(base::ByteView payload) {
    Fields fields(payload);
    RoomRequest request;
    request.room = fields.short_text();
    request.signal = fields.rest();
    if (!fields.is_good() || !is_valid_service_name(request.room)) return Errc::protocol_violation;
    return request;
}

}  // namespace tubes::presence::local
