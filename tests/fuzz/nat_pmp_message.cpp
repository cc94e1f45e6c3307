// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes a router's answers: what is taken as a mapping has a port and came whole.
#include <cstdint>
#include <cstdlib>

#include "transports/port_mapping/nat_pmp_message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto answer = tubes::transports::parse_nat_pmp_answer(tubes::core::ByteView(data, size));
    if (!answer) return 0;
    if (answer->operation > 2) std::abort();
    const bool is_granted = answer->operation != 0 && answer->refusal == 0;
    if (is_granted && (size != 16 || (answer->lifetime.count() != 0 && answer->outside == 0))) std::abort();
    if (answer->operation == 0 && answer->refusal == 0 && size != 12) std::abort();
    return 0;
}
