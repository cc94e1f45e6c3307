// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/names.hpp"

#include <cstdint>

namespace editor {
namespace {

constexpr std::string_view kServices = "org.tubes.editor.";
constexpr std::string_view kInvitedMark = ".invited-";

}  // namespace

std::string service_for(std::string_view title) {
    return std::string(kServices).append(title);
}

std::string invited_service(std::string_view title, std::string_view contact) {
    std::uint32_t hash = 2166136261;  // FNV-1a: a name, not a secret
    for (const char letter : contact) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619;
    return service_for(title).append(kInvitedMark).append(std::to_string(hash));
}

bool is_document(std::string_view service) {
    return service.size() > kServices.size() && service.substr(0, kServices.size()) == kServices;
}

bool is_invited_service(std::string_view service) {
    return is_document(service) && service.rfind(kInvitedMark) != std::string_view::npos;
}

std::string person_of(const std::string& nick) {
    const auto dash = nick.rfind('-');
    return dash == std::string::npos || dash == 0 ? nick : nick.substr(0, dash);
}

std::string title_of(std::string_view service) {
    if (!is_document(service)) return {};
    const auto title = service.substr(kServices.size());
    return std::string(title.substr(0, title.rfind(kInvitedMark)));
}

}  // namespace editor
