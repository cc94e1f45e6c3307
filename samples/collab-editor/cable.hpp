// SPDX-License-Identifier: GPL-3.0-or-later
// The tube between the machines: shares the document, or joins one and comes back to it whenever it can.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "samples/collab-editor/document.hpp"
#include "samples/collab-editor/lookout.hpp"
#include "samples/collab-editor/memory.hpp"
#include "tubes/engine.hpp"
#include "tubes/room.hpp"

namespace editor {

/// What the user asked for.
struct CableOptions {
    std::string
        title;  ///< The document's name: letters, digits, '.', '_', '-'; empty: the one this user is invited to.
    bool is_sharing = false;            ///< Else it joins.
    std::vector<std::string> contacts;  ///< To whom it is shared, or (one) from whom it comes; none: this user.
    std::string room, nick;             ///< A room instead: with everybody there, or from the only one who shares it.
    /// Opens the document of a title; the file in which the people are remembered. Throws what prevents it.
    std::function<std::filesystem::path(const std::string& title)> open_document;
    /// Starts another editor for a document that somebody shares.
    std::function<void(const std::vector<std::string>& arguments)> start_editor;
};

/// Connects a document with its copies elsewhere. Runs on the node's executor.
class Cable {
public:
    Cable(tubes::Node node, Document& document, CableOptions options);

    /// Shares or joins until the node closes; shares throw what prevents them.
    boost::asio::awaitable<void> run();
    /// Keeps the pages' words about people and connections up to date.
    boost::asio::awaitable<void> report();
    // What the page's user decides:
    void invite(std::string contact);
    void answer(std::string id, bool accept);
    /// Joins what `person` shares: here when there is no document yet, else in an editor of its own.
    void join_shared(const std::string& person, const std::string& service);

private:
    using Failure = boost::system::error_code;

    void open(const std::string& title);
    void remember();
    /// From now on this document, as `service` of `from`.
    bool adopt(const std::string& service, const std::string& from);
    boost::asio::awaitable<void> share();
    boost::asio::awaitable<void> accept(std::shared_ptr<tubes::Share> share);
    boost::asio::awaitable<void> share_in_room();
    boost::asio::awaitable<void> enter_room();
    boost::asio::awaitable<void> watch_room();
    void leave_room();
    boost::asio::awaitable<void> share_with_invited(std::string contact);
    boost::asio::awaitable<void> offer(std::string contact);
    boost::asio::awaitable<void> join();
    boost::asio::awaitable<tubes::Tube> connect(Failure& failure);
    boost::asio::awaitable<tubes::Tube> connect_in_room(Failure& failure);
    std::string choose_sharer(const tubes::RoomInfo& room, Failure& failure);
    boost::asio::awaitable<std::string> find_service();
    boost::asio::awaitable<void> accept_offer(std::string id);
    boost::asio::awaitable<void> pause(std::chrono::milliseconds time);

    bool is_for_us(const tubes::PendingInfo& request) const;
    boost::asio::awaitable<std::string> describe();
    std::string words_for(const tubes::Status& status) const;
    std::string words_for_failure(const Failure& failure) const;
    std::string words_for_path(const tubes::LinkInfo& link) const;

    tubes::Node node_;
    Document& document_;
    CableOptions options_;
    std::string service_, problem_;
    Memory memory_;
    std::filesystem::path memory_file_;
    Lookout lookout_;
    std::shared_ptr<tubes::Room> room_;         ///< While we are in it.
    std::shared_ptr<tubes::Share> room_share_;  ///< With everybody in it.
    std::size_t sharers_tried_ = 0;             ///< In the room.
    std::vector<std::shared_ptr<tubes::Share>> invitations_;
};

}  // namespace editor
