// SPDX-License-Identifier: GPL-3.0-or-later
// Who may talk to the page's server: only this user's browser, and in it only this page.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "samples/collab-editor/page_identity.hpp"

namespace editor {

/// The checks of one server. The token of this run is in the printed URL's fragment, so no request carries it by
/// itself; the page exchanges it for a cookie that scripts cannot read and that other sites' requests do not carry. As
/// browsers send cookies to every port of a host, a socket has to prove more: the token, or the document's key.
class HttpGuard {
public:
    /// `identity.port` is where the server listens.
    explicit HttpGuard(PageIdentity identity);

    /// Against DNS rebinding: the name that the browser asked for is this machine's own.
    bool is_host_allowed(std::string_view host) const;
    /// Against other pages: where the request comes from is this server.
    bool is_origin_allowed(std::string_view origin) const;
    bool is_token(std::string_view token) const { return equals_secret(token, token_); }
    /// True when a Cookie header holds this server's session.
    bool has_session(std::string_view cookies) const;
    /// The Set-Cookie header.
    std::string session_cookie() const;
    /// What the page is told when it proved itself for `nonce`: "token TOKEN" by a page that was just loaded, or
    /// "key NONCE PROOF" by one that was open before the program started. None: it did not.
    std::optional<std::string> welcome(std::string_view nonce, std::string_view proof) const;
    const std::string& token() const { return token_; }
    const PageIdentity& identity() const { return identity_; }

private:
    PageIdentity identity_;
    std::string cookie_name_, token_, numeric_host_, named_host_;
};

}  // namespace editor
