// SPDX-License-Identifier: GPL-3.0-or-later
// The process's one usrsctp: who may be inside it, its clock, and the way its callbacks come out again.
// Spec: RFC 9260; RFC 8261 (SCTP over DTLS). For files inside transports/ only.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "tubes/core/ids.hpp"

namespace tubes::transports {

/// Names an association towards usrsctp, in place of an address. Never used twice in a process, never 0.
using SctpId = std::uint64_t;

/// What usrsctp received for one association: a message, a piece of one, or a notification (RFC 6458 §6.1).
struct SctpInput {
    struct Free {
        void operator()(void* message) const noexcept { std::free(message); }
    };
    std::unique_ptr<void, Free> data;  ///< Null at the end of the association.
    std::size_t size = 0;
    std::uint16_t stream = 0;
    std::uint32_t protocol = 0;  ///< Payload protocol identifier (RFC 8831 §8), host order.
    bool notification = false;
    bool last = false;  ///< The message is complete.

    core::ByteView view() const noexcept { return {static_cast<const std::uint8_t*>(data.get()), size}; }
};

/// What came out of usrsctp for one association during one entry.
struct SctpEvents {
    core::Bytes packets;  ///< SCTP packets to send, one after the other.
    std::vector<std::uint32_t> packet_sizes;
    std::vector<SctpInput> inputs;
    std::optional<std::uint32_t> free_space;  ///< Of the send buffer, in bytes, as of the last acknowledgement.

    bool empty() const noexcept { return packet_sizes.empty() && inputs.empty() && !free_space; }
    void clear() noexcept;
};

/// Whoever owns an association; told by a posted call that events wait for it.
class SctpUser {
public:
    /// Something came out of usrsctp while another association, or the clock, was inside. Runs on the user's executor.
    virtual void on_sctp_events() = 0;

protected:
    ~SctpUser() = default;
};

/// usrsctp has one set of global tables and locks for a process, and versions up to 0.9.5 can deadlock or touch freed
/// memory when they are entered by two threads. So one object, counted by its users and shared by all loops, lets one
/// thread in at a time (the one mutex below the engine, see ARCHITECTURE.md "Threads"). usrsctp's callbacks only write
/// into the association's events; nothing of ours is called while the mutex is held. Safe on any thread.
class SctpStack {
public:
    /// The stack of this process; starts usrsctp if nobody uses it yet. Throws std::bad_alloc only.
    static std::shared_ptr<SctpStack> acquire();
    ~SctpStack();
    SctpStack(const SctpStack&) = delete;
    SctpStack& operator=(const SctpStack&) = delete;

    /// Makes an association known; its events are announced to `user` on `executor`.
    SctpId add(std::weak_ptr<SctpUser> user, boost::asio::any_io_executor executor);
    /// Forgets it and its events. usrsctp's later callbacks for it find nobody.
    void remove(SctpId id);

    /// Runs `body`, which may call usrsctp, with nobody else inside, and swaps what came out for `self` into `events`
    /// (which was cleared by the caller). Events of others are announced to them. Advances usrsctp's clock first.
    template <class Body>
    void enter(SctpId self, SctpEvents& events, Body&& body) {
        Announcements announcements;
        {
            const std::lock_guard lock(mutex_);
            advance_clock();
            std::forward<Body>(body)();
            take(self, events, announcements);
        }
        announce(announcements);
    }

    /// Lets usrsctp's timers fire. Somebody has to come this often while data is in flight.
    static constexpr std::chrono::milliseconds kTick{10};

private:
    struct Entry {
        std::weak_ptr<SctpUser> user;
        boost::asio::any_io_executor executor;
        SctpEvents events;
        bool dirty = false;
    };
    struct Announcement {
        std::weak_ptr<SctpUser> user;
        boost::asio::any_io_executor executor;
    };
    using Announcements = std::vector<Announcement>;
    friend struct SctpCallbacks;

    SctpStack();
    void advance_clock();
    void take(SctpId self, SctpEvents& events, Announcements& announcements);
    static void announce(const Announcements& announcements);
    SctpEvents* touch(SctpId id);

    std::mutex mutex_;
    std::chrono::steady_clock::time_point clock_;
    SctpId next_id_ = 1;
    std::unordered_map<SctpId, Entry> entries_;
    std::vector<SctpId> dirty_;
};

}  // namespace tubes::transports
