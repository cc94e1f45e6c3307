// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/http_guard.hpp"

#include <algorithm>

namespace editor {

HttpGuard::HttpGuard(PageIdentity identity)
    : identity_(std::move(identity)),
      cookie_name_("editor-" + std::to_string(identity_.port)),  // several editors run beside each other
      token_(make_secret()),
      numeric_host_("127.0.0.1:" + std::to_string(identity_.port)),
      named_host_("localhost:" + std::to_string(identity_.port)) {}

bool HttpGuard::is_host_allowed(std::string_view host) const {
    return host == numeric_host_ || host == named_host_;
}

bool HttpGuard::is_origin_allowed(std::string_view origin) const {
    constexpr std::string_view kScheme = "http://";
    return origin.substr(0, kScheme.size()) == kScheme && is_host_allowed(origin.substr(kScheme.size()));
}

bool HttpGuard::has_session(std::string_view cookies) const {
    while (!cookies.empty()) {
        const auto end = std::min(cookies.find(';'), cookies.size());
        auto cookie = cookies.substr(0, end);
        while (!cookie.empty() && cookie.front() == ' ') cookie.remove_prefix(1);
        if (cookie.size() > cookie_name_.size() && cookie.substr(0, cookie_name_.size()) == cookie_name_ &&
            cookie[cookie_name_.size()] == '=' &&
            equals_secret(cookie.substr(cookie_name_.size() + 1), identity_.cookie)) {
            return true;
        }
        cookies.remove_prefix(std::min(end + 1, cookies.size()));
    }
    return false;
}

std::string HttpGuard::session_cookie() const {
    return cookie_name_ + "=" + identity_.cookie + "; HttpOnly; SameSite=Strict; Path=/";
}

std::optional<std::string> HttpGuard::welcome(std::string_view nonce, std::string_view proof) const {
    constexpr std::string_view kToken = "token ", kKey = "key ";
    constexpr std::size_t kNonceSize = 64;
    if (proof.substr(0, kToken.size()) == kToken) {
        if (!is_token(proof.substr(kToken.size()))) return std::nullopt;
        return std::string(kKey) + identity_.key;
    }
    if (proof.substr(0, kKey.size()) != kKey || proof.size() != kKey.size() + 2 * kNonceSize + 1) return std::nullopt;
    const auto page_nonce = proof.substr(kKey.size(), kNonceSize);
    const auto given = proof.substr(kKey.size() + kNonceSize + 1);
    if (!equals_secret(given, identity_.prove("page", nonce, page_nonce))) return std::nullopt;
    return "proof " + identity_.prove("program", nonce, page_nonce) + " " + token_;
}

}  // namespace editor
