// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes what another occupant of a D-Bus tube sends: whatever comes through is valid and from a name of theirs.
#include "tubes/endpoints/dbus/bus.hpp"

namespace {

using namespace tubes::endpoints::dbus;

struct Programs : BusOutlet {
    void to_program(std::uint32_t, const Message& message) override {
        const auto sender = message.sender();
        if (sender != kBusName && !sender.starts_with(":theirs.")) __builtin_trap();
        if (message.marshal()->size() > kMaxMessageSize) __builtin_trap();
    }
    void to_occupant(const std::string&, const Message&) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Programs programs;
    Bus bus({"ours", "org.example.Editor", "theirs", "0123456789abcdef0123456789abcdef"}, programs);
    (void)bus.add_program({});
    bus.join("theirs");
    MessageReader reader;
    reader.feed({data, size});
    for (auto message = reader.next(); message && *message; message = reader.next()) {
        if (bus.from_occupant("theirs", **message)) break;
    }
    bus.leave("theirs");
    return 0;
}
