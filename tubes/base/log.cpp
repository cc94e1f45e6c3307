// SPDX-License-Identifier: GPL-3.0-or-later
// Loggers by area and the escaping of foreign text.
#include "tubes/base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <map>
#include <mutex>

namespace tubes::base {
namespace {

struct Levels {
    std::mutex mutex;
    spdlog::level::level_enum fallback = spdlog::level::warn;
    std::map<std::string, spdlog::level::level_enum, std::less<>> areas;

    spdlog::level::level_enum of(std::string_view area) const {
        const auto found = areas.find(area);
        return found == areas.end() ? fallback : found->second;
    }
};

// spdlog's registry of loggers is process-wide, so the levels that go with it are, too.
Levels& levels() {
    static Levels value;
    return value;
}

result<spdlog::level::level_enum> parse_level(std::string_view name) {
    const auto level = spdlog::level::from_str(std::string(name));
    if (level == spdlog::level::off && name != "off") return make_error_code(Errc::invalid_argument);
    return level;
}

// One code point of UTF-8 (RFC 3629) at the start of `text`; length 0 if it is malformed.
struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0;
};

CodePoint decode(std::string_view text) noexcept {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
    std::uint32_t value = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return {};
        value = value << 6 | (next & 0x3fU);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < kSmallest[length] || surrogate || value > 0x10ffff) return {};
    return {value, length};
}

bool is_harmful(std::uint32_t c) noexcept {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

}  // namespace

std::shared_ptr<spdlog::logger> logger(const std::string& area) {
    auto& all = levels();
    const std::lock_guard lock(all.mutex);
    if (auto existing = spdlog::get(area)) return existing;
    auto created = spdlog::stderr_logger_mt(area);
    created->set_pattern("%Y-%m-%dT%H:%M:%S.%e %-5l %n: %v");
    created->set_level(all.of(area));
    return created;
}

result<void> configure_logs(std::string_view text) {
    auto fallback = spdlog::level::warn;
    std::map<std::string, spdlog::level::level_enum, std::less<>> areas;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto item = text.substr(0, comma);
        const auto equals = item.find('=');
        const auto level = parse_level(equals == std::string_view::npos ? item : item.substr(equals + 1));
        if (!level) return level.error();
        if (equals == std::string_view::npos) {
            fallback = *level;
        } else {
            areas[std::string(item.substr(0, equals))] = *level;
        }
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    auto& all = levels();
    const std::lock_guard lock(all.mutex);
    all.fallback = fallback;
    all.areas = std::move(areas);
    spdlog::apply_all([&all](const std::shared_ptr<spdlog::logger>& each) { each->set_level(all.of(each->name())); });
    return {};
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string safe;
    while (!text.empty()) {
        const auto point = decode(text);
        std::string piece;
        if (point.length == 0) {
            piece = fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        } else if (is_harmful(point.value)) {
            piece = point.value < 0x100 ? fmt::format("\\x{:02x}", point.value) : fmt::format("\\u{:04x}", point.value);
        } else {
            piece = text.substr(0, point.length);
        }
        if (safe.size() + piece.size() > limit) return safe + "...";
        safe += piece;
        text.remove_prefix(std::max<std::size_t>(point.length, 1));
    }
    return safe;
}

}  // namespace tubes::base
