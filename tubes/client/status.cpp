// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of states, as status output prints them.
#include "tubes/status.hpp"

namespace tubes {
inline namespace v0 {

std::string_view to_string(AccountState state) noexcept {
    switch (state) {
        case AccountState::offline: return "offline";
        case AccountState::connecting: return "connecting";
        case AccountState::online: return "online";
        case AccountState::reconnecting: return "reconnecting";
    }
    return "unknown";
}

std::string_view to_string(KeyStanding standing) noexcept {
    switch (standing) {
        case KeyStanding::known: return "known";
        case KeyStanding::first: return "first";
        case KeyStanding::new_key: return "new";
    }
    return "unknown";
}

}  // namespace v0
}  // namespace tubes
