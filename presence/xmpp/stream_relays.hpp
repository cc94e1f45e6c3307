// SPDX-License-Identifier: GPL-3.0-or-later
// The server's relays for byte streams: found by service discovery, activated by the one who found them.
// Spec: XEP-0065 1.8 §4, §6.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "presence/xmpp/requests.hpp"
#include "tubes/core/ports/peer_carrier.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxAskedServices = 16;  // of the server's services are asked what they are
inline constexpr std::size_t kMaxRelays = 4;          // kept

/// Reads <query xmlns='http://jabber.org/protocol/bytestreams'/>: the well-formed stream hosts with a port.
std::vector<core::ports::StreamRelay> parse_stream_hosts(const Element& query);

/// DST.ADDR of a stream (§5.3.2): SHA-1 over session, requester and target, in hexadecimal.
std::string stream_address(const std::string& session, const Jid& requester, const Jid& target);

/// Discovery with a cache that lives as long as the stream.
class StreamRelays {
public:
    using Callback = std::function<void(std::vector<core::ports::StreamRelay>)>;

    StreamRelays(Requests& requests, std::string domain, std::chrono::milliseconds deadline);

    /// The callback may run inside the call when the answer is known.
    void find(Callback callback);
    void activate(const core::ports::StreamRelay& relay, const std::string& session, const Jid& target,
                  std::function<void(error_code)> callback);
    void on_new_stream();

private:
    using Reply = std::function<void(const Element* answer)>;

    void ask(const std::string& to, std::string_view xmlns, Reply reply);
    void on_items(const Element* answer);
    void on_info(const std::string& jid, const Element* answer);
    void on_hosts(const Element* answer);
    void one_less();

    Requests& requests_;
    std::string domain_;
    std::chrono::milliseconds deadline_;
    std::optional<std::vector<core::ports::StreamRelay>> known_;
    std::vector<core::ports::StreamRelay> found_;
    std::vector<Callback> waiting_;
    std::size_t open_questions_ = 0;
    std::shared_ptr<int> generation_ = std::make_shared<int>(0);
};

}  // namespace tubes::presence::xmpp
