// SPDX-License-Identifier: GPL-3.0-or-later
// The table of names.
#include "tubes/endpoints/dbus/names.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tubes::endpoints::dbus {
namespace {

/// The number at the end of a unique name of `occupant`, in the one form that make() gives it.
std::optional<std::uint32_t> number_of(std::string_view occupant, std::string_view name) {
    std::uint32_t number = 0;
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    std::from_chars(name.data() + dot + 1, name.data() + name.size(), number);
    if (number == 0 || name != Names::make(occupant, number)) return std::nullopt;
    return number;
}

}  // namespace

bool Names::is_occupant(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= kMaxOccupant && std::all_of(text.begin(), text.end(), allowed);
}

std::string Names::make(std::string_view occupant, std::uint32_t number) {
    return std::string(":").append(occupant).append(".").append(std::to_string(number));
}

std::string Names::occupant_in(std::string_view name) {
    const auto dot = name.rfind('.');
    if (!name.starts_with(':') || dot == std::string_view::npos) return {};
    const auto occupant = name.substr(1, dot - 1);
    return is_occupant(occupant) ? std::string(occupant) : std::string();
}

error_code Names::add(const std::string& occupant, std::string_view name) {
    const auto number = number_of(occupant, name);
    if (!number) return Errc::protocol_violation;
    if (!names_.contains(occupant) && names_.size() >= kMaxOccupants) return Errc::limit_exceeded;
    auto& names = names_[occupant];
    if (names.contains(*number)) return Errc::already_exists;
    if (names.size() >= kMaxNamesOfOccupant) return Errc::limit_exceeded;
    names.emplace(*number, name);
    return {};
}

bool Names::remove(const std::string& occupant, std::string_view name) {
    const auto number = number_of(occupant, name);
    const auto found = names_.find(occupant);
    if (!number || found == names_.end() || found->second.erase(*number) == 0) return false;
    if (found->second.empty()) names_.erase(found);
    if (name == claimant_) claimant_.clear();
    return true;
}

bool Names::has(const std::string& occupant, std::string_view name) const {
    const auto number = number_of(occupant, name);
    const auto found = names_.find(occupant);
    return number && found != names_.end() && found->second.contains(*number);
}

std::vector<std::string> Names::of(const std::string& occupant) const {
    std::vector<std::string> result;
    const auto found = names_.find(occupant);
    if (found == names_.end()) return result;
    for (const auto& [number, name] : found->second) result.push_back(name);
    return result;
}

std::vector<std::string> Names::all() const {
    std::vector<std::string> result;
    for (const auto& [occupant, names] : names_) {
        for (const auto& [number, name] : names) result.push_back(name);
    }
    return result;
}

std::string Names::service_owner() const {
    if (!claimant_.empty()) return claimant_;
    const auto found = names_.find(owner_);
    return found == names_.end() || found->second.empty() ? std::string() : found->second.begin()->second;
}

std::string Names::resolve(std::string_view destination) const {
    if (destination == service_) return service_owner();
    return occupant_of(destination).empty() ? std::string() : std::string(destination);
}

std::string Names::occupant_of(std::string_view name) const {
    auto occupant = occupant_in(name);
    return has(occupant, name) ? occupant : std::string();
}

std::string Names::other_side(const std::string& occupant) const {
    if (occupant != owner_) return service_owner();
    for (const auto& [other, names] : names_) {
        if (other != occupant && !names.empty()) return names.begin()->second;
    }
    return {};
}

}  // namespace tubes::endpoints::dbus
