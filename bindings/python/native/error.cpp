// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/error.hpp: errors become numbers here and classes in tubes.errors.
#include <boost/asio/error.hpp>

#include "bindings/python/native/bind.hpp"

namespace tubes::python {
namespace {

// Asio's categories are compared by address, and every shared library has its own: by name, then.
bool is_end_of_file(error_code reason) {
    return reason.value() == boost::asio::error::eof && std::string_view(reason.category().name()) == "asio.misc";
}

}  // namespace

int code_of(error_code reason) {
    if (!reason) return 0;
    if (reason.category() == tubes_category()) return reason.value();
    if (is_end_of_file(reason)) return static_cast<int>(Errc::end_of_stream);
    if (reason == boost::asio::error::operation_aborted) return static_cast<int>(Errc::cancelled);
    if (reason == boost::system::errc::connection_reset) return static_cast<int>(Errc::connection_reset);
    if (reason == boost::system::errc::broken_pipe) return static_cast<int>(Errc::broken);
    if (reason == boost::system::errc::connection_refused) return static_cast<int>(Errc::connection_refused);
    if (reason == boost::system::errc::address_in_use) return static_cast<int>(Errc::address_in_use);
    if (reason == boost::system::errc::timed_out) return static_cast<int>(Errc::timed_out);
    return static_cast<int>(Errc::internal);
}

void raise(error_code reason) {
    const auto make = py::module_::import("tubes.errors").attr("make_error");
    const py::object error = make(code_of(reason), reason.message());
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    throw py::error_already_set();
}

py::object to_python(error_code reason) {
    if (!reason) return py::none();
    return py::module_::import("tubes.errors").attr("make_error")(code_of(reason), reason.message());
}

py::object to_python(Errc reason) {
    return py::module_::import("tubes.errors").attr("Errc")(static_cast<int>(reason));
}

void bind_error(py::module_& module) {
    module.def(
        "message", [](int code) { return make_error_code(static_cast<Errc>(code)).message(); }, py::arg("code"));
}

}  // namespace tubes::python
