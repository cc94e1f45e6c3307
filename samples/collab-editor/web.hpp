// SPDX-License-Identifier: GPL-3.0-or-later
// The page's server: HTTP for its files, a WebSocket for the document, on loopback and for this user's browser only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "samples/collab-editor/document.hpp"
#include "samples/collab-editor/http_guard.hpp"

namespace editor {

/// What the page asks of the program beside the document.
struct PageRequests {
    std::function<void(std::string contact)> invite;
    std::function<void(std::string id, bool accept)> answer;
    std::function<void(std::string person, std::string service)> join;
};

/// Listens on 127.0.0.1, at the identity's port where it is free, else at another one under fresh secrets; runs until
/// the executor's context ends.
class Web : public std::enable_shared_from_this<Web> {
public:
    Web(const boost::asio::any_io_executor& executor, Document& document, std::filesystem::path page_folder,
        PageRequests requests, PageIdentity identity);

    void start();
    /// With the token in its fragment, which browsers do not send to servers.
    std::string url() const;
    /// By which a page that is open now knows this program when it comes back.
    const PageIdentity& identity() const { return guard_.identity(); }

private:
    friend struct WebConnection;

    Document& document_;
    std::filesystem::path page_folder_;
    PageRequests requests_;
    boost::asio::ip::tcp::acceptor acceptor_;
    HttpGuard guard_;
    std::size_t connections_ = 0;
};

}  // namespace editor
