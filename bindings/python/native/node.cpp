// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/node.hpp: every operation takes the completions that it is to end in and gives a ticket. What tubes/options.hpp
// holds comes as arguments in the order of the structure.
#include "tubes/node.hpp"

#include "bindings/python/native/arguments.hpp"

namespace tubes::python {
namespace {

using Strings = std::vector<std::string>;

Ticket login(Node& node, Completions& completions, std::string address, std::string password, std::string host,
             bool direct_tls, const std::string& ca_file, std::string pinned_certificate, bool allow_plain,
             bool remember, double deadline) {
    LoginOptions options;
    options.address = std::move(address);
    options.password = std::move(password);
    options.host = std::move(host);
    options.direct_tls = direct_tls;
    options.ca_file = ca_file;
    options.pinned_certificate = std::move(pinned_certificate);
    options.allow_plain = allow_plain;
    options.remember = remember;
    options.deadline = milliseconds(deadline);
    return begin<AccountInfo>(completions,
                              [&](auto handler) { node.async_login(std::move(options), std::move(handler)); });
}

Ticket share(Node& node, Completions& completions, std::string service, const Endpoint& target, int kind,
             const py::dict& parameters, std::string account, Strings audience, int policy, bool trust_first_key,
             bool webrtc) {
    auto options = share_options(std::move(service), target, kind, parameters, std::move(account), std::move(audience),
                                 policy, trust_first_key);
    options.webrtc = webrtc;
    return begin<Share>(completions, [&](auto handler) { node.async_share(std::move(options), std::move(handler)); });
}

Ticket offer(Node& node, Completions& completions, std::string contact, std::string service, const Endpoint& target,
             int kind, const py::dict& parameters, std::string account, double lifetime) {
    OfferOptions options;
    options.contact = std::move(contact);
    options.service = std::move(service);
    options.target = target;
    options.kind = static_cast<TubeKind>(kind);
    options.parameters = to_parameters(parameters);
    options.account = std::move(account);
    options.lifetime = std::chrono::duration_cast<std::chrono::seconds>(milliseconds(lifetime));
    return begin<Share>(completions, [&](auto handler) { node.async_offer(std::move(options), std::move(handler)); });
}

Ticket connect(Node& node, Completions& completions, std::string contact, std::string service, std::string peer,
               int kind, const py::dict& parameters, std::string account, double deadline) {
    auto options = connect_options(std::move(contact), std::move(service), std::move(peer), kind, parameters,
                                   std::move(account), deadline);
    return begin<Tube>(completions, [&](auto handler) { node.async_connect(std::move(options), std::move(handler)); });
}

using NodeClass = py::class_<Node, std::unique_ptr<Node, WithoutLock>>;

void bind_contacts(NodeClass& node) {
    node.def("contacts", [](Node& self, Completions& completions) {
        return begin<std::vector<ContactInfo>>(completions,
                                               [&](auto handler) { self.async_contacts(std::move(handler)); });
    });
    node.def("services", [](Node& self, Completions& completions, const std::string& contact) {
        return begin<std::vector<OfferedService>>(
            completions, [&](auto handler) { self.async_services(contact, std::move(handler)); });
    });
    node.def("add_contact", [](Node& self, Completions& completions, const std::string& contact) {
        return begin<>(completions, [&](auto handler) { self.async_add_contact(contact, std::move(handler)); });
    });
    node.def("answer_contact", [](Node& self, Completions& completions, const std::string& contact, bool allow) {
        return begin<>(completions,
                       [&](auto handler) { self.async_answer_contact(contact, allow, std::move(handler)); });
    });
    node.def("remove_contact", [](Node& self, Completions& completions, const std::string& contact) {
        return begin<>(completions, [&](auto handler) { self.async_remove_contact(contact, std::move(handler)); });
    });
}

void bind_tubes(NodeClass& node) {
    node.def("share", &share);
    node.def("offer", &offer);
    node.def("connect", &connect);
    node.def("accept_offer", [](Node& self, Completions& completions, const std::string& id) {
        return begin<Tube>(completions, [&](auto handler) { self.async_accept_offer(id, std::move(handler)); });
    });
    node.def("take_tube", [](Node& self, Completions& completions, const std::string& id) {
        return begin<Tube>(completions, [&](auto handler) { self.async_take_tube(id, std::move(handler)); });
    });
    node.def("answer", [](Node& self, Completions& completions, const std::string& id, bool accept) {
        return begin<>(completions, [&](auto handler) { self.async_answer(id, accept, std::move(handler)); });
    });
}

void bind_trust(NodeClass& node) {
    node.def("pins", [](Node& self, Completions& completions, const std::string& contact) {
        return begin<std::vector<PinInfo>>(completions,
                                           [&](auto handler) { self.async_pins(contact, std::move(handler)); });
    });
    node.def("set_pin", [](Node& self, Completions& completions, const std::string& contact, const std::string& device,
                           bool verified) {
        return begin<>(completions,
                       [&](auto handler) { self.async_set_pin(contact, device, verified, std::move(handler)); });
    });
    node.def("compare", [](Node& self, Completions& completions, const std::string& contact) {
        return begin<std::string>(completions, [&](auto handler) { self.async_compare(contact, std::move(handler)); });
    });
    node.def("set_policy", [](Node& self, Completions& completions, const std::string& contact,
                              const std::string& service, int policy) {
        return begin<>(completions, [&](auto handler) {
            self.async_set_policy(contact, service, static_cast<Policy>(policy), std::move(handler));
        });
    });
}

void bind_accounts(NodeClass& node) {
    node.def("login", &login);
    node.def("logout", [](Node& self, Completions& completions, const std::string& account, bool forget) {
        return begin<>(completions, [&](auto handler) { self.async_logout(account, forget, std::move(handler)); });
    });
    node.def("wait_accounts", [](Node& self, Completions& completions, double deadline) {
        return begin<std::vector<AccountInfo>>(
            completions, [&](auto handler) { self.async_wait_accounts(milliseconds(deadline), std::move(handler)); });
    });
    node.def("status", [](Node& self, Completions& completions) {
        return begin<Status>(completions, [&](auto handler) { self.async_status(std::move(handler)); });
    });
    node.def("ping", [](Node& self, Completions& completions, const std::string& contact, double deadline) {
        return begin<std::vector<PingInfo>>(
            completions, [&](auto handler) { self.async_ping(contact, milliseconds(deadline), std::move(handler)); });
    });
    node.def("diagnose", [](Node& self, Completions& completions) {
        return begin<std::vector<Finding>>(completions, [&](auto handler) { self.async_diagnose(std::move(handler)); });
    });
}

void bind_lifetime(NodeClass& node) {
    node.def("attach", [](Node& self, Completions& completions) { completions.attach(self.get_executor()); });
    node.def("events", [](Node& self) { return std::make_unique<Events>(self.events()); });
    node.def("close", &Node::close);
    // Closes and waits for the node's thread.
    node.def("release", [](Node& self) {
        const py::gil_scoped_release without_lock;
        self = Node();
    });
}

void bind_handles(py::module_& module) {
    py::class_<Share>(module, "Share")
        .def_property_readonly("service", [](const Share& self) { return to_python(self.service()); })
        .def_property_readonly("offer_id", [](const Share& self) { return to_python(self.offer_id()); })
        .def_property_readonly("target", &Share::target)
        .def("accept",
             [](Share& self, Completions& completions) {
                 return begin<Stream>(completions, [&](auto handler) { self.async_accept(std::move(handler)); });
             })
        .def("accept_flow",
             [](Share& self, Completions& completions) {
                 return begin<DatagramFlow>(completions,
                                            [&](auto handler) { self.async_accept_flow(std::move(handler)); });
             })
        .def("close", &Share::close);
    py::class_<Listener>(module, "Listener")
        .def_property_readonly("endpoint", &Listener::endpoint)
        .def("wait",
             [](Listener& self, Completions& completions) {
                 return begin<>(completions, [&](auto handler) { self.async_wait(std::move(handler)); });
             })
        .def("close", &Listener::close);
    py::class_<Tube>(module, "Tube")
        .def_property_readonly("info", [](const Tube& self) { return to_python(self.info()); })
        .def("open_stream",
             [](Tube& self, Completions& completions) {
                 return begin<Stream>(completions, [&](auto handler) { self.async_open_stream(std::move(handler)); });
             })
        .def("open_flow",
             [](Tube& self, Completions& completions) {
                 return begin<DatagramFlow>(completions,
                                            [&](auto handler) { self.async_open_flow(std::move(handler)); });
             })
        .def("listen",
             [](Tube& self, Completions& completions, const Endpoint& endpoint, bool allow_remote) {
                 ListenOptions options{endpoint, allow_remote};
                 return begin<Listener>(
                     completions, [&](auto handler) { self.async_listen(std::move(options), std::move(handler)); });
             })
        .def("wait_closed",
             [](Tube& self, Completions& completions) {
                 return begin<>(completions, [&](auto handler) { self.async_wait_closed(std::move(handler)); });
             })
        .def("close", &Tube::close);
    py::class_<Events>(module, "Events")
        .def("next",
             [](Events& self, Completions& completions) {
                 return begin<Event>(completions, [&](auto handler) { self.async_next(std::move(handler)); });
             })
        .def("close", [](Events& self) { self = Events(); });
}

}  // namespace

py::object to_python(Share&& share) {
    return py::cast(std::make_unique<Share>(std::move(share)));
}
py::object to_python(Listener&& listener) {
    return py::cast(std::make_unique<Listener>(std::move(listener)));
}
py::object to_python(Tube&& tube) {
    return py::cast(std::make_unique<Tube>(std::move(tube)));
}

void bind_node(py::module_& module) {
    NodeClass node(module, "Node");
    bind_accounts(node);
    bind_contacts(node);
    bind_tubes(node);
    bind_trust(node);
    bind_lifetime(node);
    bind_handles(module);
}

}  // namespace tubes::python
