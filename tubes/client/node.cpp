// SPDX-License-Identifier: LGPL-2.1-or-later
// The out-of-line part of Node: hands each operation to the backend.
#include "tubes/node.hpp"

#include <boost/asio/system_executor.hpp>

#include "tubes/client/backend.hpp"
#include "tubes/client/reject.hpp"

namespace tubes {
inline namespace v0 {

Node::Node(std::shared_ptr<detail::NodeBackend> backend) : backend_(std::move(backend)) {}

Node& Node::operator=(Node&& other) noexcept {
    if (this == &other) return *this;
    if (backend_) backend_->release();
    backend_ = std::move(other.backend_);
    return *this;
}

Node::~Node() {
    if (backend_) backend_->release();
}

boost::asio::any_io_executor Node::get_executor() const {
    return backend_ ? backend_->get_executor() : boost::asio::any_io_executor(boost::asio::system_executor());
}

Events Node::events() {
    return backend_ ? Events(backend_->events()) : Events();
}

void Node::close() {
    if (backend_) backend_->close();
}

void Node::start_login(const Backend& backend, LoginOptions options, detail::Handler<AccountInfo> handler) {
    if (!backend) return detail::reject<AccountInfo>(std::move(handler), Errc::invalid_argument);
    backend->login(std::move(options), std::move(handler));
}

void Node::start_logout(const Backend& backend, std::pair<std::string, bool> what, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->logout(std::move(what.first), what.second, std::move(handler));
}

void Node::start_wait_accounts(const Backend& backend, std::chrono::milliseconds deadline,
                               detail::Handler<std::vector<AccountInfo>> handler) {
    if (!backend) return detail::reject<std::vector<AccountInfo>>(std::move(handler), Errc::invalid_argument);
    backend->wait_accounts(deadline, std::move(handler));
}

void Node::start_status(const Backend& backend, int, detail::Handler<Status> handler) {
    if (!backend) return detail::reject<Status>(std::move(handler), Errc::invalid_argument);
    backend->status(std::move(handler));
}

void Node::start_contacts(const Backend& backend, int, detail::Handler<std::vector<ContactInfo>> handler) {
    if (!backend) return detail::reject<std::vector<ContactInfo>>(std::move(handler), Errc::invalid_argument);
    backend->contacts(std::move(handler));
}

void Node::start_services(const Backend& backend, std::string contact,
                          detail::Handler<std::vector<OfferedService>> handler) {
    if (!backend) return detail::reject<std::vector<OfferedService>>(std::move(handler), Errc::invalid_argument);
    backend->services(std::move(contact), std::move(handler));
}

void Node::start_add_contact(const Backend& backend, std::string contact, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->add_contact(std::move(contact), std::move(handler));
}

void Node::start_answer_contact(const Backend& backend, std::pair<std::string, bool> what, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->answer_contact(std::move(what.first), what.second, std::move(handler));
}

void Node::start_remove_contact(const Backend& backend, std::string contact, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->remove_contact(std::move(contact), std::move(handler));
}

void Node::start_share(const Backend& backend, ShareOptions options, detail::Handler<Share> handler) {
    if (!backend) return detail::reject<Share>(std::move(handler), Errc::invalid_argument);
    backend->share(std::move(options), std::move(handler));
}

void Node::start_offer(const Backend& backend, OfferOptions options, detail::Handler<Share> handler) {
    if (!backend) return detail::reject<Share>(std::move(handler), Errc::invalid_argument);
    backend->offer(std::move(options), std::move(handler));
}

void Node::start_connect(const Backend& backend, ConnectOptions options, detail::Handler<Tube> handler) {
    if (!backend) return detail::reject<Tube>(std::move(handler), Errc::invalid_argument);
    backend->connect(std::move(options), std::move(handler));
}

void Node::start_accept_offer(const Backend& backend, std::string id, detail::Handler<Tube> handler) {
    if (!backend) return detail::reject<Tube>(std::move(handler), Errc::invalid_argument);
    backend->accept_offer(std::move(id), std::move(handler));
}

void Node::start_take_tube(const Backend& backend, std::string id, detail::Handler<Tube> handler) {
    if (!backend) return detail::reject<Tube>(std::move(handler), Errc::invalid_argument);
    backend->take_tube(std::move(id), std::move(handler));
}

void Node::start_answer(const Backend& backend, std::pair<std::string, bool> what, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->answer(std::move(what.first), what.second, std::move(handler));
}

void Node::start_ping(const Backend& backend, std::pair<std::string, std::chrono::milliseconds> what,
                      detail::Handler<std::vector<PingInfo>> handler) {
    if (!backend) return detail::reject<std::vector<PingInfo>>(std::move(handler), Errc::invalid_argument);
    backend->ping(std::move(what.first), what.second, std::move(handler));
}

void Node::start_diagnose(const Backend& backend, int, detail::Handler<std::vector<Finding>> handler) {
    if (!backend) return detail::reject<std::vector<Finding>>(std::move(handler), Errc::invalid_argument);
    backend->diagnose(std::move(handler));
}

void Node::start_pins(const Backend& backend, std::string contact, detail::Handler<std::vector<PinInfo>> handler) {
    if (!backend) return detail::reject<std::vector<PinInfo>>(std::move(handler), Errc::invalid_argument);
    backend->pins(std::move(contact), std::move(handler));
}

void Node::start_set_pin(const Backend& backend, PinChange change, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->set_pin(std::move(change.contact), std::move(change.device), change.verified, std::move(handler));
}

void Node::start_compare(const Backend& backend, std::string contact, detail::Handler<std::string> handler) {
    if (!backend) return detail::reject<std::string>(std::move(handler), Errc::invalid_argument);
    backend->compare(std::move(contact), std::move(handler));
}

void Node::start_set_policy(const Backend& backend, PolicyChange change, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->set_policy(std::move(change.contact), std::move(change.service), change.policy, std::move(handler));
}

}  // namespace v0
}  // namespace tubes
