// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/stream.hpp: reads and writes straight from and to Python's memory.
#include "tubes/stream.hpp"

#include <boost/asio/write.hpp>

#include "bindings/python/native/held.hpp"

namespace tubes::python {
namespace {

// What the buffers of one write may be: as many as an operation of the library looks at.
constexpr std::size_t kMaxBuffers = 64;

class PythonStream final : public Held<Stream> {
public:
    using Held::Held;

    /// Reads at least one byte into a fresh bytes object of at most `size`, which is the result.
    Ticket read(Completions& completions, std::size_t size) {
        Pins pins;
        const auto buffer = pins.pin_fresh(size);
        return begin_read(completions, std::move(pins), buffer);
    }
    /// Reads at least one byte into the caller's memory; the result is their number.
    Ticket read_into(Completions& completions, const py::object& target) {
        Pins pins;
        const auto buffer = pins.pin_for_writing(target);
        return begin_read(completions, std::move(pins), buffer);
    }
    /// Writes everything of up to 64 buffers in one operation; the result is the number of bytes.
    Ticket write(Completions& completions, const py::sequence& parts) {
        check_open();
        if (parts.size() > kMaxBuffers) throw py::value_error("at most 64 buffers");
        Pins pins;
        std::vector<boost::asio::const_buffer> buffers;
        for (const auto& part : parts) buffers.push_back(pins.pin_for_reading(part));
        return completions.begin<std::size_t>(std::move(pins), [this, &buffers](auto handler) {
            boost::asio::async_write(connection(), std::move(buffers), keeping(std::move(handler)));
        });
    }
    void shutdown_send() {
        if (!is_closed()) connection().shutdown_send();
    }

private:
    Ticket begin_read(Completions& completions, Pins pins, boost::asio::mutable_buffer buffer) {
        check_open();
        return completions.begin<std::size_t>(std::move(pins), [this, buffer](auto handler) {
            connection().async_read_some(buffer, keeping(std::move(handler)));
        });
    }
};

}  // namespace

py::object to_python(Stream&& stream) {
    return py::cast(std::make_unique<PythonStream>(std::move(stream)));
}

void bind_stream(py::module_& module) {
    py::class_<PythonStream>(module, "Stream")
        .def("is_open", &PythonStream::is_open)
        .def("read", &PythonStream::read, py::arg("completions"), py::arg("size"))
        .def("read_into", &PythonStream::read_into, py::arg("completions"), py::arg("target"))
        .def("write", &PythonStream::write, py::arg("completions"), py::arg("parts"))
        .def("shutdown_send", &PythonStream::shutdown_send)
        .def("cancel", &PythonStream::cancel)
        .def("close", &PythonStream::close);
}

}  // namespace tubes::python
