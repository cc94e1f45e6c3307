// SPDX-License-Identifier: GPL-3.0-or-later
// The Node process that keeps the document's file while no page is open.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <memory>

#include "samples/collab-editor/document.hpp"

namespace editor {

/// Starts the child when the document has no page, and lets it go when one comes. Without Node it says so once.
class KeeperChild {
public:
    /// `script`: keeper.cjs, built beside the page.
    KeeperChild(boost::asio::any_io_executor executor, Document& document, std::filesystem::path script);
    KeeperChild(const KeeperChild&) = delete;
    KeeperChild& operator=(const KeeperChild&) = delete;
    ~KeeperChild();

    /// To be called about once a second.
    void look();

private:
    using Socket = boost::asio::local::stream_protocol::socket;

    void start();
    void stop();
    static boost::asio::awaitable<void> talk(Document& document, std::shared_ptr<Socket> socket,
                                             std::shared_ptr<Member> member);

    boost::asio::any_io_executor executor_;
    Document& document_;
    std::filesystem::path script_;
    std::shared_ptr<Member> member_;
    std::shared_ptr<Socket> socket_;
    pid_t process_ = -1;
    bool is_impossible_ = false;
};

}  // namespace editor
