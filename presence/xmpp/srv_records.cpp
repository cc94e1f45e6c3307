// SPDX-License-Identifier: GPL-3.0-or-later
// Selection without replacement, as RFC 2782 describes it.
#include "presence/xmpp/srv_records.hpp"

#include <algorithm>
#include <tuple>

namespace tubes::presence::xmpp {
namespace {

/// Index into records[first, last) drawn by weight.
std::size_t draw(const std::vector<SrvRecord>& records, std::size_t first, std::size_t last, const RandomUpTo& random) {
    std::uint32_t sum = 0;
    for (std::size_t i = first; i < last; ++i) sum += records[i].weight;
    const std::uint32_t wanted = random(sum);
    std::uint32_t running = 0;
    for (std::size_t i = first; i < last; ++i) {
        running += records[i].weight;
        if (running >= wanted) return i;
    }
    return last - 1;
}

}  // namespace

std::vector<Target> order_targets(std::vector<SrvRecord> records, const RandomUpTo& random) {
    std::erase_if(records, [](const SrvRecord& r) { return r.host.empty() || r.host == "."; });
    // Weight 0 first within a priority, so that those keep their small chance (RFC 2782).
    std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
        return std::make_tuple(a.priority, a.weight != 0) < std::make_tuple(b.priority, b.weight != 0);
    });
    std::vector<Target> targets;
    for (std::size_t at = 0; at < records.size() && targets.size() < kMaxTargets; ++at) {
        std::size_t last = at;
        while (last < records.size() && records[last].priority == records[at].priority) ++last;
        const auto chosen = static_cast<std::ptrdiff_t>(draw(records, at, last, random));
        const auto here = records.begin() + static_cast<std::ptrdiff_t>(at);
        std::rotate(here, records.begin() + chosen, records.begin() + chosen + 1);
        targets.push_back({here->host, here->port, here->direct_tls});
    }
    return targets;
}

}  // namespace tubes::presence::xmpp
