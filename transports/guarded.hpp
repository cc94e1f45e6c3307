// SPDX-License-Identifier: GPL-3.0-or-later
// Callbacks that do nothing once their owner is gone.
#pragma once

#include <memory>
#include <utility>

namespace tubes::transports {

/// `function(*owner, arguments...)` as a callback that holds `owner` weakly while it waits and strongly while it
/// runs. `Owner` or a base of it derives from std::enable_shared_from_this; a shared_ptr owns it already.
template <class Owner, class Function>
auto guarded(Owner* owner, Function function) {
    return [weak = owner->weak_from_this(), function = std::move(function)](auto&&... arguments) {
        if (const auto self = weak.lock()) {
            function(static_cast<Owner&>(*self), std::forward<decltype(arguments)>(arguments)...);
        }
    };
}

}  // namespace tubes::transports
