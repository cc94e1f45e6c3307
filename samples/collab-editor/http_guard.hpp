// SPDX-License-Identifier: GPL-3.0-or-later
// Who may talk to the page's server: only this user's browser, and in it only this page.
#pragma once

#include <string>
#include <string_view>

namespace editor {

/// Compares without telling by its duration where two texts differ.
bool equals_secret(std::string_view left, std::string_view right);
/// 32 random bytes in hexadecimal.
std::string make_secret();

/// The checks of one server. The token is in the printed URL's fragment, so no request carries it by itself; the page
/// exchanges it for a cookie that scripts cannot read and that other sites' requests do not carry.
class HttpGuard {
public:
    HttpGuard(unsigned short port, std::string token);

    /// Against DNS rebinding: the name that the browser asked for is this machine's own.
    bool is_host_allowed(std::string_view host) const;
    /// Against other pages: where the request comes from is this server.
    bool is_origin_allowed(std::string_view origin) const;
    bool is_token(std::string_view token) const { return equals_secret(token, token_); }
    /// True when a Cookie header holds this server's session.
    bool has_session(std::string_view cookies) const;
    /// The Set-Cookie header.
    std::string session_cookie() const;
    const std::string& token() const { return token_; }

private:
    std::string cookie_name_, token_, session_, numeric_host_, named_host_;
};

}  // namespace editor
