// SPDX-License-Identifier: GPL-3.0-or-later
// Shares, offers and the streams that peers open in them.
#include "tubes/engine/shares.hpp"

#include <algorithm>

#include "tubes/engine/accounts.hpp"
#include "tubes/engine/contacts.hpp"
#include "tubes/engine/engine.hpp"
#include "tubes/engine/rooms.hpp"
#include "tubes/engine/streams.hpp"
#include "tubes/engine/tube_kind.hpp"

namespace tubes::engine {
namespace {

/// What a Share object holds: names, and the way to the loop.
class ShareCore final : public detail::ShareBackend {
public:
    ShareCore(std::shared_ptr<Loop> loop, std::weak_ptr<Engine> engine, Shares::Number number, std::string service,
              std::string offer_id, Endpoint target)
        : loop_(std::move(loop)),
          engine_(std::move(engine)),
          number_(number),
          service_(std::move(service)),
          offer_id_(std::move(offer_id)),
          target_(std::move(target)) {}

    const std::string& service() const override { return service_; }
    const std::string& offer_id() const override { return offer_id_; }
    Endpoint target() const override { return target_; }
    void accept(detail::Handler<Stream> handler) override {
        auto done = Completion<Stream>::make(loop_, std::move(handler));
        const auto refused = loop_->post([engine = engine_, number = number_, done] {
            auto alive = engine.lock();
            if (!alive || alive->is_closed()) return done->fail(Errc::cancelled);
            alive->shares().accept(number, done);
        });
        if (refused) done->fail(*refused);
    }
    void accept_flow(detail::Handler<DatagramFlow> handler) override {
        auto done = Completion<DatagramFlow>::make(loop_, std::move(handler));
        const auto refused = loop_->post([engine = engine_, number = number_, done] {
            auto alive = engine.lock();
            if (!alive || alive->is_closed()) return done->fail(Errc::cancelled);
            alive->shares().accept_flow(number, done);
        });
        if (refused) done->fail(*refused);
    }
    void close() override {
        loop_->post([engine = engine_, number = number_] {
            if (auto alive = engine.lock()) alive->shares().close(number);
        });
    }

private:
    std::shared_ptr<Loop> loop_;
    std::weak_ptr<Engine> engine_;
    Shares::Number number_;
    std::string service_;
    std::string offer_id_;
    Endpoint target_;
};

/// unsupported for a kind that this build does not have, invalid_argument for a name or target that is none for it.
template <class Options>
error_code check(const Options& options) {
    const auto* kind = find_tube_kind(options.kind);
    if (!kind) return make_error_code(Errc::unsupported);
    const bool good = is_valid_service_name(options.service) && kind->takes_service(options.service) &&
                      kind->takes_target(options.target);
    return good ? error_code() : make_error_code(Errc::invalid_argument);
}

}  // namespace

result<core::ShareSpec> Shares::to_spec(const ShareOptions& options) const {
    if (const auto wrong = check(options)) return wrong;
    const bool can_web = options.kind == TubeKind::stream && !options.audience.empty();
    if (options.webrtc && !can_web) return make_error_code(Errc::invalid_argument);
    if (!options.account.empty() && !engine_.accounts().find(options.account)) return make_error_code(Errc::not_found);
    core::ShareSpec spec;
    spec.service = options.service;
    spec.kind = options.kind;
    spec.parameters = options.parameters;
    spec.account = options.account;
    spec.policy = options.policy;
    spec.trust_first_key = options.trust_first_key;
    spec.web = options.webrtc;
    for (const auto& contact : options.audience) {
        const auto who = engine_.contacts().resolve(contact, options.account);
        if (!who) return who.error();
        spec.audience.push_back(who->contact);
    }
    return spec;
}

void Shares::share(ShareOptions options, CompletionPointer<Share> done) {
    auto spec = to_spec(options);
    if (!spec) return done->fail(spec.error());
    Entry entry;
    entry.info = {options.service, options.kind, options.target.to_string(), options.audience, options.policy};
    entry.target = options.target;
    const auto is_room = [this](const core::ContactAddress& address) { return engine_.rooms().is_room(address); };
    const bool is_for_room = std::any_of(spec->audience.begin(), spec->audience.end(), is_room);
    if (const auto error = open_end(entry, is_for_room)) return done->fail(error);
    const auto shared = engine_.broker().share(std::move(*spec));
    if (!shared) return done->fail(shared.error());
    done->succeed(add(std::move(entry)));
}

void Shares::offer(OfferOptions options, CompletionPointer<Share> done) {
    if (const auto wrong = check(options)) return done->fail(wrong);
    const auto who = engine_.contacts().resolve(options.contact, options.account);
    if (!who) return done->fail(who.error());
    core::OfferSpec spec;
    spec.account = who->account;
    spec.contact = who->contact;
    spec.service = options.service;
    spec.kind = options.kind;
    spec.parameters = options.parameters;
    spec.lifetime = options.lifetime;
    Entry entry;
    entry.info = {options.service, options.kind, options.target.to_string(), {who->contact.value}, Policy::always};
    entry.target = options.target;
    if (const auto error = open_end(entry, false)) return done->fail(error);
    const auto offered = engine_.broker().offer(std::move(spec));
    if (!offered) return done->fail(offered.error());
    entry.offer = *offered;
    done->succeed(add(std::move(entry)));
}

error_code Shares::open_end(Entry& entry, bool is_for_room) {
    auto end = find_tube_kind(entry.info.kind)->open_shared(engine_, entry.info.service, entry.target, is_for_room);
    if (!end) return end.error();
    if (!*end) return {};
    entry.end = std::move(*end);
    entry.target = entry.end->endpoint();
    entry.info.target = entry.target.to_string();
    return {};
}

Share Shares::add(Entry entry) {
    const auto number = next_number_++;
    auto core = std::make_shared<ShareCore>(engine_.loop(), engine_.weak_from_this(), number, entry.info.service,
                                            entry.offer ? entry.offer->hex() : std::string(), entry.target);
    entries_.emplace(number, std::move(entry));
    return Share(std::move(core));
}

std::vector<ShareInfo> Shares::list() const {
    std::vector<ShareInfo> list;
    for (const auto& [number, entry] : entries_) {
        if (!entry.offer && !entry.ended) list.push_back(entry.info);
    }
    return list;
}

void Shares::accept(Number number, CompletionPointer<Stream> done) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return done->fail(Errc::cancelled);
    const bool takes = found->second.info.kind == TubeKind::stream;
    if (!takes || found->second.target.kind != Endpoint::Kind::in_process) return done->fail(Errc::invalid_argument);
    take_next(found->second, found->second.accepts, std::move(done));
}

