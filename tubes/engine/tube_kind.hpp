// SPDX-License-Identifier: GPL-3.0-or-later
// How tubes of each kind meet local programs: the one place that tells the kinds apart.
#pragma once

#include <memory>

#include "tubes/core/link/stream.hpp"
#include "tubes/endpoints/local_end.hpp"
#include "tubes/options.hpp"
#include "tubes/status.hpp"

namespace tubes::engine {

class Engine;

/// What a share keeps open at this side as long as it lives, for kinds in which all its tubes meet.
class SharedEnd : public endpoints::LocalEnd {
public:
    /// A peer opened this in a tube of the share. `occupant` is who the peer is in a room; empty for a contact.
    virtual void join(const std::string& occupant, std::shared_ptr<core::Stream> stream) = 0;
};

/// One kind of tube. Has no state of its own; called on the loop. A new kind is a file pair that derives from this, and
/// one line in find_tube_kind().
class TubeKindSupport {
public:
    virtual ~TubeKindSupport() = default;

    /// Whether a share of this kind may lead to `target`.
    virtual bool takes_target(const Endpoint& target) const = 0;

    /// Whether a share of this kind may have this valid service name.
    virtual bool takes_service(const std::string& service) const {
        static_cast<void>(service);
        return true;
    }

    /// Opens what a share keeps at this side; null for kinds that join each stream to the target. `is_for_room`: those
    /// who use it are together in a room. Errors as Node::async_share.
    virtual result<std::unique_ptr<SharedEnd>> open_shared(Engine& engine, const std::string& service,
                                                           const Endpoint& target, bool is_for_room) const;

    /// Makes an open tube of ours reachable for local programs. Errors as Tube::async_listen.
    virtual result<std::unique_ptr<endpoints::LocalEnd>> listen(Engine& engine, const core::TubeId& tube,
                                                                const ListenOptions& options) const = 0;

    /// Joins what a peer opened in a tube of ours to the share's target, which takes_target(). Not called where
    /// open_shared() gave something.
    virtual void join_target(Engine& engine, const ShareInfo& share, const Endpoint& target,
                             std::shared_ptr<core::Stream> stream) const = 0;
};

/// The visible list; null for a kind that this build does not have.
const TubeKindSupport* find_tube_kind(TubeKind kind);

}  // namespace tubes::engine
