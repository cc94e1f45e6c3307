// SPDX-License-Identifier: GPL-3.0-or-later
// Byte streams inside the XMPP connection: blocks in IQs, each acknowledged once it has been read.
// Spec: XEP-0047 2.0; docs/protocol.md, "In-band".
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "presence/xmpp/requests.hpp"
#include "tubes/core/ports/byte_stream.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kInBandBlock = 4096;      // bytes of a block before base64 (XEP-0047 §2)
inline constexpr std::size_t kInBandWindow = 4;        // blocks sent and not acknowledged
inline constexpr std::size_t kMaxInBandStreams = 64;   // known at a time, one account
inline constexpr std::size_t kInBandQueue = 16;        // blocks of a peer that does not wait for acknowledgements
inline constexpr std::size_t kInBandRate = 64 * 1024;  // bytes a second that one account sends, all streams together
inline constexpr std::chrono::seconds kInBandDeadline{60};  // for the acknowledgement of a block

/// A block as it came, checked.
struct InBandBlock {
    std::string session;
    std::uint16_t sequence = 0;
    core::Bytes bytes;
};

/// Reads <data/>; Errc::protocol_violation if it is malformed or larger than kInBandBlock.
result<InBandBlock> parse_in_band_data(const Element& data);
/// Reads <open/>: the block size, 1 to 65535. Errc::protocol_violation if malformed; Errc::unsupported for messages.
result<std::size_t> parse_in_band_open(const Element& open);

/// All in-band streams of one account. A stanza for a stream that nobody here expects from that very sender is
/// answered as if nobody was there.
class InBandService : public std::enable_shared_from_this<InBandService> {
public:
    using Answer = std::function<void(const std::string& stanza)>;

    InBandService(boost::asio::any_io_executor executor, Requests& requests, Answer answer);
    ~InBandService();
    InBandService(const InBandService&) = delete;
    InBandService& operator=(const InBandService&) = delete;

    /// A stream with `peer`: one side opens, the other expects that. Null beyond kMaxInBandStreams.
    std::unique_ptr<core::ports::ByteStream> make_stream(const Jid& peer, const std::string& session, bool opens);

    /// An IQ of type set whose payload is in the namespace of XEP-0047.
    void on_request(const Jid& from, const std::string& id, const Element& payload);
    /// Every stream ends: the XMPP stream they rode on is lost for good.
    void fail_all();

private:
    class Stream;
    class Handle;
    friend class Stream;

    /// Whether a block may leave now; if not, pump() follows when one may.
    bool take_turn();
    void pump();
    void refuse(const Jid& to, const std::string& id, const char* condition);

    boost::asio::any_io_executor executor_;
    Requests& requests_;
    Answer answer_;
    std::map<std::pair<std::string, std::string>, std::weak_ptr<Stream>> streams_;  // by (full address, session)
    std::chrono::steady_clock::time_point due_{};  // when the bytes sent so far are paid for
    boost::asio::steady_timer turn_;
    bool waiting_for_turn_ = false;
};

}  // namespace tubes::presence::xmpp
