// SPDX-License-Identifier: GPL-3.0-or-later
// Why a link is relayed, from the reports of its attempts.
#include "tubes/core/negotiation/path_report.hpp"

#include <fmt/format.h>

namespace tubes::core {
namespace {

std::string outcome(const AttemptReport& report, PathKind active) {
    if (!report.offered_by_peer) return "not offered by the other side";
    if (report.failure == make_error_code(Errc::unsupported)) return "nothing to try with these settings";
    if (report.failure) return report.failure->message();
    if (report.kind == PathKind::ice && active == PathKind::ice_relayed) return "no direct pair answered";
    if (!report.tried) return "not tried";
    return report.has_path ? "came up and was left" : "no answer so far";
}

}  // namespace

bool is_relayed(PathKind kind) noexcept {
    return kind == PathKind::ice_relayed || kind == PathKind::socks5 || kind == PathKind::in_band;
}

std::string why_relayed(PathKind active, const std::vector<AttemptReport>& reports, AddressPolicy addresses) {
    if (!is_relayed(active)) return {};
    std::string line;
    if (addresses == AddressPolicy::relay_only) line = "direct addresses are withheld from this contact (relay only)";
    for (const auto& report : reports) {
        if (report.kind >= active) continue;
        if (!line.empty()) line += "; ";
        line += fmt::format("{}: {}", to_string(report.kind), outcome(report, active));
    }
    return line.empty() ? "no direct transport is available" : line;
}

}  // namespace tubes::core
