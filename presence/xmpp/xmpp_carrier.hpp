// SPDX-License-Identifier: GPL-3.0-or-later
// What an XMPP connection carries to one peer: in-band bytes (XEP-0047) and streams over its relays (XEP-0065).
#pragma once

#include <memory>

#include "tubes/core/ids.hpp"
#include "tubes/core/ports/peer_carrier.hpp"

namespace tubes::presence::xmpp {

class Client;

/// Null if `peer` names no full address. Holds the client weakly.
std::shared_ptr<core::ports::PeerCarrier> make_xmpp_carrier(const std::shared_ptr<Client>& client,
                                                            const core::PeerAddress& peer);

}  // namespace tubes::presence::xmpp
