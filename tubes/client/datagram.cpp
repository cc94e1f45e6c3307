// SPDX-License-Identifier: LGPL-2.1-or-later
// The out-of-line part of DatagramFlow.
#include "tubes/datagram.hpp"

#include <boost/asio/system_executor.hpp>

#include "tubes/client/backend.hpp"
#include "tubes/client/reject.hpp"

namespace tubes {
inline namespace v0 {
namespace detail {

void start_send(const std::shared_ptr<FlowBackend>& backend, std::vector<std::uint8_t> datagram,
                DatagramHandler handler) {
    if (!backend) return reject<std::size_t>(std::move(handler), Errc::invalid_argument);
    backend->send(std::move(datagram), std::move(handler));
}

void start_receive(const std::shared_ptr<FlowBackend>& backend, boost::asio::mutable_buffer buffer, error_code eof,
                   DatagramHandler handler) {
    if (!backend) return reject<std::size_t>(std::move(handler), Errc::invalid_argument);
    backend->receive(buffer, eof, std::move(handler));
}

}  // namespace detail

DatagramFlow::DatagramFlow(std::shared_ptr<detail::FlowBackend> backend) : backend_(std::move(backend)) {}

DatagramFlow& DatagramFlow::operator=(DatagramFlow&& other) noexcept {
    if (this == &other) return *this;
    close();
    backend_ = std::move(other.backend_);
    return *this;
}

DatagramFlow::~DatagramFlow() {
    close();
}

bool DatagramFlow::is_open() const noexcept {
    return backend_ != nullptr;
}

DatagramFlow::executor_type DatagramFlow::get_executor() const noexcept {
    return backend_ ? backend_->get_executor() : executor_type(boost::asio::system_executor());
}

std::size_t DatagramFlow::max_size() const noexcept {
    return backend_ ? backend_->max_size() : 0;
}

std::size_t DatagramFlow::packet_size() const noexcept {
    return backend_ ? backend_->packet_size() : 0;
}

void DatagramFlow::cancel() {
    if (backend_) backend_->cancel();
}

void DatagramFlow::close() {
    if (backend_) backend_->close();
    backend_.reset();
}

}  // namespace v0
}  // namespace tubes
