// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes what a server may say during SCRAM: challenge and final message, split at the first line break.
#include "presence/xmpp/scram.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // Real iteration counts would leave no time for anything else.
    if (text.find("i=") != std::string_view::npos && text.size() > text.find("i=") + 6) return 0;
    tubes::presence::xmpp::ScramParameters parameters;
    parameters.user = "user";
    parameters.password = "pencil";
    parameters.nonce = "n";
    tubes::presence::xmpp::Scram scram(std::move(parameters));
    (void)scram.first();
    const auto line = text.find('\n');
    (void)scram.final(text.substr(0, line));
    if (line != std::string_view::npos && scram.verify(text.substr(line + 1))) __builtin_trap();
    return 0;
}
