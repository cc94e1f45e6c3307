// SPDX-License-Identifier: GPL-3.0-or-later
// Something that joins a stream of a tube to a local program and keeps itself alive until one of them is over.
#pragma once

#include "tubes/error.hpp"

namespace tubes::endpoints {

/// Lives on the loop of both.
class Joint {
public:
    virtual ~Joint() = default;
    /// Ends both sides at once; nobody is told any more. Idempotent.
    virtual void abort(Errc reason) = 0;
};

}  // namespace tubes::endpoints
