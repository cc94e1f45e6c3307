// SPDX-License-Identifier: GPL-3.0-or-later
// The tube between the machines: shares the document, or joins one and comes back to it whenever it can.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "samples/collab-editor/document.hpp"
#include "samples/collab-editor/memory.hpp"
#include "tubes/engine.hpp"

namespace editor {

/// What the user asked for.
struct CableOptions {
    std::string
        title;  ///< The document's name: letters, digits, '.', '_', '-'; empty: the one this user is invited to.
    bool is_sharing = false;            ///< Else it joins.
    std::vector<std::string> contacts;  ///< To whom it is shared, or (one) from whom it comes; none: this user.
    /// Opens the document of a title; the file in which the people are remembered. Throws what prevents it.
    std::function<std::filesystem::path(const std::string& title)> open_document;
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
    void open(const std::string& title);
    boost::asio::awaitable<void> share();
    boost::asio::awaitable<void> accept(std::shared_ptr<tubes::Share> share);
    boost::asio::awaitable<void> share_with_invited(std::string contact);
    boost::asio::awaitable<void> offer(std::string contact);
    boost::asio::awaitable<void> join();
    boost::asio::awaitable<void> accept_offer(std::string id);
    bool is_for_us(const tubes::PendingInfo& request) const;
    boost::asio::awaitable<std::string> describe();
    std::string words_for(const tubes::Status& status) const;

    tubes::Node node_;
    Document& document_;
    CableOptions options_;
    std::string service_, problem_;
    Memory memory_;
    std::filesystem::path memory_file_;
    std::vector<std::shared_ptr<tubes::Share>> invitations_;
};

}  // namespace editor
