// SPDX-License-Identifier: GPL-3.0-or-later
// The private module tubes._native: the public C++ API, operation by operation. The package tubes stands over it.
#include "bindings/python/native/bind.hpp"

namespace tubes::python {
namespace {

void bind_completions(py::module_& module) {
    py::class_<Completions>(module, "Completions")
        .def(py::init<>())
        .def("fileno", &Completions::fileno)
        .def("drain", &Completions::drain)
        .def("cancel", &Completions::cancel, py::arg("ticket"))
        .def_property_readonly("in_flight", &Completions::in_flight);
}

}  // namespace
}  // namespace tubes::python

PYBIND11_MODULE(_native, module) {
    using namespace tubes::python;
    module.attr("__version__") = TUBES_VERSION;
    bind_completions(module);
    bind_error(module);
    bind_types(module);
    bind_endpoint(module);
    bind_config(module);
    bind_stream(module);
    bind_datagram(module);
    bind_node(module);
    bind_room(module);
    bind_engine(module);
}
