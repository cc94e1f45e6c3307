// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/endpoint.hpp.
#include "tubes/endpoint.hpp"

#include "bindings/python/native/bind.hpp"

namespace tubes::python {

py::object to_python(const Endpoint& endpoint) {
    return py::cast(endpoint);
}

void bind_endpoint(py::module_& module) {
    py::class_<Endpoint>(module, "Endpoint",
                         "Where a program meets a tube on its own machine: what a share leads to, or where a tube's "
                         "listener stands.")
        .def_static("in_process", &Endpoint::in_process, "This program reads and writes the streams itself.")
        .def_static("tcp", &Endpoint::tcp, py::arg("host"), py::arg("port"),
                    "A host and a port; listening with port 0 picks a free one.")
        .def_static("udp", &Endpoint::udp, py::arg("host"), py::arg("port"),
                    "A host and a port for datagrams; listening with port 0 picks a free one.")
        .def_static("unix_path", &Endpoint::unix_path, py::arg("path"), "A Unix socket in the file system.")
        .def_static("unix_abstract", &Endpoint::unix_abstract, py::arg("name"), "A Unix socket without a file.")
        .def_static("descriptors", &Endpoint::descriptors, py::arg("input"), py::arg("output"),
                    "Two open descriptors, borrowed.")
        .def_static(
            "dbus",
            [](std::string path, bool any_user) {
                auto bus = Endpoint::dbus(std::move(path));
                bus.any_user = any_user;
                return bus;
            },
            py::arg("path") = "", py::kw_only(), py::arg("any_user") = false,
            "A private D-Bus, on which programs of this side meet those of the other. Without a path: a socket below "
            "the "
            "node's runtime directory. any_user: lets in programs of every user of this machine.")
        .def_static(
            "parse", [](const std::string& text) { return value_or_raise(Endpoint::parse(text)); }, py::arg("text"),
            "Reads '8080', 'host:8080', '[::1]:8080', 'unix:/run/app.sock', 'unix:@name', and 'udp:' before a port or "
            "host and port; 'dbus:' and 'dbus:/run/app.bus' are a D-Bus. Else InvalidArgument.")
        .def_property_readonly(
            "tube_kind", [](const Endpoint& self) { return to_python(self.tube_kind()); },
            "The kind of tube that leads to, or is reached at, an endpoint like this.")
        .def_property_readonly("bus_address", &Endpoint::bus_address,
                               "Of a bus with a path: the address that D-Bus libraries take, as in "
                               "DBUS_SESSION_BUS_ADDRESS. Else empty.")
        .def("to_string", &Endpoint::to_string, "The form that parse() reads.")
        .def_property_readonly("kind",
                               [](const Endpoint& self) { return member("EndpointKind", static_cast<int>(self.kind)); })
        .def_readonly("host", &Endpoint::host)
        .def_readonly("port", &Endpoint::port)
        .def_readonly("path", &Endpoint::path)
        .def_readonly("input", &Endpoint::input)
        .def_readonly("output", &Endpoint::output)
        .def_readonly("any_user", &Endpoint::any_user)
        .def("__str__", &Endpoint::to_string)
        .def("__repr__", [](const Endpoint& self) { return "Endpoint('" + self.to_string() + "')"; });
}

}  // namespace tubes::python
