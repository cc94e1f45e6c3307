// SPDX-License-Identifier: GPL-3.0-or-later
// Line edits of TOML text.
#include "tubes/engine/state/toml_lines.hpp"

#include <fmt/format.h>

namespace tubes::engine {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trimmed(std::string_view line) {
    const auto first = line.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(kSpace) - first + 1);
}

bool is_header(std::string_view line) {
    const auto text = trimmed(line);
    return !text.empty() && text.front() == '[';
}

bool is_content(std::string_view line) {
    const auto text = trimmed(line);
    return !text.empty() && text.front() != '#';
}

bool has_key(std::string_view line, std::string_view key) {
    const auto text = trimmed(line);
    if (text.substr(0, key.size()) != key) return false;
    const auto rest = trimmed(text.substr(key.size()));
    return !rest.empty() && rest.front() == '=';
}

// The comment behind a value on one line, with the space before it; strings may contain '#'.
std::string_view comment_behind(std::string_view line) {
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote == '"' && c == '\\') {
            ++i;
        } else if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#') {
            const auto end = line.find_last_not_of(kSpace, i - 1);
            return line.substr(end == std::string_view::npos ? i : end + 1);
        }
    }
    return {};
}

}  // namespace

TomlLines::TomlLines(std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines_.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
}

std::string TomlLines::text() const {
    std::string text;
    for (const auto& line : lines_) text += line + "\n";
    return text;
}

// The line after the table's last key.
std::size_t TomlLines::table_end(std::size_t header) const {
    std::size_t end = header;
    for (std::size_t i = header; i < lines_.size() && !is_header(lines_[i]); ++i) {
        if (is_content(lines_[i])) end = i + 1;
    }
    return end;
}

void TomlLines::set(std::size_t header, const Entry& entry) {
    const auto line = fmt::format("{} = {}", entry.first, entry.second);
    const auto end = table_end(header);
    for (std::size_t i = header; i < end; ++i) {
        if (!has_key(lines_[i], entry.first)) continue;
        const std::string comment(comment_behind(lines_[i]));
        const auto indent = lines_[i].substr(0, lines_[i].find_first_not_of(kSpace));
        lines_[i] = indent + line + comment;
        return;
    }
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(end), line);
}

void TomlLines::unset(std::size_t header, std::string_view key) {
    const auto end = table_end(header);
    for (std::size_t i = header; i < end; ++i) {
        if (!has_key(lines_[i], key)) continue;
        lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(i));
        return;
    }
}

void TomlLines::remove_table(std::size_t header) {
    if (header == 0 || header > lines_.size()) return;
    const auto end = table_end(header);
    auto last = end;
    const bool blank_before = header < 2 || trimmed(lines_[header - 2]).empty();
    if (blank_before && last < lines_.size() && trimmed(lines_[last]).empty()) ++last;
    std::vector<std::string> kept;  // comments between the keys are the user's
    for (std::size_t i = header; i < end; ++i) {
        if (!is_content(lines_[i]) && !trimmed(lines_[i]).empty()) kept.push_back(lines_[i]);
    }
    const auto begin = lines_.begin();
    const auto at =
        lines_.erase(begin + static_cast<std::ptrdiff_t>(header - 1), begin + static_cast<std::ptrdiff_t>(last));
    lines_.insert(at, kept.begin(), kept.end());
}

void TomlLines::append(const std::string& name, const std::vector<Entry>& entries) {
    if (!lines_.empty() && !trimmed(lines_.back()).empty()) lines_.emplace_back();
    lines_.push_back("[[" + name + "]]");
    for (const auto& [key, value] : entries) lines_.push_back(fmt::format("{} = {}", key, value));
}

void TomlLines::set_top(const Entry& entry) {
    const auto line = fmt::format("{} = {}", entry.first, entry.second);
    std::size_t first_key = lines_.size();
    for (std::size_t i = 0; i < lines_.size() && !is_header(lines_[i]); ++i) {
        if (has_key(lines_[i], entry.first)) {
            lines_[i] = line + std::string(comment_behind(lines_[i]));
            return;
        }
        if (is_content(lines_[i])) first_key = std::min(first_key, i);
    }
    const bool has_top_keys = first_key < lines_.size();
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(has_top_keys ? first_key : 0), line);
}

std::string TomlLines::quote(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            quoted += fmt::format("\\u{:04x}", byte);
        } else {
            quoted += c;
        }
    }
    return quoted + "\"";
}

}  // namespace tubes::engine
