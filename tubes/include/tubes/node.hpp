// SPDX-License-Identifier: LGPL-2.1-or-later
// The API: a node, its shares, offers, tubes and events. Operations take completion tokens: callbacks, futures and
// co_await all work. Opening a node: tubes/engine.hpp.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tubes/datagram.hpp"
#include "tubes/export.hpp"
#include "tubes/options.hpp"
#include "tubes/status.hpp"
#include "tubes/stream.hpp"

namespace tubes {
inline namespace v0 {

class Tube;
class Room;
class Share;
class Listener;
class Events;

namespace detail {
class NodeBackend;
class TubeBackend;
class ShareBackend;
class ListenerBackend;
class EventsBackend;
template <class... Results>
using Handler = boost::asio::any_completion_handler<void(error_code, Results...)>;

/// Erases a completion token's handler and hands it to a function compiled into the library.
template <class... Results, class Token, class Start>
auto initiate(Token&& token, Start start) {
    return boost::asio::async_initiate<Token, void(error_code, Results...)>(
        [](auto handler, Start begin) { begin(Handler<Results...>(std::move(handler))); }, token, std::move(start));
}
}  // namespace detail

/// Something this user offers to others; lives as long as the object.
class TUBES_API Share {
public:
    Share() = default;
    explicit Share(std::shared_ptr<detail::ShareBackend> backend);
    Share(Share&&) noexcept = default;
    Share& operator=(Share&&) noexcept;
    /// Closes the share and its tubes.
    ~Share();

    /// The name it is shared under.
    const std::string& service() const;
    /// For an offer: its id; empty for a share.
    const std::string& offer_id() const;
    /// What it leads to; of a D-Bus, with the path at which programs of this side find it.
    Endpoint target() const;

    /// The next stream that a peer opens, if the target is in_process. Errc::cancelled once closed. At most 128
    /// streams wait, further ones are refused. Signature: void(error_code, Stream).
    template <class Token>
    auto async_accept(Token&& token) {
        return detail::initiate<Stream>(std::forward<Token>(token),
                                        [self = backend_](auto handler) { start_accept(self, std::move(handler)); });
    }
    /// The next flow that a peer opens, if the share's kind is datagram and its target in_process; limits and errors as
    /// async_accept. Signature: void(error_code, DatagramFlow).
    template <class Token>
    auto async_accept_flow(Token&& token) {
        return detail::initiate<DatagramFlow>(std::forward<Token>(token), [self = backend_](auto handler) {
            start_accept_flow(self, std::move(handler));
        });
    }
    /// Ends the share and closes its tubes. Idempotent, not blocking.
    void close();

private:
    static void start_accept(const std::shared_ptr<detail::ShareBackend>& backend, detail::Handler<Stream> handler);
    static void start_accept_flow(const std::shared_ptr<detail::ShareBackend>& backend,
                                  detail::Handler<DatagramFlow> handler);
    std::shared_ptr<detail::ShareBackend> backend_;
};

/// A local socket whose connections go through a tube; lives as long as the object.
class TUBES_API Listener {
public:
    Listener() = default;
    explicit Listener(std::shared_ptr<detail::ListenerBackend> backend);
    Listener(Listener&&) noexcept = default;
    Listener& operator=(Listener&&) noexcept;
    ~Listener();

    /// Where it really listens (the port, where 0 was asked for).
    Endpoint endpoint() const;
    /// Completes when it has ended: the tube closed, or for Kind::descriptors, the stream is over.
    /// Signature: void(error_code).
    template <class Token>
    auto async_wait(Token&& token) {
        return detail::initiate<>(std::forward<Token>(token),
                                  [self = backend_](auto handler) { start_wait(self, std::move(handler)); });
    }
    /// Stops listening; streams that were accepted go on. Idempotent, not blocking.
    void close();

private:
    static void start_wait(const std::shared_ptr<detail::ListenerBackend>& backend, detail::Handler<> handler);
    std::shared_ptr<detail::ListenerBackend> backend_;
};

/// An open tube to a contact's service; lives as long as the object.
class TUBES_API Tube {
public:
    Tube() = default;
    explicit Tube(std::shared_ptr<detail::TubeBackend> backend);
    Tube(Tube&&) noexcept = default;
    Tube& operator=(Tube&&) noexcept;
    /// Closes the tube and its streams.
    ~Tube();

    /// As it was when it opened; Node::async_status has the current figures.
    const TubeInfo& info() const;

    /// Opens one connection through the tube. Signature: void(error_code, Stream).
    template <class Token>
    auto async_open_stream(Token&& token) {
        return detail::initiate<Stream>(std::forward<Token>(token),
                                        [self = backend_](auto handler) { start_open(self, std::move(handler)); });
    }
    /// Opens one flow through a datagram tube; Errc::unsupported for other kinds. Signature: void(error_code,
    /// DatagramFlow).
    template <class Token>
    auto async_open_flow(Token&& token) {
        return detail::initiate<DatagramFlow>(
            std::forward<Token>(token), [self = backend_](auto handler) { start_open_flow(self, std::move(handler)); });
    }
    /// Makes the service reachable at a local socket. Errc::address_in_use, address_not_allowed.
    /// Signature: void(error_code, Listener).
    template <class Token>
    auto async_listen(ListenOptions options, Token&& token) {
        return detail::initiate<Listener>(std::forward<Token>(token),
                                          [self = backend_, options = std::move(options)](auto handler) mutable {
                                              start_listen(self, std::move(options), std::move(handler));
                                          });
    }
    /// Completes when the tube has closed, with the reason. Signature: void(error_code).
    template <class Token>
    auto async_wait_closed(Token&& token) {
        return detail::initiate<>(std::forward<Token>(token),
                                  [self = backend_](auto handler) { start_wait(self, std::move(handler)); });
    }
    /// Closes the tube and all its streams. Idempotent, not blocking.
    void close();

private:
    static void start_open(const std::shared_ptr<detail::TubeBackend>& backend, detail::Handler<Stream> handler);
    static void start_open_flow(const std::shared_ptr<detail::TubeBackend>& backend,
                                detail::Handler<DatagramFlow> handler);
    static void start_listen(const std::shared_ptr<detail::TubeBackend>& backend, ListenOptions options,
                             detail::Handler<Listener> handler);
    static void start_wait(const std::shared_ptr<detail::TubeBackend>& backend, detail::Handler<> handler);
    std::shared_ptr<detail::TubeBackend> backend_;
};

/// A subscription to a node's events. Holds at most 1024 that were not taken yet; then the oldest are dropped and
/// EventsLost says how many.
class TUBES_API Events {
public:
    Events() = default;
    explicit Events(std::shared_ptr<detail::EventsBackend> backend);
    Events(Events&&) noexcept = default;
    Events& operator=(Events&&) noexcept;
    ~Events();

    /// The next event; Errc::cancelled once the node is closed. One call at a time. Signature: void(error_code, Event).
    template <class Token>
    auto async_next(Token&& token) {
        return detail::initiate<Event>(std::forward<Token>(token),
                                       [self = backend_](auto handler) { start_next(self, std::move(handler)); });
    }

private:
    static void start_next(const std::shared_ptr<detail::EventsBackend>& backend, detail::Handler<Event> handler);
    std::shared_ptr<detail::EventsBackend> backend_;
};

/// One participant: accounts, contacts, shares, tubes. Any thread may call; nothing blocks except the destructor of
/// a node with a thread of its own, which joins it (bounded: 3 s) unless called on that thread. Handlers complete on
/// their associated executor, else on the node's, never inside the call. After fork() every operation in the child
/// fails with Errc::forked.
class TUBES_API Node {
public:
    Node() = default;
    explicit Node(std::shared_ptr<detail::NodeBackend> backend);
    Node(Node&&) noexcept = default;
    Node& operator=(Node&&) noexcept;
    /// Closes everything the node opened; outstanding operations end with Errc::cancelled.
    ~Node();

    boost::asio::any_io_executor get_executor() const;

    /// Logs an account in; completes when it is online. authentication_failed, certificate_rejected,
    /// network_unreachable, timed_out, already_exists; AccountInfo::detail says more. Signature: void(error_code,
    /// AccountInfo).
    template <class Token>
    auto async_login(LoginOptions options, Token&& token) {
        return start<AccountInfo>(&Node::start_login, std::move(options), std::forward<Token>(token));
    }
    /// Logs an account out; with `forget` also removes it and its password from the configuration; its identity key
    /// and pins stay. not_found. Signature: void(error_code).
    template <class Token>
    auto async_logout(std::string account, bool forget, Token&& token) {
        return start<>(&Node::start_logout, std::pair(std::move(account), forget), std::forward<Token>(token));
    }
    /// Completes when no account is connecting any more, or at the deadline. Signature: void(error_code,
    /// std::vector<AccountInfo>).
    template <class Token>
    auto async_wait_accounts(std::chrono::milliseconds deadline, Token&& token) {
        return start<std::vector<AccountInfo>>(&Node::start_wait_accounts, deadline, std::forward<Token>(token));
    }

    /// Everything at this moment. Signature: void(error_code, Status).
    template <class Token>
    auto async_status(Token&& token) {
        return start<Status>(&Node::start_status, 0, std::forward<Token>(token));
    }
    /// All contacts of all accounts. Signature: void(error_code, std::vector<ContactInfo>).
    template <class Token>
    auto async_contacts(Token&& token) {
        return start<std::vector<ContactInfo>>(&Node::start_contacts, 0, std::forward<Token>(token));
    }
    /// What a contact's devices offer to this user. Signature: void(error_code, std::vector<OfferedService>).
    template <class Token>
    auto async_services(std::string contact, Token&& token) {
        return start<std::vector<OfferedService>>(&Node::start_services, std::move(contact),
                                                  std::forward<Token>(token));
    }
    /// Asks to see a contact's presence (and allows ours). Signature: void(error_code).
    template <class Token>
    auto async_add_contact(std::string contact, Token&& token) {
        return start<>(&Node::start_add_contact, std::move(contact), std::forward<Token>(token));
    }
    /// Answers SubscriptionRequested. Signature: void(error_code).
    template <class Token>
    auto async_answer_contact(std::string contact, bool allow, Token&& token) {
        return start<>(&Node::start_answer_contact, std::pair(std::move(contact), allow), std::forward<Token>(token));
    }
    /// Removes a contact; its tubes close. Signature: void(error_code).
    template <class Token>
    auto async_remove_contact(std::string contact, Token&& token) {
        return start<>(&Node::start_remove_contact, std::move(contact), std::forward<Token>(token));
    }

    /// Shares a service until the Share goes. already_exists, invalid_argument, not_found (account).
    /// Signature: void(error_code, Share).
    template <class Token>
    auto async_share(ShareOptions options, Token&& token) {
        return start<Share>(&Node::start_share, std::move(options), std::forward<Token>(token));
    }
    /// Proposes one tube to one contact; the outcome comes as TubeOpened or OfferEnded. Signature: void(error_code,
    /// Share).
    template <class Token>
    auto async_offer(OfferOptions options, Token&& token) {
        return start<Share>(&Node::start_offer, std::move(options), std::forward<Token>(token));
    }
    /// Opens a tube to a contact's share. Waits for a device of the contact to come online and for the other user's
    /// answer, together at most the deadline: offline, not_connected (our own account) or timed_out then. Also
    /// not_available, refused, no_path, key_changed, identity_mismatch. Cancellable (asio cancellation slots).
    /// Signature: void(error_code, Tube).
    template <class Token>
    auto async_connect(ConnectOptions options, Token&& token) {
        return start<Tube>(&Node::start_connect, std::move(options), std::forward<Token>(token));
    }
    /// Accepts an offer, PendingInfo::id. As async_connect, and taken, withdrawn, expired. Signature:
    /// void(error_code, Tube).
    template <class Token>
    auto async_accept_offer(std::string id, Token&& token) {
        return start<Tube>(&Node::start_accept_offer, std::move(id), std::forward<Token>(token));
    }
    /// Takes charge of a tube that a standing "always" accepted without asking: TubeOpened::tube.id where `incoming`
    /// is false. not_found, also when it was taken before. Signature: void(error_code, Tube).
    template <class Token>
    auto async_take_tube(std::string id, Token&& token) {
        return start<Tube>(&Node::start_take_tube, std::move(id), std::forward<Token>(token));
    }
    /// Answers a request for one of our services, or rejects an offer. not_found. Signature: void(error_code).
    template <class Token>
    auto async_answer(std::string id, bool accept, Token&& token) {
        return start<>(&Node::start_answer, std::pair(std::move(id), accept), std::forward<Token>(token));
    }

    /// Round trip to each device of a contact; opens nothing. Signature: void(error_code, std::vector<PingInfo>).
    template <class Token>
    auto async_ping(std::string contact, std::chrono::milliseconds deadline, Token&& token) {
        return start<std::vector<PingInfo>>(&Node::start_ping, std::pair(std::move(contact), deadline),
                                            std::forward<Token>(token));
    }
    /// Examines what connections depend on: interfaces, accounts and their servers' features, the NAT's behaviour as
    /// the accounts' STUN servers see it (RFC 5780), relays. Contacts only servers that the user or the user's server
    /// named. Takes up to 10 s. Signature: void(error_code, std::vector<Finding>).
    template <class Token>
    auto async_diagnose(Token&& token) {
        return start<std::vector<Finding>>(&Node::start_diagnose, 0, std::forward<Token>(token));
    }
    /// Keys seen for a contact, with the digits to compare. Signature: void(error_code, std::vector<PinInfo>).
    template <class Token>
    auto async_pins(std::string contact, Token&& token) {
        return start<std::vector<PinInfo>>(&Node::start_pins, std::move(contact), std::forward<Token>(token));
    }
    /// Marks a key (PinInfo::device) verified, or forgets it and closes its tubes. Signature: void(error_code).
    template <class Token>
    auto async_set_pin(std::string contact, std::string device, bool verified, Token&& token) {
        return start<>(&Node::start_set_pin, PinChange{std::move(contact), std::move(device), verified},
                       std::forward<Token>(token));
    }
    /// A short string that both ends of a live link with the contact see alike. not_found without one.
    /// Signature: void(error_code, std::string).
    template <class Token>
    auto async_compare(std::string contact, Token&& token) {
        return start<std::string>(&Node::start_compare, std::move(contact), std::forward<Token>(token));
    }
    /// Sets the standing policy for a contact and service (empty: all services). Closes what it forbids. Kept.
    /// Signature: void(error_code).
    template <class Token>
    auto async_set_policy(std::string contact, std::string service, Policy policy, Token&& token) {
        return start<>(&Node::start_set_policy, PolicyChange{std::move(contact), std::move(service), policy},
                       std::forward<Token>(token));
    }

    /// A new subscription; events from now on.
    Events events();
    /// Closes everything; outstanding operations end with Errc::cancelled. Idempotent, not blocking.
    void close();

private:
    friend class Room;
    struct PinChange {
        std::string contact, device;
        bool verified;
    };
    struct PolicyChange {
        std::string contact, service;
        Policy policy;
    };
    using Backend = std::shared_ptr<detail::NodeBackend>;

    template <class... Results, class Function, class Argument, class Token>
    auto start(Function function, Argument argument, Token&& token) {
        return detail::initiate<Results...>(
            std::forward<Token>(token),
            [self = backend_, function, argument = std::move(argument)](auto handler) mutable {
                function(self, std::move(argument), std::move(handler));
            });
    }

    static void start_login(const Backend&, LoginOptions, detail::Handler<AccountInfo>);
    static void start_logout(const Backend&, std::pair<std::string, bool>, detail::Handler<>);
    static void start_wait_accounts(const Backend&, std::chrono::milliseconds,
                                    detail::Handler<std::vector<AccountInfo>>);
    static void start_status(const Backend&, int, detail::Handler<Status>);
    static void start_contacts(const Backend&, int, detail::Handler<std::vector<ContactInfo>>);
    static void start_services(const Backend&, std::string, detail::Handler<std::vector<OfferedService>>);
    static void start_add_contact(const Backend&, std::string, detail::Handler<>);
    static void start_answer_contact(const Backend&, std::pair<std::string, bool>, detail::Handler<>);
    static void start_remove_contact(const Backend&, std::string, detail::Handler<>);
    static void start_share(const Backend&, ShareOptions, detail::Handler<Share>);
    static void start_offer(const Backend&, OfferOptions, detail::Handler<Share>);
    static void start_connect(const Backend&, ConnectOptions, detail::Handler<Tube>);
    static void start_accept_offer(const Backend&, std::string, detail::Handler<Tube>);
    static void start_take_tube(const Backend&, std::string, detail::Handler<Tube>);
    static void start_answer(const Backend&, std::pair<std::string, bool>, detail::Handler<>);
    static void start_ping(const Backend&, std::pair<std::string, std::chrono::milliseconds>,
                           detail::Handler<std::vector<PingInfo>>);
    static void start_diagnose(const Backend&, int, detail::Handler<std::vector<Finding>>);
    static void start_pins(const Backend&, std::string, detail::Handler<std::vector<PinInfo>>);
    static void start_set_pin(const Backend&, PinChange, detail::Handler<>);
    static void start_compare(const Backend&, std::string, detail::Handler<std::string>);
    static void start_set_policy(const Backend&, PolicyChange, detail::Handler<>);

    Backend backend_;
};

}  // namespace v0
}  // namespace tubes
