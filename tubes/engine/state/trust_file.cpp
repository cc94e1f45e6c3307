// SPDX-License-Identifier: GPL-3.0-or-later
// pins.json: {"version": 1, "accounts": {ACCOUNT: {CONTACT: {KEY: {accepted, verified, first_seen}}}}}.
#include "tubes/engine/state/trust_file.hpp"

#include <chrono>

namespace tubes::engine {
namespace {

using Json = StateFile::Json;
using core::ports::Pin;

constexpr int kVersion = 1;

std::int64_t now_seconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

// The object at a path of names; null if any step is missing or something else.
const Json* descend(const Json& from, std::initializer_list<std::string> names) {
    const Json* here = &from;
    for (const auto& name : names) {
        const auto next = here->find(name);
        if (next == here->end() || !next->is_object()) return nullptr;
        here = &*next;
    }
    return here;
}

bool flag(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::int64_t number(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

Json& child(Json& parent, const std::string& name) {
    auto& value = parent[name];
    if (!value.is_object()) value = Json::object();
    return value;
}

}  // namespace

result<std::unique_ptr<TrustFile>> TrustFile::open(const std::filesystem::path& directory) {
    auto file = StateFile::open(directory / "pins.json", kVersion);
    if (!file) return file.error();
    return std::unique_ptr<TrustFile>(new TrustFile(std::move(*file)));
}

std::vector<Pin> TrustFile::pins(const core::ports::AccountName& account, const core::ContactAddress& contact) const {
    std::vector<Pin> list;
    const auto* keys = descend(file_.content(), {"accounts", account, contact.value});
    if (!keys) return list;
    for (const auto& [text, value] : keys->items()) {
        const auto key = core::PublicKey::from_hex(text);
        if (!key || !value.is_object()) continue;
        Pin pin;
        pin.key = *key;
        pin.verified = flag(value, "verified");
        pin.accepted = pin.verified || flag(value, "accepted");
        pin.first_seen = number(value, "first_seen");
        list.push_back(pin);
    }
    return list;
}

result<void> TrustFile::put(const core::ports::AccountName& account, const core::ContactAddress& contact,
                            const Pin& pin) {
    return file_.update([&](Json& content) -> result<void> {
        auto& keys = child(child(child(content, "accounts"), account), contact.value);
        const auto name = pin.key.hex();
        if (!keys.contains(name) && keys.size() >= kMaxKeys) return make_error_code(Errc::limit_exceeded);
        auto& entry = child(keys, name);
        const auto seen_before = number(entry, "first_seen");
        entry["accepted"] = pin.accepted || pin.verified;
        entry["verified"] = pin.verified;
        const auto first_seen = pin.first_seen != 0 ? pin.first_seen : seen_before;
        entry["first_seen"] = first_seen != 0 ? first_seen : now_seconds();
        return {};
    });
}

result<void> TrustFile::remove(const core::ports::AccountName& account, const core::ContactAddress& contact,
                               const core::PublicKey& key) {
    return file_.update([&](Json& content) -> result<void> {
        auto& keys = child(child(child(content, "accounts"), account), contact.value);
        if (keys.erase(key.hex()) == 0) return make_error_code(Errc::not_found);
        return {};
    });
}

}  // namespace tubes::engine
