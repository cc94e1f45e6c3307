// SPDX-License-Identifier: GPL-3.0-or-later
// What each file of this folder adds to the module, one per public header.
#pragma once

#include <pybind11/pybind11.h>

#include <stdexcept>

#include "bindings/python/native/completions.hpp"
#include "bindings/python/native/convert.hpp"

namespace tubes::python {

void bind_error(py::module_& module);
void bind_types(py::module_& module);
void bind_endpoint(py::module_& module);
void bind_config(py::module_& module);
void bind_stream(py::module_& module);
void bind_datagram(py::module_& module);
void bind_node(py::module_& module);
void bind_room(py::module_& module);
void bind_engine(py::module_& module);

/// The destructor of a node joins its thread: not with Python's lock.
struct WithoutLock {
    void operator()(Node* node) const {
        const py::gil_scoped_release without_lock;
        delete node;
    }
};

/// Throws the Python exception of tubes.errors that stands for an error.
[[noreturn]] void raise(error_code reason);

/// The value, or its error as a Python exception.
template <class Value>
Value value_or_raise(result<Value> outcome) {
    if (!outcome) raise(outcome.error());
    return std::move(*outcome);
}

}  // namespace tubes::python
