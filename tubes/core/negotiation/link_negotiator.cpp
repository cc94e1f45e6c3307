// SPDX-License-Identifier: GPL-3.0-or-later
// Generations, restarts and their back-off.
#include "tubes/core/negotiation/link_negotiator.hpp"

#include <algorithm>

#include "tubes/base/log.hpp"

namespace tubes::core {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kServersDeadline{2000};  // Without an answer by then the race runs without STUN and TURN.
constexpr milliseconds kSettle{10000};          // After the first path, better ones may still come up for this long.
constexpr milliseconds kFirstBackOff{1000};     // Between restarts that failed; doubles ...
constexpr milliseconds kLongestBackOff{30000};  // ... up to this.
constexpr int kMostDoublings = 6;
constexpr milliseconds kFirstLook{60000};       // A relayed link looks for something better after this; doubles ...
constexpr milliseconds kLongestLook{3600000};   // ... up to this.
constexpr milliseconds kRenewBefore{30000};     // Credentials of relays are replaced so long before their end.
constexpr int kMostTriesBesidePath = 4;         // Restarts that fail while the link has a path that works.
constexpr std::uint32_t kGenerationJump = 256;  // A restart may be ahead of us by the ones that were lost.

}  // namespace

LinkNegotiator::LinkNegotiator(NegotiatorConfiguration configuration, ports::Scheduler& scheduler,
                               std::vector<ports::Transport*> transports, FindServers find_servers, Handler& handler)
    : configuration_(std::move(configuration)),
      scheduler_(scheduler),
      transports_(std::move(transports)),
      find_servers_(std::move(find_servers)),
      handler_(handler) {}

LinkNegotiator::~LinkNegotiator() = default;

void LinkNegotiator::prepare() {
    begin(0);
}

void LinkNegotiator::begin(std::uint32_t generation) {
    retire();
    generation_ = generation;
    signaled_ = false;
    std::weak_ptr<int> alive = alive_;
    const auto ready = [this, alive, generation](std::vector<ports::IceServer> servers) {
        if (alive.expired() || closed_ || race_ || generation != generation_) return;
        make_race(std::move(servers));
    };
    servers_timer_ = scheduler_.call_at(scheduler_.now() + kServersDeadline, [ready] { ready({}); });
    find_servers_(ready);
}

void LinkNegotiator::make_race(std::vector<ports::IceServer> servers) {
    servers_timer_.reset();
    ports::AttemptParameters parameters;
    parameters.link = configuration_.link;
    parameters.generation = generation_;
    parameters.role = configuration_.role;
    parameters.addresses = configuration_.addresses;
    parameters.same_user = configuration_.same_user;
    credentials_end_.reset();
    for (const auto& server : servers) {
        const auto end = scheduler_.now() + server.valid_for;
        if (server.valid_for.count() > 0 && (!credentials_end_ || end < *credentials_end_)) credentials_end_ = end;
    }
    parameters.servers = std::move(servers);
    parameters.carrier = configuration_.carrier;
    Race::Handler& handler = *this;
    race_ = std::make_unique<Race>(scheduler_, transports_, parameters, handler);
    race_->start();
    apply_inbox();
}

void LinkNegotiator::apply_inbox() {
    if (!race_) return;
    if (accepted_ && inbox_.descriptions && !race_->has_remote()) {
        race_->set_remote(*inbox_.descriptions);
        inbox_.descriptions.reset();
    }
    if (inbox_.candidates.empty() && !inbox_.end) return;
    race_->add_remote(std::exchange(inbox_.candidates, {}), std::exchange(inbox_.end, false));
}

void LinkNegotiator::on_race_described(std::vector<ports::TransportDescription> descriptions) {
    if (generation_ == 0) {
        signaled_ = true;
        if (accepted_) race_->open_candidates();
        return handler_.on_prepared(std::move(descriptions));
    }
    if (descriptions.empty()) return give_up_race();
    signaled_ = true;
    LinkRestart restart{configuration_.link, generation_, answering_, std::move(descriptions)};
    std::weak_ptr<int> alive = alive_;
    const auto generation = generation_;
    handler_.send_negotiation(std::move(restart), [this, alive, generation](error_code error) {
        if (!error || alive.expired() || closed_ || generation != generation_) return;
        give_up_race();
    });
    race_->open_candidates();
}

void LinkNegotiator::accepted(const std::vector<ports::TransportDescription>& remote) {
    accepted_ = true;
    inbox_.descriptions = remote;
    if (race_ && signaled_) race_->open_candidates();
    apply_inbox();
    arm_deadline();
}

void LinkNegotiator::on_candidates(const LinkCandidates& message) {
    if (closed_ || message.generation != generation_) return;
    if (race_ && accepted_) {
        race_->add_remote(message.candidates, message.end);
        return;
    }
    // Early ones wait, bounded like those of a race.
    const auto room = RaceLimits::kMaxCandidates - std::min(RaceLimits::kMaxCandidates, inbox_.candidates.size());
    const auto count = std::min(room, message.candidates.size());
    inbox_.candidates.insert(inbox_.candidates.end(), message.candidates.begin(),
                             message.candidates.begin() + static_cast<std::ptrdiff_t>(count));
    inbox_.end = inbox_.end || message.end;
}

void LinkNegotiator::on_restart(const LinkRestart& message) {
    if (closed_ || !accepted_) return;
    if (message.generation < generation_) {
        // The peer has missed restarts of ours, and would not get through with its own: it can be reached now.
        return message.answer ? void() : connection_restored();
    }
    if (message.generation == generation_) {
        if (generation_ == 0 || (race_ && race_->has_remote())) return;
        inbox_.descriptions = message.transports;
        answering_ = answering_ || !signaled_;
        return apply_inbox();
    }
    if (message.answer || message.generation - generation_ > kGenerationJump) return;
    base::logger("negotiation")
        ->debug("{}: peer restarts, generation {}", configuration_.link.hex(), message.generation);
    restart_timer_.reset();
    look_again_timer_.reset();
    answering_ = true;
    begin(message.generation);
    inbox_.descriptions = message.transports;
    apply_inbox();
    arm_deadline();
}

