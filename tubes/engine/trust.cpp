// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and policies of contacts.
#include "tubes/engine/accounts.hpp"
#include "tubes/engine/contacts.hpp"
#include "tubes/engine/convert.hpp"
#include "tubes/engine/engine.hpp"

namespace tubes::engine {

void Contacts::pins(const std::string& contact, CompletionPointer<std::vector<PinInfo>> done) const {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    const auto* identity = engine_.accounts().identity(who->account);
    const auto* connection = engine_.broker().connection(who->account);
    if (!identity || !connection) return done->fail(Errc::not_connected);
    const auto self = connection->info().self;
    std::vector<PinInfo> list;
    for (const auto& pin : engine_.profile().trust->pins(who->account, who->contact)) {
        PinInfo info;
        info.device = device_name(pin.key, engine_.crypto());
        info.key = pin.key.hex();
        info.digits = core::verification_digits(engine_.crypto(), self, identity->public_key(), who->contact, pin.key);
        info.accepted = pin.accepted;
        info.verified = pin.verified;
        info.first_seen = std::chrono::system_clock::time_point(std::chrono::seconds(pin.first_seen));
        list.push_back(std::move(info));
    }
    done->succeed(std::move(list));
}

std::optional<core::ports::Pin> Contacts::find_pin(const Resolved& who, const std::string& device) const {
    for (const auto& pin : engine_.profile().trust->pins(who.account, who.contact)) {
        if (device_name(pin.key, engine_.crypto()) == device) return pin;
    }
    return std::nullopt;
}

void Contacts::set_pin(const std::string& contact, const std::string& device, bool verified, CompletionPointer<> done) {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    auto pin = find_pin(*who, device);
    if (!pin) return done->fail(Errc::not_found);
    if (!verified) return forget_key(*who, *pin, std::move(done));
    pin->accepted = true;
    pin->verified = true;
    const auto kept = engine_.profile().trust->put(who->account, who->contact, *pin);
    done->finish(kept ? error_code() : kept.error());
}

void Contacts::forget_key(const Resolved& who, const core::ports::Pin& pin, CompletionPointer<> done) {
    const auto removed = engine_.profile().trust->remove(who.account, who.contact, pin.key);
    if (!removed) return done->fail(removed.error());
    for (const auto& tube : engine_.broker().tubes()) {
        const bool is_theirs = tube.account == who.account && tube.peer.contact == who.contact;
        if (is_theirs && tube.peer_key == pin.key) engine_.broker().close_tube(tube.id, Errc::key_changed);
    }
    engine_.broker().policies_changed();
    done->succeed();
}

void Contacts::compare(const std::string& contact, CompletionPointer<std::string> done) {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    for (const auto& link : engine_.broker().links()) {
        const bool is_theirs = link.account == who->account && link.peer.contact == who->contact;
        if (!is_theirs || link.status.state != core::LinkState::open) continue;
        return engine_.broker().start_verification(link.id, [done](result<std::string> text) {
            if (!text) return done->fail(text.error());
            done->succeed(std::move(*text));
        });
    }
    done->fail(Errc::not_found);
}

void Contacts::set_policy(const std::string& contact, const std::string& service, Policy policy,
                          CompletionPointer<> done) {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    if (!service.empty() && !is_valid_service_name(service)) return done->fail(Errc::invalid_argument);
    PolicyEntry entry;
    entry.account = who->account;
    entry.contact = who->contact.value;
    entry.service = service;
    entry.policy = policy;
    const auto kept = engine_.profile().config->set_policy(entry);
    if (!kept) return done->fail(kept.error());
    engine_.broker().policies_changed();
    done->succeed();
}

}  // namespace tubes::engine
