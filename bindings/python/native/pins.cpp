// SPDX-License-Identifier: GPL-3.0-or-later
// Memory of Python objects that an operation reads or writes in place while it is in flight.
#include "bindings/python/native/pins.hpp"

#include <utility>

namespace tubes::python {

Pins::Pins(Pins&& other) noexcept
    : views_(std::exchange(other.views_, {})), fresh_(std::exchange(other.fresh_, nullptr)) {}

Pins::~Pins() {
    for (auto& view : views_) PyBuffer_Release(&view);
    Py_XDECREF(fresh_);
}

Py_buffer& Pins::add(const py::handle& object, int flags) {
    Py_buffer view{};
    if (PyObject_GetBuffer(object.ptr(), &view, flags) != 0) throw py::error_already_set();
    views_.push_back(view);
    return views_.back();
}

boost::asio::const_buffer Pins::pin_for_reading(const py::handle& object) {
    const auto& view = add(object, PyBUF_SIMPLE);
    return {view.buf, static_cast<std::size_t>(view.len)};
}

boost::asio::mutable_buffer Pins::pin_for_writing(const py::handle& object) {
    const auto& view = add(object, PyBUF_WRITABLE);
    return {view.buf, static_cast<std::size_t>(view.len)};
}

boost::asio::mutable_buffer Pins::pin_fresh(std::size_t size) {
    fresh_ = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
    if (fresh_ == nullptr) throw py::error_already_set();
    return {PyBytes_AS_STRING(fresh_), size};
}

py::object Pins::take_filled(std::size_t size) {
    if (_PyBytes_Resize(&fresh_, static_cast<Py_ssize_t>(size)) != 0) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(std::exchange(fresh_, nullptr));
}

void Pins::abandon() {
    views_.clear();
    fresh_ = nullptr;
}

}  // namespace tubes::python
