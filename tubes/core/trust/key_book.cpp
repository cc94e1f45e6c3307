// SPDX-License-Identifier: GPL-3.0-or-later
// Standing and acceptance of contacts' identity keys.
#include "tubes/core/trust/key_book.hpp"

#include <algorithm>

namespace tubes::core {

std::optional<ports::Pin> KeyBook::find(const ports::AccountName& account, const ContactAddress& contact,
                                        const PublicKey& key) const {
    for (const auto& pin : store_.pins(account, contact)) {
        if (pin.key == key) return pin;
    }
    return std::nullopt;
}

KeyStanding KeyBook::standing(const ports::AccountName& account, const ContactAddress& contact,
                              const PublicKey& key) const {
    bool has_accepted = false;
    for (const auto& pin : store_.pins(account, contact)) {
        const bool accepted = pin.accepted || pin.verified;
        if (accepted && pin.key == key) return KeyStanding::known;
        has_accepted = has_accepted || accepted;
    }
    return has_accepted ? KeyStanding::new_key : KeyStanding::first;
}

result<void> KeyBook::accept(const ports::AccountName& account, const ContactAddress& contact, const PublicKey& key) {
    auto pin = find(account, contact, key).value_or(ports::Pin{key, false, false, 0});
    if (pin.accepted) return {};
    pin.accepted = true;
    return store_.put(account, contact, pin);
}

bool KeyBook::note_new(const ports::AccountName& account, const ContactAddress& contact, const PublicKey& key) {
    const auto pins = store_.pins(account, contact);
    if (std::any_of(pins.begin(), pins.end(), [&key](const ports::Pin& pin) { return pin.key == key; })) return false;
    const auto unaccepted =
        std::count_if(pins.begin(), pins.end(), [](const ports::Pin& pin) { return !pin.accepted && !pin.verified; });
    // A contact that shows ever new keys would fill the store; beyond the limit the user still hears of each.
    if (static_cast<std::size_t>(unaccepted) < kMaxUnaccepted) {
        (void)store_.put(account, contact, ports::Pin{key, false, false, 0});
    }
    return true;
}

}  // namespace tubes::core
