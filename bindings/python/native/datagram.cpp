// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/datagram.hpp: datagrams from and to Python's memory.
#include "tubes/datagram.hpp"

#include <boost/asio/post.hpp>

#include "bindings/python/native/bind.hpp"

namespace tubes::python {
namespace {

/// A flow whose operations hold it until they end, as PythonStream holds its stream.
class PythonFlow {
public:
    explicit PythonFlow(DatagramFlow flow) : flow_(std::make_shared<DatagramFlow>(std::move(flow))) {}

    bool is_open() const { return !closed_ && flow_->is_open(); }
    std::size_t max_size() const { return closed_ ? 0 : flow_->max_size(); }
    std::size_t packet_size() const { return closed_ ? 0 : flow_->packet_size(); }

    /// Sends one datagram, which is copied before this returns; the result is its size.
    Ticket send(Completions& completions, const py::object& datagram) {
        check_open();
        Pins pins;
        const auto bytes = pins.pin_for_reading(datagram);
        return completions.begin<std::size_t>(
            Pins(), [this, bytes](auto handler) { flow_->async_send(bytes, keeping(std::move(handler))); });
    }
    /// The next datagram as a bytes object, which has room for every datagram that the tube carries.
    Ticket receive(Completions& completions) {
        check_open();
        Pins pins;
        const auto buffer = pins.pin_fresh(kLargestDatagram);
        return completions.begin<std::size_t>(std::move(pins), [this, buffer](auto handler) {
            flow_->async_receive(buffer, keeping(std::move(handler)));
        });
    }
    void cancel() {
        if (!closed_) flow_->cancel();
    }
    void close() {
        if (std::exchange(closed_, true)) return;
        boost::asio::post(flow_->get_executor(), [held = flow_] { held->close(); });
    }

private:
    static constexpr std::size_t kLargestDatagram = 65535;  // of UDP

    void check_open() const {
        if (!is_open()) raise(make_error_code(Errc::cancelled));
    }
    template <class Handler>
    auto keeping(Handler handler) {
        const auto slot = boost::asio::get_associated_cancellation_slot(handler);
        return boost::asio::bind_cancellation_slot(
            slot, [held = flow_, inner = std::move(handler)](error_code reason, std::size_t bytes) mutable {
                inner(reason, bytes);
            });
    }

    std::shared_ptr<DatagramFlow> flow_;
    bool closed_ = false;
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
