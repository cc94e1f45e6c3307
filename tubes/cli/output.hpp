// SPDX-License-Identifier: GPL-3.0-or-later
// What a person or a program reads: escaped text, aligned tables, figures with units, JSON of the public structs.
#pragma once

#include <chrono>
#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tubes/status.hpp"

namespace tubes::cli {

/// Foreign text made harmless for a terminal.
std::string safe(std::string_view text);

/// "1.2 ms", "340 us", "2.1 s".
std::string duration_text(std::chrono::microseconds duration);
/// "0 B", "1.5 KiB", "12.0 MiB".
std::string bytes_text(std::uint64_t bytes);
/// The first 16 hexadecimal digits of a device name, in groups of four: for recognising, not for comparing.
std::string short_device(std::string_view device);

/// Rows under a heading, columns aligned by display width, two spaces between.
class Table {
public:
    explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    bool empty() const { return rows_.size() == 1; }
    void print(std::FILE* out) const;

private:
    std::vector<std::vector<std::string>> rows_;
};

nlohmann::json to_json(const AccountInfo& account);
nlohmann::json to_json(const ContactInfo& contact);
nlohmann::json to_json(const OfferedService& service);
nlohmann::json to_json(const PendingInfo& pending);
nlohmann::json to_json(const TubeInfo& tube);
nlohmann::json to_json(const LinkInfo& link);
nlohmann::json to_json(const PathInfo& path);
nlohmann::json to_json(const ShareInfo& share);
nlohmann::json to_json(const PinInfo& pin);
nlohmann::json to_json(const PingInfo& ping);
nlohmann::json to_json(const Status& status);

/// A list of any of the above.
template <class Item>
nlohmann::json list_json(const std::vector<Item>& items);

/// Writes one JSON document and a line feed.
void print_json(const nlohmann::json& document);

/// One line for a path: "direct-tls 192.0.2.1:4711 -> 192.0.2.9:5000, 1.2 ms".
std::string path_text(const PathInfo& path);
/// The path that carries data now, if any.
const PathInfo* active_path(const LinkInfo& link);

}  // namespace tubes::cli
