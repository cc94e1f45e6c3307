// SPDX-License-Identifier: GPL-3.0-or-later
// What a document's page and its program know each other by, also after the program was started again.
#pragma once

#include <filesystem>
#include <string>

#include "tubes/error.hpp"

namespace editor {

/// Compares without telling by its duration where two texts differ.
bool equals_secret(std::string_view left, std::string_view right);
/// 32 random bytes in hexadecimal.
std::string make_secret();

/// Kept in the document's state folder, readable by its owner only.
struct PageIdentity {
    unsigned short port = 0;  ///< Where the page was served last; 0: nowhere yet.
    std::string cookie;       ///< The session's cookie. Browsers show it to every port of this machine.
    std::string key;          ///< What page and program prove to each other; an open page holds it in memory only.

    /// With fresh secrets.
    static PageIdentity make();
    /// A fresh one where there is none that can be read.
    static PageIdentity load(const std::filesystem::path& file);
    tubes::result<void> store(const std::filesystem::path& file) const;

    /// HMAC-SHA256 by the key, in hexadecimal, that `role` ("page" or "program") gives at this port for these nonces.
    std::string prove(std::string_view role, std::string_view program_nonce, std::string_view page_nonce) const;
};

}  // namespace editor
