// SPDX-License-Identifier: GPL-3.0-or-later
// Start, clock and callbacks of usrsctp.
#include "transports/sctp/sctp_stack.hpp"

#include <boost/asio/post.hpp>
#include <usrsctp.h>

#include <utility>

#include "transports/sctp/sctp_socket.hpp"

namespace tubes::transports {
namespace {

/// What usrsctp itself keeps once a process; the named exception to "no globals".
struct Process {
    std::mutex mutex;
    std::weak_ptr<SctpStack> stack;
    SctpStack* entered = nullptr;  ///< The living stack, for callbacks, which usrsctp gives no context for.
    bool started = false;
};

Process& process() {
    static Process value;
    return value;
}

/// Largest SCTP packet that is sent; more would be a defect of usrsctp.
constexpr std::size_t kLargestPacket = 64 * 1024;

}  // namespace

struct SctpCallbacks {
    static SctpEvents* events(SctpId id) {
        auto* stack = process().entered;
        return stack == nullptr ? nullptr : stack->touch(id);
    }

    static int output(void* address, void* data, size_t size, std::uint8_t /*tos*/, std::uint8_t /*set_df*/) {
        auto* out = events(reinterpret_cast<SctpId>(address));
        if (out == nullptr || size > kLargestPacket) return 0;
        const auto* bytes = static_cast<const std::uint8_t*>(data);
        out->packets.insert(out->packets.end(), bytes, bytes + size);
        out->packet_sizes.push_back(static_cast<std::uint32_t>(size));
        return 0;
    }

    static int receive(struct socket* /*socket*/, union sctp_sockstore /*from*/, void* data, size_t size,
                       struct sctp_rcvinfo info, int flags, void* context) {
        SctpInput input;
        input.data.reset(data);
        auto* out = events(reinterpret_cast<SctpId>(context));
        if (out == nullptr) return 1;
        input.size = size;
        input.stream = info.rcv_sid;
        input.protocol = ntohl(info.rcv_ppid);
        input.notification = (flags & MSG_NOTIFICATION) != 0;
        input.last = (flags & MSG_EOR) != 0;
        out->inputs.push_back(std::move(input));
        return 1;
    }

    static int acknowledged(struct socket* /*socket*/, std::uint32_t free_space, void* context) {
        if (auto* out = events(reinterpret_cast<SctpId>(context))) out->free_space = free_space;
        return 1;
    }

    /// Whoever owns the association reads when it is told that something happened.
    static void waiting(struct socket* /*socket*/, void* context, int /*flags*/) {
        events(reinterpret_cast<SctpId>(context));
    }
};

void SctpEvents::clear() noexcept {
    packets.clear();
    packet_sizes.clear();
    inputs.clear();
    free_space.reset();
}

const SctpSocketCallbacks& sctp_socket_callbacks() noexcept {
    static constexpr SctpSocketCallbacks kCallbacks{&SctpCallbacks::receive, &SctpCallbacks::acknowledged,
                                                    &SctpCallbacks::waiting};
    return kCallbacks;
}

std::shared_ptr<SctpStack> SctpStack::acquire() {
    auto& global = process();
    const std::lock_guard lock(global.mutex);
    if (auto existing = global.stack.lock()) return existing;
    if (!global.started) {
        usrsctp_init_nothreads(0, &SctpCallbacks::output, nullptr);
        configure_sctp();
        global.started = true;
    }
    std::shared_ptr<SctpStack> created(new SctpStack);
    global.stack = created;
    global.entered = created.get();
    return created;
}

SctpStack::SctpStack() : clock_(std::chrono::steady_clock::now()) {}

SctpStack::~SctpStack() {
    auto& global = process();
    const std::lock_guard lock(global.mutex);
    if (global.entered != this) return;  // The next one took over before we got here.
    global.entered = nullptr;
    // Fails while a socket is still being taken down; then the next user finds usrsctp running.
    if (usrsctp_finish() == 0) global.started = false;
}

SctpId SctpStack::add(std::weak_ptr<SctpUser> user, boost::asio::any_io_executor executor) {
    const std::lock_guard lock(mutex_);
    const auto id = next_id_++;
    entries_.emplace(id, Entry{std::move(user), std::move(executor), {}, false});
    return id;
}

void SctpStack::remove(SctpId id) {
    const std::lock_guard lock(mutex_);
    entries_.erase(id);
}

void SctpStack::advance_clock() {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - clock_);
    if (elapsed < kTick) return;
    clock_ += elapsed;
    usrsctp_handle_timers(static_cast<std::uint32_t>(elapsed.count()));
}

SctpEvents* SctpStack::touch(SctpId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return nullptr;
    if (!found->second.dirty) {
        found->second.dirty = true;
        dirty_.push_back(id);
    }
    return &found->second.events;
}

void SctpStack::take(SctpId self, SctpEvents& events, Announcements& announcements) {
    if (const auto found = entries_.find(self); found != entries_.end()) {
        std::swap(events, found->second.events);
        found->second.dirty = false;
    }
    for (const auto id : dirty_) {
        const auto found = id == self ? entries_.end() : entries_.find(id);
        if (found == entries_.end()) continue;
        found->second.dirty = false;
        announcements.push_back({found->second.user, found->second.executor});
    }
    dirty_.clear();
}

void SctpStack::announce(const Announcements& announcements) {
    for (const auto& each : announcements) {
        boost::asio::post(each.executor, [user = each.user] {
            if (const auto alive = user.lock()) alive->on_sctp_events();
        });
    }
}

}  // namespace tubes::transports
