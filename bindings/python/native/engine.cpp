// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/engine.hpp: opening a node.
#include "tubes/engine.hpp"

#include <pybind11/stl.h>

#include "bindings/python/native/bind.hpp"
#include "bindings/python/native/node_options.hpp"

namespace tubes::python {

void bind_engine(py::module_& module) {
    module.def("open_node", [](const PythonNodeOptions& given) {
        auto options = to_options(given);
        auto opened = [&options] {
            const py::gil_scoped_release without_lock;
            return open_node(std::move(options));
        }();
        return std::unique_ptr<Node, WithoutLock>(new Node(value_or_raise(std::move(opened))));
    });
}

}  // namespace tubes::python
