// SPDX-License-Identifier: LGPL-2.1-or-later
// The out-of-line part of Stream.
#include "tubes/stream.hpp"

#include <boost/asio/system_executor.hpp>

#include "tubes/client/backend.hpp"
#include "tubes/client/reject.hpp"

namespace tubes {
inline namespace v0 {
namespace detail {

void start_read(const std::shared_ptr<StreamBackend>& backend, std::vector<boost::asio::mutable_buffer> buffers,
                error_code eof, TransferHandler handler) {
    if (!backend) return reject<std::size_t>(std::move(handler), Errc::invalid_argument);
    backend->read(std::move(buffers), eof, std::move(handler));
}

void start_write(const std::shared_ptr<StreamBackend>& backend, std::vector<boost::asio::const_buffer> buffers,
                 TransferHandler handler) {
    if (!backend) return reject<std::size_t>(std::move(handler), Errc::invalid_argument);
    backend->write(std::move(buffers), std::move(handler));
}

}  // namespace detail

Stream::Stream(std::shared_ptr<detail::StreamBackend> backend) : backend_(std::move(backend)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
    if (this == &other) return *this;
    close();
    backend_ = std::move(other.backend_);
    return *this;
}

Stream::~Stream() {
    close();
}

bool Stream::is_open() const noexcept {
    return backend_ != nullptr;
}

Stream::executor_type Stream::get_executor() const noexcept {
    return backend_ ? backend_->get_executor() : executor_type(boost::asio::system_executor());
}

void Stream::shutdown_send() {
    if (backend_) backend_->shutdown_send();
}

void Stream::close() {
    if (backend_) backend_->close();
    backend_.reset();
}

void Stream::cancel() {
    if (backend_) backend_->cancel();
}

}  // namespace v0
}  // namespace tubes
