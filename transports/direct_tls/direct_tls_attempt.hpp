// SPDX-License-Identifier: GPL-3.0-or-later
// One try at direct TLS. For files inside transports/ only.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>

#include "transports/addresses/address_rules.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// Listens, dials, shakes hands and settles on one connection.
class DirectTlsAttempt final : public core::ports::PathAttempt {
public:
    /// `time_limit` counts from the peer's description.
    DirectTlsAttempt(boost::asio::any_io_executor executor, core::LinkRole role, const AddressRules& rules,
                     std::chrono::milliseconds time_limit);
    ~DirectTlsAttempt() override;

    void start(Handler& handler) override;
    void set_remote_description(const core::ports::TransportDescription& description) override;
    void add_remote_candidate(const core::ports::Candidate& candidate) override;
    void remote_candidates_end() override;
    void close() override;

private:
    class Negotiation;
    std::shared_ptr<Negotiation> negotiation_;
};

}  // namespace tubes::transports