void LinkNegotiator::on_race_candidates(std::vector<ports::Candidate> candidates, bool end) {
    handler_.send_negotiation(LinkCandidates{configuration_.link, generation_, std::move(candidates), end}, {});
}

void LinkNegotiator::on_race_path(std::unique_ptr<ports::MessagePath> path) {
    handler_.on_negotiated_path(std::move(path), generation_);
}

void LinkNegotiator::on_race_failed() {
    give_up_race();
}

void LinkNegotiator::link_changed(const LinkStatus& status) {
    const auto active = std::find_if(status.paths.begin(), status.paths.end(), [](const auto& p) { return p.active; });
    has_path_ = status.state == LinkState::open && active != status.paths.end();
    if (!has_path_) {
        look_again_timer_.reset();
        if (status.state == LinkState::stalled) schedule_restart();
        return;
    }
    was_open_ = true;
    active_kind_ = active->info.kind;
    look_again_later();
    // While it is suspect, one race is started; whether it was right the probes tell.
    if (status.suspect) return race_ ? void() : schedule_restart();
    if (!restart_wanted_) restart_timer_.reset();
    if (active->generation != generation_) return;  // the race for another one goes on
    failures_ = 0;
    restart_wanted_ = false;
    restart_timer_.reset();
    if (!race_) return;
    race_->narrow(active->info.kind);
    if (race_->is_over()) return retire();
    if (!settle_timer_) settle_timer_ = scheduler_.call_at(scheduler_.now() + kSettle, [this] { retire(); });
}

void LinkNegotiator::path_refused(PathKind kind, error_code reason) {
    if (race_) race_->path_refused(kind, reason);
}

void LinkNegotiator::network_changed() {
    // A path inside this machine needs no network.
    if (closed_ || !accepted_ || (has_path_ && active_kind_ <= PathKind::local)) return;
    failures_ = 0;
    looks_ = 0;
    restart_wanted_ = true;
    restart_timer_ = scheduler_.call_at(scheduler_.now(), [this] { restart(); });
}

void LinkNegotiator::connection_restored() {
    const bool unanswered = race_ && accepted_ && generation_ > 0 && !race_->has_remote();
    if (closed_ || (!restart_timer_ && !unanswered)) return;
    failures_ = 0;
    restart_timer_ = scheduler_.call_at(scheduler_.now(), [this] { restart(); });
}

// A relay costs somebody money and time, and its credentials end: now and then the link looks for something better.
void LinkNegotiator::look_again_later() {
    if (closed_ || !is_relayed()) {
        looks_ = 0;
        return look_again_timer_.reset();
    }
    if (look_again_timer_) return;
    auto when = scheduler_.now() + std::min(kFirstLook * (1 << std::min(looks_, kMostDoublings)), kLongestLook);
    if (credentials_end_)
        when = std::min(when, std::max(*credentials_end_ - kRenewBefore, scheduler_.now() + kFirstBackOff));
    look_again_timer_ = scheduler_.call_at(when, [this] {
        ++looks_;
        restart_wanted_ = true;
        restart();
    });
}

void LinkNegotiator::schedule_restart() {
    if (closed_ || restart_timer_) return;
    auto wait = failures_ == 0 ? milliseconds(0) : kFirstBackOff * (1 << std::min(failures_ - 1, kMostDoublings));
    // While a race runs its own end decides; the very first failure of a link starts over at once.
    if (race_ && failures_ > 0) return;
    wait = std::min(wait, kLongestBackOff);
    restart_timer_ = scheduler_.call_at(scheduler_.now() + wait, [this] { restart(); });
}

void LinkNegotiator::restart() {
    restart_timer_.reset();
    look_again_timer_.reset();
    base::logger("negotiation")->debug("{}: restart, generation {}", configuration_.link.hex(), generation_ + 1);
    answering_ = false;
    begin(generation_ + 1);
    arm_deadline();
}

void LinkNegotiator::arm_deadline() {
    deadline_timer_ = scheduler_.call_at(scheduler_.now() + configuration_.deadline, [this] { on_deadline(); });
}

void LinkNegotiator::on_deadline() {
    if (!has_path_) return give_up_race();
    restart_wanted_ = false;
    retire();
    look_again_later();
}

void LinkNegotiator::give_up_race() {
    retire();
    look_again_later();
    if (has_path_ && !restart_wanted_) return;
    if (!was_open_) {
        closed_ = true;
        return handler_.on_no_path();
    }
    ++failures_;
    if (has_path_ && failures_ > kMostTriesBesidePath) {
        restart_wanted_ = false;
        return;
    }
    schedule_restart();
}

void LinkNegotiator::retire() {
    servers_timer_.reset();
    deadline_timer_.reset();
    settle_timer_.reset();
    inbox_ = {};
    if (!race_) return;
    reports_ = race_->reports();
    race_->close();
    // The race may be the one that is calling just now.
    scheduler_.post([race = std::shared_ptr<Race>(std::move(race_))] {});
}

void LinkNegotiator::close() {
    closed_ = true;
    restart_timer_.reset();
    look_again_timer_.reset();
    retire();
}

std::string LinkNegotiator::why_relayed(PathKind active) const {
    return core::why_relayed(active, race_ ? race_->reports() : reports_, configuration_.addresses);
}

}  // namespace tubes::core
