// SPDX-License-Identifier: GPL-3.0-or-later
// Datagram tubes: UDP sockets, and flows of the application itself.
#pragma once

#include "tubes/engine/tube_kind.hpp"

namespace tubes::engine {

/// See the head of the file. A flow is a stream of the link that carries datagrams.
class DatagramKind final : public TubeKindSupport {
public:
    bool takes_target(const Endpoint& target) const override;
    result<std::unique_ptr<endpoints::LocalEnd>> listen(Engine& engine, const core::TubeId& tube,
                                                        const ListenOptions& options) const override;
    void join_target(Engine& engine, const ShareInfo& share, const Endpoint& target,
                     std::shared_ptr<core::Stream> stream) const override;
};

}  // namespace tubes::engine
