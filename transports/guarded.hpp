// SPDX-License-Identifier: GPL-3.0-or-later
// Callbacks that do nothing once their owner is gone.
#pragma once

#include <memory>
#include <utility>

namespace tubes::transports {

/// `function(*owner, arguments...)` as a callback that holds `owner` weakly while it waits and strongly while it
/// runs. `Owner` derives from std::enable_shared_from_this and is owned by a shared_ptr already.
template <class Owner, class Function>
auto guarded(Owner* owner, Function function) {
    return [weak = owner->weak_from_this(), function = std::move(function)](auto&&... arguments) {
        if (const auto self = weak.lock()) function(*self, std::forward<decltype(arguments)>(arguments)...);
    };
}

}  // namespace tubes::transports
