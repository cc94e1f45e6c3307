// SPDX-License-Identifier: GPL-3.0-or-later
// Edits a TOML text by lines, so that the user's comments, order and spacing stay as they are.
// Spec: TOML v1.0.0. Whoever edits parses the outcome again and compares: this knows lines, not the whole grammar.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tubes::engine {

class TomlLines {
public:
    /// A key and its value as TOML text, such as `"alice"` with the quotes.
    using Entry = std::pair<std::string, std::string>;

    explicit TomlLines(std::string_view text);
    std::string text() const;

    /// Sets a key of the table whose header stands on `header` (counted from 1): replaces the value where the key
    /// is, keeping a comment behind it, else adds the key below the table's last.
    void set(std::size_t header, const Entry& entry);
    /// Removes a key of that table, if it is there.
    void unset(std::size_t header, std::string_view key);
    /// Removes the table with its keys; comments above its header stay.
    void remove_table(std::size_t header);
    /// Adds "[[name]]" with the keys at the end.
    void append(const std::string& name, const std::vector<Entry>& entries);
    /// Sets a key that stands before the first table.
    void set_top(const Entry& entry);

    /// A TOML basic string with everything escaped that has to be.
    static std::string quote(std::string_view text);

private:
    std::size_t table_end(std::size_t header) const;
    std::vector<std::string> lines_;
};

}  // namespace tubes::engine
