// SPDX-License-Identifier: GPL-3.0-or-later
// The list of kinds.
#include "tubes/engine/tube_kind.hpp"

#include "tubes/engine/datagram_kind.hpp"
#include "tubes/engine/dbus_kind.hpp"
#include "tubes/engine/stream_kind.hpp"

namespace tubes::engine {

result<std::unique_ptr<SharedEnd>> TubeKindSupport::open_shared(Engine&, const std::string&, const Endpoint&,
                                                                bool) const {
    return std::unique_ptr<SharedEnd>();
}

const TubeKindSupport* find_tube_kind(TubeKind kind) {
    static const StreamKind stream;
    static const DatagramKind datagram;
    static const DbusKind dbus;
    switch (kind) {
        case TubeKind::stream: return &stream;
        case TubeKind::datagram: return &datagram;
        case TubeKind::dbus: return &dbus;
    }
    return nullptr;
}

}  // namespace tubes::engine
