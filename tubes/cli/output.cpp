// SPDX-License-Identifier: GPL-3.0-or-later
// Text for people.
#include "tubes/cli/output.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tubes/base/log.hpp"

namespace tubes::cli {
namespace {

/// Columns that a UTF-8 string takes, near enough for alignment: code points.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string safe(std::string_view text) {
    return base::printable(text);
}

std::string duration_text(std::chrono::microseconds duration) {
    const auto us = duration.count();
    if (us < 1000) return fmt::format("{} us", us);
    if (us < 1000000) return fmt::format("{:.1f} ms", static_cast<double>(us) / 1e3);
    return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
}

std::string bytes_text(std::uint64_t bytes) {
    if (bytes < 1024) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes);
    const char* unit = "";
    for (const char* next : {"KiB", "MiB", "GiB", "TiB", "PiB"}) {
        if (value < 1024) break;
        value /= 1024;
        unit = next;
    }
    return fmt::format("{:.1f} {}", value, unit);
}

std::string short_device(std::string_view device) {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(device.size(), 16); ++i) {
        if (i != 0 && i % 4 == 0) text.push_back(' ');
        text.push_back(device[i]);
    }
    return safe(text);
}

void Table::print(std::FILE* out) const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    }
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
        }
        fmt::print(out, "{}\n", line);
    }
}

std::string path_text(const PathInfo& path) {
    std::string text(to_string(path.kind));
    if (!path.remote_address.empty()) {
        text += fmt::format(" {} -> {}", safe(path.local_address), safe(path.remote_address));
    }
    if (path.rtt) text += ", " + duration_text(*path.rtt);
    return text;
}

const PathInfo* active_path(const LinkInfo& link) {
    const auto found =
        std::find_if(link.paths.begin(), link.paths.end(), [](const PathInfo& path) { return path.active; });
    return found == link.paths.end() ? nullptr : &*found;
}

}  // namespace tubes::cli
