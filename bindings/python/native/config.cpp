// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/config.hpp.
#include "tubes/config.hpp"

#include <pybind11/stl.h>

#include "bindings/python/native/bind.hpp"
#include "bindings/python/native/node_options.hpp"

namespace tubes::python {
namespace {

py::object service_to_python(const ShareOptions& service) {
    return Record("ServiceConfig")
        .set("service", service.service)
        .set("target", service.target)
        .set("kind", service.kind)
        .set("parameters", service.parameters)
        .set("account", service.account)
        .set("audience", service.audience)
        .set("policy", service.policy)
        .set("trust_first_key", service.trust_first_key)
        .make();
}

}  // namespace

py::object to_python(const ConfigValue& info) {
    return Record("ConfigValue")
        .set("name", info.name)
        .set("value", info.value)
        .set("source", info.source)
        .set("origin", info.origin)
        .set("environment", info.environment)
        .set("description", info.description)
        .make();
}

void bind_config(py::module_& module) {
    module.def("effective_config", [](const PythonNodeOptions& options) {
        return to_python(value_or_raise(effective_config(to_options(options))));
    });
    module.def("configured_services", [](const PythonNodeOptions& options) {
        py::list services;
        for (const auto& each : value_or_raise(configured_services(to_options(options)))) {
            services.append(service_to_python(each));
        }
        return py::tuple(services);
    });
    module.def("runtime_directory", [](const PythonNodeOptions& options) {
        return value_or_raise(runtime_directory(to_options(options))).string();
    });
}

}  // namespace tubes::python
