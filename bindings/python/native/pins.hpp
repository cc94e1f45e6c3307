// SPDX-License-Identifier: GPL-3.0-or-later
// Memory of Python objects that an operation reads or writes in place while it is in flight.
#pragma once

#include <pybind11/pybind11.h>

#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <vector>

namespace tubes::python {

namespace py = pybind11;

/// Keeps buffers exported, so that they neither move nor go. Made and dropped with Python's lock held.
class Pins {
public:
    Pins() = default;
    Pins(Pins&& other) noexcept;
    Pins& operator=(Pins&&) = delete;
    Pins(const Pins&) = delete;
    ~Pins();

    /// Pins any object of the buffer protocol; throws what Python says where it is none, or not writable.
    boost::asio::const_buffer pin_for_reading(const py::handle& object);
    boost::asio::mutable_buffer pin_for_writing(const py::handle& object);
    /// A fresh bytes object to be filled; take_filled() gives it, cut to what was filled.
    boost::asio::mutable_buffer pin_fresh(std::size_t size);
    bool has_fresh() const { return fresh_ != nullptr; }
    py::object take_filled(std::size_t size);
    /// An operation may still use the memory and nobody can be told when it has ended: it is kept for good.
    void abandon();

private:
    Py_buffer& add(const py::handle& object, int flags);

    std::vector<Py_buffer> views_;
    PyObject* fresh_ = nullptr;
};

}  // namespace tubes::python
