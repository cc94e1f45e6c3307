// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes what reaches the editor of samples/collab-editor: heads of messages from a peer, a page's messages, cookies,
// proofs.
#include <string_view>

#include "samples/collab-editor/http_guard.hpp"
#include "samples/collab-editor/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto sender : {editor::Sender::peer, editor::Sender::page}) {
        const auto head = editor::read_head(bytes.substr(0, editor::kHeadSize), sender);
        if (!head) continue;
        const auto limit = editor::largest_body(head->type, sender);
        if (!limit || head->body_size > *limit) __builtin_trap();
    }
    if (const auto message = editor::read_page_message(bytes)) {
        if (editor::write_page_message(*message) != bytes) __builtin_trap();
    }
    static const editor::HttpGuard guard({4711, std::string(64, 'c'), std::string(64, 'k')});
    if (guard.is_token(bytes) != (bytes == guard.token())) __builtin_trap();
    if (guard.welcome(std::string(64, 'n'), bytes)) __builtin_trap();
    guard.has_session(bytes);
    return 0;
}