void Shares::accept_flow(Number number, CompletionPointer<DatagramFlow> done) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return done->fail(Errc::cancelled);
    const bool takes = found->second.info.kind == TubeKind::datagram;
    if (!takes || found->second.target.kind != Endpoint::Kind::in_process) return done->fail(Errc::invalid_argument);
    take_next(found->second, found->second.flow_accepts, std::move(done));
}

void Shares::adopt(const CompletionPointer<Stream>& accept, std::shared_ptr<core::Stream> stream) {
    accept->succeed(engine_.streams().adopt(std::move(stream)));
}

void Shares::adopt(const CompletionPointer<DatagramFlow>& accept, std::shared_ptr<core::Stream> flow) {
    accept->succeed(engine_.streams().adopt_flow(std::move(flow)));
}

template <class Accepts, class Accept>
void Shares::take_next(Entry& entry, Accepts& accepts, Accept done) {
    if (!entry.streams.empty()) {
        auto stream = std::move(entry.streams.front());
        entry.streams.pop_front();
        return adopt(done, std::move(stream));
    }
    if (entry.ended) return done->fail(*entry.ended);
    std::erase_if(accepts, [](const auto& accept) { return accept->is_done(); });
    accepts.push_back(std::move(done));
}

/// True if somebody waited and has it now.
template <class Accepts>
bool Shares::hand_to_next(Accepts& accepts, std::shared_ptr<core::Stream>& stream) {
    while (!accepts.empty()) {
        auto accept = std::move(accepts.front());
        accepts.pop_front();
        if (accept->is_done()) continue;
        adopt(accept, std::move(stream));
        return true;
    }
    return false;
}

