// SPDX-License-Identifier: GPL-3.0-or-later
// Values of the public API as Python sees them: data classes and enumerations of tubes.types.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tubes/config.hpp"
#include "tubes/endpoint.hpp"
#include "tubes/error.hpp"
#include "tubes/node.hpp"
#include "tubes/room.hpp"

namespace tubes::python {

namespace py = pybind11;

/// 0 for success, else the Errc; what is no error of this library becomes the nearest one.
int code_of(error_code reason);

/// A member of an enumeration of tubes.types.
py::object member(const char* enumeration, int value);

py::object to_python(const std::string& text);
py::object to_python(std::string_view text);
py::object to_python(bool value);
py::object to_python(std::size_t value);
py::object to_python(std::uint32_t value);
py::object to_python(std::chrono::microseconds value);
py::object to_python(std::chrono::seconds value);
py::object to_python(std::chrono::system_clock::time_point value);
py::object to_python(const Parameters& parameters);
py::object to_python(error_code reason);
py::object to_python(Errc reason);
py::object to_python(TubeKind kind);
py::object to_python(PathKind kind);
py::object to_python(Policy policy);
py::object to_python(AccountState state);
py::object to_python(KeyStanding standing);
py::object to_python(Finding::Severity severity);
py::object to_python(const Endpoint& endpoint);

py::object to_python(const AccountInfo& info);
py::object to_python(const PeerInfo& info);
py::object to_python(const ContactInfo& info);
py::object to_python(const OfferedService& info);
py::object to_python(const PendingInfo& info);
py::object to_python(const Phase& info);
py::object to_python(const TubeInfo& info);
py::object to_python(const PathInfo& info);
py::object to_python(const LinkInfo& info);
py::object to_python(const ShareInfo& info);
py::object to_python(const Status& info);
py::object to_python(const PinInfo& info);
py::object to_python(const PingInfo& info);
py::object to_python(const Finding& info);
py::object to_python(const ConfigValue& info);
py::object to_python(const Event& event);

py::object to_python(const OccupantInfo& info);
py::object to_python(const RoomInfo& info);
py::object to_python(const RoomEvent& event);

py::object to_python(Share&& share);
py::object to_python(Listener&& listener);
py::object to_python(Tube&& tube);
py::object to_python(Stream&& stream);
py::object to_python(DatagramFlow&& flow);
py::object to_python(Room&& room);

template <class Value>
py::object to_python(const std::vector<Value>& values) {
    py::list list;
    for (const auto& value : values) list.append(to_python(value));
    return py::tuple(list);
}
template <class Value>
py::object to_python(const std::optional<Value>& value) {
    return value ? to_python(*value) : py::none();
}

/// Builds a data class of tubes.types member by member.
class Record {
public:
    explicit Record(const char* name) : name_(name) {}
    template <class Value>
    Record& set(const char* member, const Value& value) {
        fields_[member] = to_python(value);
        return *this;
    }
    py::object make() const;

private:
    const char* name_;
    py::dict fields_;
};

/// Text, bytes, whole numbers and truth values; throws ValueError for others and for what check_parameters refuses.
Parameters to_parameters(const py::dict& values);

}  // namespace tubes::python
