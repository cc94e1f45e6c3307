// SPDX-License-Identifier: GPL-3.0-or-later
// Makes attempts where the address policy leaves something to try.
#include "transports/direct_tls/direct_tls_transport.hpp"

#include "transports/direct_tls/direct_tls_attempt.hpp"

namespace tubes::transports {

DirectTlsTransport::DirectTlsTransport(boost::asio::any_io_executor executor, DirectTlsOptions options)
    : executor_(std::move(executor)), options_(options) {}

std::unique_ptr<core::ports::PathAttempt> DirectTlsTransport::make_attempt(core::ports::AttemptParameters parameters) {
    if (parameters.addresses == AddressPolicy::relay_only) return nullptr;
    AddressRules rules;
    rules.policy = parameters.addresses;
    rules.loopback = options_.loopback || parameters.same_user;
    rules.link_local = options_.link_local;
    rules.virtual_interfaces = options_.virtual_interfaces;
    return make_direct_tls_attempt(executor_, parameters.role, rules, options_.time_limit);
}

}  // namespace tubes::transports
