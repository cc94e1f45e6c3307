// SPDX-License-Identifier: GPL-3.0-or-later
// What an editor remembers about the people of one document, so that nobody is asked twice.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tubes/error.hpp"

namespace editor {

/// Kept in the document's state folder, as JSON.
struct Memory {
    std::string from;                  ///< Joined: who shares it; empty: this user's other program, anybody in a room.
    std::string room;                  ///< The room in which it is shared; empty: none.
    std::string service;               ///< Joined by invitation: under which name it stays shared with this user.
    std::vector<std::string> invited;  ///< Shared: who was invited from the page.

    static Memory load(const std::filesystem::path& file);
    tubes::result<void> store(const std::filesystem::path& file) const;
};

}  // namespace editor
