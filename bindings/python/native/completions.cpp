// SPDX-License-Identifier: GPL-3.0-or-later
// The queue of finished operations.
#include "bindings/python/native/completions.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>

#include "bindings/python/native/convert.hpp"

namespace tubes::python {

Completions::State::State() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Completions::State::~State() {
    ::close(descriptor_);
}

void Completions::State::push(Finished finished) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(finished));
    if (queue_.size() == 1) ::eventfd_write(descriptor_, 1);
}

std::vector<Completions::Finished> Completions::State::take() {
    const std::lock_guard lock(mutex_);
    eventfd_t count = 0;
    ::eventfd_read(descriptor_, &count);
    return std::exchange(queue_, {});
}

Completions::Completions() : state_(std::make_shared<State>()) {}

Completions::~Completions() {
    // Nothing is converted any more: the interpreter may be ending.
    for (const auto& each : state_->take()) entries_.erase(each.ticket);
    for (auto& [ticket, entry] : entries_) entry.pins.abandon();
}

int Completions::fileno() const {
    return state_->fileno();
}

py::list Completions::drain() {
    py::list finished;
    for (auto& each : state_->take()) {
        const auto found = entries_.find(each.ticket);
        if (found == entries_.end()) continue;
        py::object value = each.outcome && !each.reason ? each.outcome->take() : py::none();
        auto& pins = found->second.pins;
        if (pins.has_fresh() && !each.reason) value = pins.take_filled(value.cast<std::size_t>());
        entries_.erase(found);
        finished.append(py::make_tuple(each.ticket, code_of(each.reason), each.reason.message(), value));
    }
    return finished;
}

void Completions::cancel(Ticket ticket) {
    const auto found = entries_.find(ticket);
    if (found == entries_.end() || !executor_) return;
    // On the node's thread, which connects and clears the slot.
    boost::asio::post(executor_, [operation = found->second.operation] {
        operation->signal.emit(boost::asio::cancellation_type::terminal);
    });
}

}  // namespace tubes::python
