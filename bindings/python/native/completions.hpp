// SPDX-License-Identifier: GPL-3.0-or-later
// Finished operations on their way from the node's thread to Python's: a queue behind a descriptor that an event loop
// watches. The node's thread never touches Python nor its lock, so nothing can go wrong there at interpreter exit,
// with a closed loop or with operations in flight; many completions are one wake-up.
#pragma once

#include <pybind11/pybind11.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bindings/python/native/convert.hpp"
#include "bindings/python/native/pins.hpp"
#include "tubes/error.hpp"

namespace tubes::python {

namespace py = pybind11;
using Ticket = std::uint64_t;

/// What an operation ended with, kept in C++ until Python asks for it. Dropped on any thread.
class Outcome {
public:
    virtual ~Outcome() = default;
    /// With Python's lock.
    virtual py::object take() = 0;
};

template <class Value>
class ValueOutcome final : public Outcome {
public:
    explicit ValueOutcome(Value value) : value_(std::move(value)) {}
    py::object take() override { return to_python(std::move(value_)); }

private:
    Value value_;
};

inline std::unique_ptr<Outcome> make_outcome() {
    return nullptr;
}
template <class Value>
std::unique_ptr<Outcome> make_outcome(Value value) {
    return std::make_unique<ValueOutcome<Value>>(std::move(value));
}

/// Used with Python's lock held, except for what operations in flight hold of it.
class Completions {
public:
    Completions();
    ~Completions();
    Completions(const Completions&) = delete;
    Completions& operator=(const Completions&) = delete;

    /// Readable while something is finished.
    int fileno() const;
    /// What finished: (ticket, Errc or 0, the error's text, value).
    py::list drain();
    /// Cancels one operation through its cancellation slot; it still ends once.
    void cancel(Ticket ticket);
    /// Where the node runs: cancelling goes there.
    void attach(boost::asio::any_io_executor executor) { executor_ = std::move(executor); }
    std::size_t in_flight() const { return entries_.size(); }

    /// Starts an operation: `start(handler)` with a handler of signature void(error_code, Values...). `pins` stay
    /// until it has ended.
    template <class... Values, class Start>
    Ticket begin(Pins pins, Start start) {
        auto operation = std::make_shared<Operation>();
        const Ticket ticket = ++last_;
        entries_.emplace(ticket, Entry{operation, std::move(pins)});
        auto handler = [state = state_, operation, ticket](error_code reason, Values... values) {
            state->push({ticket, reason, make_outcome(std::move(values)...)});
        };
        start(boost::asio::bind_cancellation_slot(operation->signal.slot(), std::move(handler)));
        return ticket;
    }

private:
    struct Operation {
        boost::asio::cancellation_signal signal;
    };
    struct Entry {
        std::shared_ptr<Operation> operation;
        Pins pins;
    };
    struct Finished {
        Ticket ticket;
        error_code reason;
        std::unique_ptr<Outcome> outcome;
    };
    // Shared with operations in flight, which may outlive the Python object.
    class State {
    public:
        State();
        ~State();
        void push(Finished finished);
        std::vector<Finished> take();
        int fileno() const { return descriptor_; }

    private:
        std::mutex mutex_;
        std::vector<Finished> queue_;
        int descriptor_;
    };

    std::shared_ptr<State> state_;
    std::unordered_map<Ticket, Entry> entries_;
    boost::asio::any_io_executor executor_;
    Ticket last_ = 0;
};

}  // namespace tubes::python