void Shares::close(Number number, Errc reason) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return;
    auto entry = std::move(found->second);
    entries_.erase(found);
    std::vector<core::TubeId> open;
    for (const auto& [tube, user] : tubes_) {
        if (user.share == number) open.push_back(tube);
    }
    for (const auto& tube : open) {
        tubes_.erase(tube);
        engine_.broker().close_tube(tube, Errc::cancelled);
    }
    if (entry.offer) {
        static_cast<void>(engine_.broker().withdraw(*entry.offer));
    } else {
        static_cast<void>(engine_.broker().unshare(entry.info.service));
    }
    end(entry, reason);
}

void Shares::end(Entry& entry, Errc reason) {
    entry.ended = reason;
    if (entry.end) entry.end->close();
    for (auto& stream : std::exchange(entry.streams, {})) stream->reset(Errc::connection_refused);
    for (auto& accept : std::exchange(entry.accepts, {})) accept->fail(reason);
    for (auto& accept : std::exchange(entry.flow_accepts, {})) accept->fail(reason);
}

void Shares::close_all() {
    while (!entries_.empty()) close(entries_.begin()->first);
    tubes_.clear();
}

std::optional<Shares::Number> Shares::number_of(const core::TubeStatus& tube) const {
    for (const auto& [number, entry] : entries_) {
        if (tube.offer ? entry.offer == tube.offer : !entry.offer && entry.info.service == tube.service) return number;
    }
    return std::nullopt;
}

void Shares::on_tube_open(const core::TubeStatus& tube) {
    if (const auto number = number_of(tube)) tubes_[tube.id] = {*number, tube.room ? tube.peer.contact.value : ""};
}

void Shares::on_tube_closed(const core::TubeId& tube) {
    tubes_.erase(tube);
}

// Taken: the tube follows or is there. Else nothing will come any more.
void Shares::on_offer_ended(const core::OfferId& id, Errc reason) {
    if (reason == Errc::taken) return;
    for (auto& [number, entry] : entries_) {
        if (entry.offer == id) end(entry, reason);
    }
}

Shares::Entry* Shares::find(const core::TubeId& tube) {
    const auto user = tubes_.find(tube);
    if (user == tubes_.end()) return nullptr;
    const auto entry = entries_.find(user->second.share);
    return entry == entries_.end() ? nullptr : &entry->second;
}

void Shares::on_stream(const core::TubeId& tube, std::shared_ptr<core::Stream> stream) {
    auto* entry = find(tube);
    if (!entry) return stream->reset(Errc::not_available);
    if (entry->target.kind == Endpoint::Kind::in_process) return hand_over(*entry, std::move(stream));
    join_target(*entry, tubes_.at(tube).occupant, std::move(stream));
}

void Shares::hand_over(Entry& entry, std::shared_ptr<core::Stream> stream) {
    if (hand_to_next(entry.accepts, stream) || hand_to_next(entry.flow_accepts, stream)) return;
    if (entry.streams.size() >= kMaxWaitingStreams) return stream->reset(Errc::connection_refused);
    entry.streams.push_back(std::move(stream));
}

void Shares::join_target(Entry& entry, const std::string& occupant, std::shared_ptr<core::Stream> stream) {
    if (entry.target.kind == Endpoint::Kind::descriptors && std::exchange(entry.is_target_used, true)) {
        return stream->reset(Errc::connection_refused);
    }
    if (entry.end) return entry.end->join(occupant, std::move(stream));
    find_tube_kind(entry.info.kind)->join_target(engine_, entry.info, entry.target, std::move(stream));
}

}  // namespace tubes::engine
