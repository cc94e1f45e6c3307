// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/types.hpp: names, kinds, parameters.
#include "tubes/types.hpp"

#include "bindings/python/native/bind.hpp"

namespace tubes::python {
namespace {

ParameterValue to_parameter(const py::handle& value) {
    if (py::isinstance<py::str>(value)) return value.cast<std::string>();
    if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
    if (py::isinstance<py::bytes>(value)) {
        const auto bytes = value.cast<std::string>();
        return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
    }
    if (!py::isinstance<py::int_>(value)) throw py::type_error("a parameter is str, bytes, int or bool");
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (overflow == 0) return static_cast<std::int64_t>(number);
    const auto large = PyLong_AsUnsignedLongLong(value.ptr());
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    return static_cast<std::uint64_t>(large);
}

struct ParameterToPython {
    py::object operator()(const std::string& text) const { return to_python(text); }
    py::object operator()(const std::vector<std::uint8_t>& bytes) const {
        return py::bytes(std::string(bytes.begin(), bytes.end()));
    }
    py::object operator()(std::int64_t number) const { return py::int_(number); }
    py::object operator()(std::uint64_t number) const { return py::int_(number); }
    py::object operator()(bool value) const { return py::bool_(value); }
};

}  // namespace

py::object member(const char* enumeration, int value) {
    return py::module_::import("tubes.types").attr(enumeration)(value);
}

// Text of other people need not be UTF-8.
py::object to_python(std::string_view text) {
    auto* decoded = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
    if (decoded == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(decoded);
}
py::object to_python(const std::string& text) {
    return to_python(std::string_view(text));
}
py::object to_python(bool value) {
    return py::bool_(value);
}
py::object to_python(std::size_t value) {
    return py::int_(value);
}
py::object to_python(std::uint32_t value) {
    return py::int_(value);
}
py::object to_python(std::chrono::microseconds value) {
    return py::float_(std::chrono::duration<double>(value).count());
}
py::object to_python(std::chrono::seconds value) {
    return py::float_(std::chrono::duration<double>(value).count());
}
py::object to_python(std::chrono::system_clock::time_point value) {
    return py::float_(std::chrono::duration<double>(value.time_since_epoch()).count());
}
py::object to_python(TubeKind kind) {
    return member("TubeKind", static_cast<int>(kind));
}
py::object to_python(PathKind kind) {
    return member("PathKind", static_cast<int>(kind));
}
py::object to_python(Policy policy) {
    return member("Policy", static_cast<int>(policy));
}
py::object to_python(const Parameters& parameters) {
    py::dict values;
    for (const auto& [name, value] : parameters) values[py::str(name)] = std::visit(ParameterToPython{}, value);
    return values;
}

Parameters to_parameters(const py::dict& values) {
    Parameters parameters;
    for (const auto& [name, value] : values) parameters[name.cast<std::string>()] = to_parameter(value);
    const auto checked = check_parameters(parameters);
    if (!checked) raise(checked.error());
    return parameters;
}

void bind_types(py::module_& module) {
    module.def(
        "is_valid_service_name", [](const std::string& name) { return is_valid_service_name(name); }, py::arg("name"));
    module.def(
        "check_parameters", [](const py::dict& values) { to_parameters(values); }, py::arg("parameters"));
    module.def(
        "name_of_path", [](int kind) { return std::string(to_string(static_cast<PathKind>(kind))); }, py::arg("kind"));
    module.def(
        "name_of_kind", [](int kind) { return std::string(to_string(static_cast<TubeKind>(kind))); }, py::arg("kind"));
}

}  // namespace tubes::python
