// SPDX-License-Identifier: GPL-3.0-or-later
// The tube between the machines: shares the document, or joins one and comes back to it whenever it can.
#pragma once

#include <string>
#include <vector>

#include "samples/collab-editor/document.hpp"
#include "tubes/engine.hpp"

namespace editor {

/// What the user asked for.
struct CableOptions {
    std::string title;                  ///< The document's name: letters, digits, '.', '_', '-'.
    bool is_sharing = false;            ///< Else it joins.
    std::vector<std::string> contacts;  ///< To whom it is shared, or (one) from whom it comes; none: this user.
};

/// Connects a document with its copies elsewhere. Runs on the node's executor.
class Cable {
public:
    Cable(tubes::Node node, Document& document, CableOptions options);

    /// Shares or joins until the node closes; shares throw what prevents them.
    boost::asio::awaitable<void> run();
    /// Keeps the pages' words about the connection up to date.
    boost::asio::awaitable<void> report();
    void invite(std::string contact);
    void answer(std::string id, bool accept);
    void close() { node_.close(); }

private:
    boost::asio::awaitable<void> share();
    boost::asio::awaitable<void> accept(std::shared_ptr<tubes::Share> share);
    boost::asio::awaitable<void> join();
    boost::asio::awaitable<void> offer(std::string contact);
    boost::asio::awaitable<std::string> describe();
    std::string words_for(const tubes::Status& status) const;

    tubes::Node node_;
    Document& document_;
    CableOptions options_;
    std::string service_, problem_;
    std::vector<std::shared_ptr<tubes::Share>> offers_;
};

}  // namespace editor
