// SPDX-License-Identifier: GPL-3.0-or-later
// Who is on the bus: the unique names of every occupant's programs, and who owns the tube's well-known name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tubes/error.hpp"

namespace tubes::endpoints::dbus {

/// A unique name is `:OCCUPANT.NUMBER`: the occupant's id, `[A-Za-z0-9_-]`, and a number that is never used again.
class Names {
public:
    static constexpr std::size_t kMaxOccupant = 64;         ///< characters of an occupant's id
    static constexpr std::size_t kMaxNamesOfOccupant = 64;  ///< programs that one occupant has on the bus
    static constexpr std::size_t kMaxOccupants = 128;       ///< with programs on the bus

    /// `owner` is the occupant whose first program owns `service`, the tube's name.
    Names(std::string service, std::string owner) : service_(std::move(service)), owner_(std::move(owner)) {}

    static bool is_occupant(std::string_view text);
    static std::string make(std::string_view occupant, std::uint32_t number);
    /// The occupant that a unique name, present or not, would belong to; empty if it is none.
    static std::string occupant_in(std::string_view name);

    /// already_exists; protocol_violation: not a name of this occupant; limit_exceeded.
    error_code add(const std::string& occupant, std::string_view name);
    /// False if there is no such name.
    bool remove(const std::string& occupant, std::string_view name);

    /// Whether `name` is a present unique name of `occupant`.
    bool has(const std::string& occupant, std::string_view name) const;
    std::vector<std::string> of(const std::string& occupant) const;
    std::vector<std::string> all() const;

    const std::string& service() const { return service_; }
    /// The unique name that owns the tube's name: the owner's program that asked for it, else the one that has been
    /// here longest; empty for none.
    std::string service_owner() const;
    const std::string& owner() const { return owner_; }
    /// Who asked for the tube's name: a present unique name of the owner's, or empty for nobody. Ends with that name.
    const std::string& claimant() const { return claimant_; }
    void set_claimant(std::string name) { claimant_ = std::move(name); }
    /// What a destination means: a present unique name, the owner of the tube's name, or nothing.
    std::string resolve(std::string_view destination) const;
    /// The occupant of a present unique name; empty for none.
    std::string occupant_of(std::string_view name) const;
    /// Where a call without a destination goes, as between two programs that know no bus: from `occupant` to the owner
    /// of the tube's name, from that one's side to the program that has been here longest at the other's.
    std::string other_side(const std::string& occupant) const;

private:
    std::string service_;
    std::string owner_;
    std::string claimant_;
    std::map<std::string, std::map<std::uint32_t, std::string>, std::less<>> names_;  // by occupant and number
};

}  // namespace tubes::endpoints::dbus
