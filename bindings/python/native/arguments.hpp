// SPDX-License-Identifier: GPL-3.0-or-later
// Options of tubes/options.hpp from arguments in the order of the structure, for node.cpp and room.cpp.
#pragma once

#include <pybind11/stl.h>

#include <chrono>
#include <string>
#include <vector>

#include "bindings/python/native/bind.hpp"

namespace tubes::python {

inline std::chrono::milliseconds milliseconds(double seconds) {
    if (!(seconds >= 0) || seconds > 1e9) throw py::value_error("a duration is between 0 and 1e9 seconds");
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// Starts an operation that needs no memory of Python's.
template <class... Values, class Start>
Ticket begin(Completions& completions, Start start) {
    return completions.begin<Values...>(Pins(), std::move(start));
}

inline ShareOptions share_options(std::string service, const Endpoint& target, int kind, const py::dict& parameters,
                                  std::string account, std::vector<std::string> audience, int policy,
                                  bool trust_first_key) {
    ShareOptions options;
    options.service = std::move(service);
    options.target = target;
    options.kind = static_cast<TubeKind>(kind);
    options.parameters = to_parameters(parameters);
    options.account = std::move(account);
    options.audience = std::move(audience);
    options.policy = static_cast<Policy>(policy);
    options.trust_first_key = trust_first_key;
    return options;
}

inline ConnectOptions connect_options(std::string contact, std::string service, std::string peer, int kind,
                                      const py::dict& parameters, std::string account, double deadline) {
    ConnectOptions options;
    options.contact = std::move(contact);
    options.service = std::move(service);
    options.peer = std::move(peer);
    options.kind = static_cast<TubeKind>(kind);
    options.parameters = to_parameters(parameters);
    options.account = std::move(account);
    options.deadline = milliseconds(deadline);
    return options;
}

}  // namespace tubes::python
