// SPDX-License-Identifier: GPL-3.0-or-later
// What makes this end of a tube reachable for local programs, whatever the tube's kind.
#pragma once

#include "tubes/endpoint.hpp"

namespace tubes::endpoints {

/// A local socket of a tube. Closing or destroying it ends it.
class LocalEnd {
public:
    virtual ~LocalEnd() = default;
    /// Where it really listens.
    virtual Endpoint endpoint() const = 0;
    /// Idempotent.
    virtual void close() = 0;
};

}  // namespace tubes::endpoints
