// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands behind the public classes: implemented by an engine in this process or by a proxy of a daemon.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tubes/export.hpp"
#include "tubes/node.hpp"
#include "tubes/room.hpp"

namespace tubes {
inline namespace v0 {
namespace detail {

/// Behind Stream. Any thread may call; nothing blocks; handlers never complete inside a call.
class TUBES_API StreamBackend {
public:
    virtual ~StreamBackend();
    virtual boost::asio::any_io_executor get_executor() const = 0;
    /// An empty list completes with 0 bytes, the peer's end with `eof`.
    virtual void read(std::vector<boost::asio::mutable_buffer> buffers, error_code eof, TransferHandler handler) = 0;
    virtual void write(std::vector<boost::asio::const_buffer> buffers, TransferHandler handler) = 0;
    virtual void shutdown_send() = 0;
    virtual void cancel() = 0;
    /// Resets unless both directions had ended. Idempotent.
    virtual void close() = 0;
};

/// Behind DatagramFlow. Any thread may call; nothing blocks; handlers never complete inside a call.
class TUBES_API FlowBackend {
public:
    virtual ~FlowBackend();
    virtual boost::asio::any_io_executor get_executor() const = 0;
    virtual std::size_t max_size() const = 0;
    virtual std::size_t packet_size() const = 0;
    virtual void send(std::vector<std::uint8_t> datagram, DatagramHandler handler) = 0;
    /// Completes with `eof` when the peer ended the flow.
    virtual void receive(boost::asio::mutable_buffer buffer, error_code eof, DatagramHandler handler) = 0;
    virtual void cancel() = 0;
    /// Idempotent.
    virtual void close() = 0;
};

/// Behind Share. close() is called at the latest when the Share goes.
class TUBES_API ShareBackend {
public:
    virtual ~ShareBackend();
    virtual const std::string& service() const = 0;
    virtual const std::string& offer_id() const = 0;
    virtual Endpoint target() const = 0;
    virtual void accept(Handler<Stream> handler) = 0;
    virtual void accept_flow(Handler<DatagramFlow> handler) = 0;
    virtual void close() = 0;
};

/// Behind Listener.
class TUBES_API ListenerBackend {
public:
    virtual ~ListenerBackend();
    virtual Endpoint endpoint() const = 0;
    virtual void wait(Handler<> handler) = 0;
    virtual void close() = 0;
};

/// Behind Tube.
class TUBES_API TubeBackend {
public:
    virtual ~TubeBackend();
    virtual const TubeInfo& info() const = 0;
    virtual void open_stream(Handler<Stream> handler) = 0;
    virtual void open_flow(Handler<DatagramFlow> handler) = 0;
    virtual void listen(ListenOptions options, Handler<Listener> handler) = 0;
    virtual void wait(Handler<> handler) = 0;
    virtual void close() = 0;
};

/// Behind Events.
class TUBES_API EventsBackend {
public:
    virtual ~EventsBackend();
    virtual void next(Handler<Event> handler) = 0;
    /// The subscription is over; an outstanding next() ends with Errc::cancelled.
    virtual void close() = 0;
};

/// Behind Room. close() is called at the latest when the Room goes.
class TUBES_API RoomBackend {
public:
    virtual ~RoomBackend();
    virtual const std::string& address() const = 0;
    virtual void info(Handler<RoomInfo> handler) = 0;
    virtual void next(Handler<RoomEvent> handler) = 0;
    virtual void send(std::string text, std::string nick, Handler<> handler) = 0;
    virtual void share(ShareOptions options, Handler<Share> handler) = 0;
    virtual void connect(ConnectOptions options, std::string nick, Handler<Tube> handler) = 0;
    virtual void close() = 0;
};

/// Behind Node; see Node for what each call does and which errors it ends with.
class TUBES_API NodeBackend {
public:
    virtual ~NodeBackend();
    virtual boost::asio::any_io_executor get_executor() const = 0;

    virtual void login(LoginOptions options, Handler<AccountInfo> handler) = 0;
    virtual void logout(std::string account, bool forget, Handler<> handler) = 0;
    virtual void wait_accounts(std::chrono::milliseconds deadline, Handler<std::vector<AccountInfo>> handler) = 0;
    virtual void status(Handler<Status> handler) = 0;

    virtual void contacts(Handler<std::vector<ContactInfo>> handler) = 0;
    virtual void services(std::string contact, Handler<std::vector<OfferedService>> handler) = 0;
    virtual void add_contact(std::string contact, Handler<> handler) = 0;
    virtual void answer_contact(std::string contact, bool allow, Handler<> handler) = 0;
    virtual void remove_contact(std::string contact, Handler<> handler) = 0;

    virtual void share(ShareOptions options, Handler<Share> handler) = 0;
    virtual void offer(OfferOptions options, Handler<Share> handler) = 0;
    virtual void connect(ConnectOptions options, Handler<Tube> handler) = 0;
    virtual void accept_offer(std::string id, Handler<Tube> handler) = 0;
    virtual void take_tube(std::string id, Handler<Tube> handler) = 0;
    virtual void answer(std::string id, bool accept, Handler<> handler) = 0;

    virtual void ping(std::string contact, std::chrono::milliseconds deadline,
                      Handler<std::vector<PingInfo>> handler) = 0;
    virtual void diagnose(Handler<std::vector<Finding>> handler);
    virtual void pins(std::string contact, Handler<std::vector<PinInfo>> handler) = 0;
    virtual void set_pin(std::string contact, std::string device, bool verified, Handler<> handler) = 0;
    virtual void compare(std::string contact, Handler<std::string> handler) = 0;
    virtual void set_policy(std::string contact, std::string service, Policy policy, Handler<> handler) = 0;

    virtual void join_room(RoomOptions options, Handler<Room> handler);

    virtual std::shared_ptr<EventsBackend> events() = 0;
    /// Not blocking, idempotent.
    virtual void close() = 0;
    /// The Node goes: closes, and waits for a thread of its own (bounded) unless called on it.
    virtual void release() = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace tubes
