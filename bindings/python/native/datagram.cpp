// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/datagram.hpp: datagrams from and to Python's memory.
#include "tubes/datagram.hpp"

#include "bindings/python/native/held.hpp"

namespace tubes::python {
namespace {

class PythonFlow final : public Held<DatagramFlow> {
public:
    using Held::Held;

    std::size_t max_size() const { return is_closed() ? 0 : connection().max_size(); }
    std::size_t packet_size() const { return is_closed() ? 0 : connection().packet_size(); }

    /// Sends one datagram, which is copied before this returns; the result is its size.
    Ticket send(Completions& completions, const py::object& datagram) {
        check_open();
        Pins pins;
        const auto bytes = pins.pin_for_reading(datagram);
        return completions.begin<std::size_t>(
            Pins(), [this, bytes](auto handler) { connection().async_send(bytes, keeping(std::move(handler))); });
    }
    /// The next datagram as a bytes object, which has room for every datagram that the tube carries.
    Ticket receive(Completions& completions) {
        check_open();
        Pins pins;
        const auto buffer = pins.pin_fresh(kLargestDatagram);
        return completions.begin<std::size_t>(std::move(pins), [this, buffer](auto handler) {
            connection().async_receive(buffer, keeping(std::move(handler)));
        });
    }

private:
    static constexpr std::size_t kLargestDatagram = 65535;  // of UDP
};

}  // namespace

py::object to_python(DatagramFlow&& flow) {
    return py::cast(std::make_unique<PythonFlow>(std::move(flow)));
}

void bind_datagram(py::module_& module) {
    py::class_<PythonFlow>(module, "DatagramFlow")
        .def_property_readonly("is_open", &PythonFlow::is_open)
        .def_property_readonly("max_size", &PythonFlow::max_size)
        .def_property_readonly("packet_size", &PythonFlow::packet_size)
        .def("send", &PythonFlow::send, py::arg("completions"), py::arg("datagram"))
        .def("receive", &PythonFlow::receive, py::arg("completions"))
        .def("cancel", &PythonFlow::cancel)
        .def("close", &PythonFlow::close);
}

}  // namespace tubes::python
