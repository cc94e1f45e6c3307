// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/http_guard.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace editor {

bool equals_secret(std::string_view left, std::string_view right) {
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string make_secret() {
    std::array<unsigned char, 32> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw std::runtime_error("no random numbers");
    std::string text;
    for (const unsigned char byte : bytes) {
        text.push_back("0123456789abcdef"[byte >> 4]);
        text.push_back("0123456789abcdef"[byte & 15]);
    }
    return text;
}

HttpGuard::HttpGuard(unsigned short port, std::string token)
    : cookie_name_("editor-" + std::to_string(port)),  // cookies ignore ports: several editors run beside each other
      token_(std::move(token)),
      session_(make_secret()),
      numeric_host_("127.0.0.1:" + std::to_string(port)),
      named_host_("localhost:" + std::to_string(port)) {}

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
            cookie[cookie_name_.size()] == '=' && equals_secret(cookie.substr(cookie_name_.size() + 1), session_)) {
            return true;
        }
        cookies.remove_prefix(std::min(end + 1, cookies.size()));
    }
    return false;
}

std::string HttpGuard::session_cookie() const {
    return cookie_name_ + "=" + session_ + "; HttpOnly; SameSite=Strict; Path=/";
}

}  // namespace editor
