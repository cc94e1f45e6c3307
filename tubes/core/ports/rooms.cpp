// SPDX-License-Identifier: GPL-3.0-or-later
// The size of announcements.
#include "tubes/core/ports/rooms.hpp"

namespace tubes::core::ports {
namespace {

struct ValueSize {
    std::size_t operator()(const std::string& text) const { return text.size(); }
    std::size_t operator()(const std::vector<std::uint8_t>& bytes) const { return bytes.size(); }
    template <class Number>
    std::size_t operator()(Number) const {
        return sizeof(Number);
    }
};

}  // namespace

std::size_t announced_size(const ServiceInfo& service) noexcept {
    std::size_t size = service.name.size();
    for (const auto& [name, value] : service.parameters) size += name.size() + std::visit(ValueSize{}, value);
    return size;
}

}  // namespace tubes::core::ports
