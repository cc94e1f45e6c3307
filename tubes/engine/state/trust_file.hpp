// SPDX-License-Identifier: GPL-3.0-or-later
// Pinned keys in the profile's state directory.
#pragma once

#include "tubes/core/ports/trust_store.hpp"
#include "tubes/engine/state/state_file.hpp"

namespace tubes::engine {

/// pins.json: shared by all processes of the profile; what another one pins or drops holds here at once.
class TrustFile final : public core::ports::TrustStore {
public:
    static constexpr std::size_t kMaxKeys = 64;  ///< Of one contact.

    /// Errors as StateFile::open.
    static result<std::unique_ptr<TrustFile>> open(const std::filesystem::path& directory);

    std::vector<core::ports::Pin> pins(const core::ports::AccountName& account,
                                       const core::ContactAddress& contact) const override;
    result<void> put(const core::ports::AccountName& account, const core::ContactAddress& contact,
                     const core::ports::Pin& pin) override;
    result<void> remove(const core::ports::AccountName& account, const core::ContactAddress& contact,
                        const core::PublicKey& key) override;

private:
    explicit TrustFile(StateFile file) : file_(std::move(file)) {}
    StateFile file_;
};

}  // namespace tubes::engine
