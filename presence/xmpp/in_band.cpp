// SPDX-License-Identifier: GPL-3.0-or-later
// The streams' table, their common pace, and parsing.
#include "presence/xmpp/in_band.hpp"

#include <boost/asio/post.hpp>

#include "presence/xmpp/in_band_stream.hpp"
#include "presence/xmpp/jingle/payload.hpp"
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/signal_service.hpp"
#include "presence/xmpp/wire_errors.hpp"

namespace tubes::presence::xmpp {

namespace {

constexpr std::size_t kMaxSession = 128;  // bytes of a session id
constexpr std::chrono::nanoseconds kBlockTime{1'000'000'000LL * static_cast<long long>(kInBandBlock) /
                                              static_cast<long long>(kInBandRate)};

bool is_session(const std::string& text) {
    return !text.empty() && text.size() <= kMaxSession;
}

}  // namespace

result<InBandBlock> parse_in_band_data(const Element& data) {
    const auto sequence = parse_number(attribute(data, "seq"), 65535);
    const std::string text = data.cdata();
    if (!sequence || !is_session(attribute(data, "sid")) || text.size() > (kInBandBlock + 2) / 3 * 4) {
        return make_error_code(Errc::protocol_violation);
    }
    auto bytes = base::from_base64(text);
    if (!bytes || bytes->size() > kInBandBlock) return make_error_code(Errc::protocol_violation);
    return InBandBlock{attribute(data, "sid"), static_cast<std::uint16_t>(*sequence), std::move(*bytes)};
}

result<std::size_t> parse_in_band_open(const Element& open) {
    const auto size = parse_number(attribute(open, "block-size"), 65535);
    if (!size || *size == 0 || !is_session(attribute(open, "sid"))) return make_error_code(Errc::protocol_violation);
    if (open.hasAttribute("stanza") && attribute(open, "stanza") != "iq") return make_error_code(Errc::unsupported);
    return static_cast<std::size_t>(*size);
}

InBandService::InBandService(boost::asio::any_io_executor executor, Requests& requests, Answer answer)
    : executor_(executor), requests_(requests), answer_(std::move(answer)), turn_(executor) {}

InBandService::~InBandService() = default;

std::unique_ptr<core::ports::ByteStream> InBandService::make_stream(const Jid& peer, const std::string& session,
                                                                    bool opens) {
    std::erase_if(streams_, [](const auto& entry) { return entry.second.expired(); });
    if (streams_.size() >= kMaxInBandStreams) return nullptr;
    auto stream = std::make_shared<Stream>(executor_, weak_from_this(), peer, session);
    streams_[{peer.full(), session}] = stream;
    if (opens) stream->open();
    return std::make_unique<Handle>(std::move(stream));
}

void InBandService::on_request(const Jid& from, const std::string& id, const Element& payload) {
    const auto found = streams_.find({from.full(), attribute(payload, "sid")});
    const auto stream = found == streams_.end() ? nullptr : found->second.lock();
    if (!stream) return answer_(make_error_answer(from, id, make_error(Errc::not_available, false))->xml());
    if (payload.name() == "open") {
        const auto size = parse_in_band_open(payload);
        if (!size || !stream->on_open()) return refuse(from, id, "not-acceptable");
        if (*size > kInBandBlock) return refuse(from, id, "resource-constraint");
    } else if (payload.name() == "data") {
        auto block = parse_in_band_data(payload);
        if (!block) {
            stream->fail(block.error());
            return refuse(from, id, "bad-request");
        }
        // Answered once it has been read.
        if (!stream->on_block(std::move(*block), id)) return refuse(from, id, "unexpected-request");
        return;
    } else if (payload.name() == "close") {
        stream->on_close();
    } else {
        return refuse(from, id, "bad-request");
    }
    answer_(make_result(from, id)->xml());
}

void InBandService::refuse(const Jid& to, const std::string& id, const char* condition) {
    auto error = make_element("error");
    error->addAttribute("type", "cancel");
    add_element(*error, condition, kStanzaErrorNamespace);
    answer_(make_error_answer(to, id, std::move(error))->xml());
}

void InBandService::fail_all() {
    for (const auto& [name, weak] : std::exchange(streams_, {})) {
        if (const auto stream = weak.lock()) stream->fail(Errc::broken);
    }
}

bool InBandService::take_turn() {
    const auto now = std::chrono::steady_clock::now();
    due_ = std::max(due_, now - kBlockTime * 3);  // a window at once
    if (due_ <= now) {
        due_ += kBlockTime;
        return true;
    }
    if (std::exchange(waiting_for_turn_, true)) return false;
    turn_.expires_at(due_);
    turn_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (!self || error) return;
        self->waiting_for_turn_ = false;
        self->pump();
    });
    return false;
}

void InBandService::pump() {
    std::vector<std::shared_ptr<Stream>> all;
    for (const auto& [name, weak] : streams_) {
        if (auto stream = weak.lock()) all.push_back(std::move(stream));
    }
    for (const auto& stream : all) stream->pump();
}

}  // namespace tubes::presence::xmpp
