// SPDX-License-Identifier: GPL-3.0-or-later
// Questions on their way: who was asked what, until when. An answer counts only from the one who was asked.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "presence/xmpp/address.hpp"
#include "presence/xmpp/xml.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxRequests = 4096;                 // waiting at once
inline constexpr std::size_t kMaxRequestBytes = 8 * 1024 * 1024;  // of waiting stanzas

/// Outgoing IQs, and presence that carries something. Each completes exactly once, later than the call that made it.
class Requests {
public:
    /// The answer (an IQ of type result or error; null for presence), valid during the call, or why there is none:
    /// Errc::timed_out, Errc::not_connected, Errc::limit_exceeded.
    using Callback = std::function<void(result<const Element*>)>;
    /// Writes a stanza to the server.
    using Sender = std::function<void(const std::string& stanza)>;

    /// What happens when the stream is lost while waiting.
    enum class OnLoss : std::uint8_t {
        fail,    ///< It belonged to that stream: Errc::not_connected.
        repeat,  ///< Sent again on the next stream under the same id, so that the receiver can tell a repetition.
    };

    struct Options {
        std::chrono::milliseconds deadline{30000};
        OnLoss on_loss = OnLoss::fail;
    };

    Requests(boost::asio::any_io_executor executor, Sender sender);
    ~Requests();
    Requests(const Requests&) = delete;
    Requests& operator=(const Requests&) = delete;

    /// Our own address, against which answers without sender are checked.
    void set_self(const Jid& self) { self_ = self; }

    /// Adds an unguessable id and sends the IQ, at once or when there is a stream. The `to` attribute names who may
    /// answer; without one it is our own account.
    void ask(ElementPtr iq, Options options, Callback callback);
    /// The same for what nobody answers: complete as soon as it has been handed to the stream.
    void tell(ElementPtr stanza, std::chrono::milliseconds deadline, Callback callback);

    /// An IQ of type result or error. False if it answers nothing: a forged, late or unknown one; to be dropped.
    bool on_answer(const Element& iq);

    /// A stream is there. A resumed one gets what has not been sent yet; a new one everything that is to be repeated.
    void on_stream(bool resumed);
    /// The stream is lost; it may be resumed.
    void on_stream_lost() { connected_ = false; }
    /// It will not come back: everything ends with Errc::not_connected.
    void fail_all(error_code reason);

private:
    struct Entry {
        std::string id;
        std::string stanza;
        Jid to;  // empty: our own account
        bool is_unanswered = false;
        bool sent = false;
        OnLoss on_loss = OnLoss::fail;
        Callback callback;
        std::unique_ptr<boost::asio::steady_timer> deadline;
    };
    using Entries = std::map<std::uint64_t, Entry>;  // in the order of asking

    void add(Entry entry, std::chrono::milliseconds deadline);
    void transmit(Entries::iterator entry);
    void complete(Entries::iterator entry, result<const Element*> answer);
    void complete_later(Callback callback, error_code reason);
    bool may_answer(const Entry& entry, const std::string& from) const;

    boost::asio::any_io_executor executor_;
    Sender sender_;
    Jid self_;
    Entries entries_;
    std::map<std::string, std::uint64_t> by_id_;
    std::size_t bytes_ = 0;
    std::uint64_t next_ = 0;
    bool connected_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tubes::presence::xmpp
