// SPDX-License-Identifier: GPL-3.0-or-later
// D-Bus tubes: a private bus at each side, joined by one stream of the tube.
#pragma once

#include "tubes/engine/tube_kind.hpp"

namespace tubes::engine {

/// See the head of the file. The bus of a share lives as long as the share; all who use it meet its programs, and one
/// another only in a room.
class DbusKind final : public TubeKindSupport {
public:
    bool takes_target(const Endpoint& target) const override { return target.kind == Endpoint::Kind::dbus; }
    bool takes_service(const std::string& service) const override;
    result<std::unique_ptr<SharedEnd>> open_shared(Engine& engine, const std::string& service, const Endpoint& target,
                                                   bool is_for_room) const override;
    result<std::unique_ptr<endpoints::LocalEnd>> listen(Engine& engine, const core::TubeId& tube,
                                                        const ListenOptions& options) const override;
    void join_target(Engine& engine, const ShareInfo& share, const Endpoint& target,
                     std::shared_ptr<core::Stream> stream) const override;
};

}  // namespace tubes::engine
