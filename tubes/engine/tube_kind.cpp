// SPDX-License-Identifier: GPL-3.0-or-later
// The list of kinds.
#include "tubes/engine/tube_kind.hpp"

#include "tubes/engine/datagram_kind.hpp"
#include "tubes/engine/stream_kind.hpp"

namespace tubes::engine {

const TubeKindSupport* find_tube_kind(TubeKind kind) {
    static const StreamKind stream;
    static const DatagramKind datagram;
    switch (kind) {
        case TubeKind::stream: return &stream;
        case TubeKind::datagram: return &datagram;
        case TubeKind::dbus: break;
    }
    return nullptr;
}

}  // namespace tubes::engine
