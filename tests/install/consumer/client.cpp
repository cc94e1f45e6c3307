// SPDX-License-Identifier: GPL-3.0-or-later
// Uses the LGPL library alone: the error category comes from it.
#include <cstdio>
#include <tubes/node.hpp>

int main() {
    const tubes::error_code error = tubes::Errc::refused;
    const auto endpoint = tubes::Endpoint::parse("127.0.0.1:8080");
    std::printf("client: %s, %s\n", error.message().c_str(), endpoint ? endpoint->to_string().c_str() : "no endpoint");
    return error == tubes::Errc::refused && endpoint && endpoint->port == 8080 ? 0 : 1;
}
