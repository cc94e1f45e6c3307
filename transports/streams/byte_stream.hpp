// SPDX-License-Identifier: GPL-3.0-or-later
// The byte stream of the ports under the name that transports use.
#pragma once

#include "tubes/core/ports/byte_stream.hpp"

namespace tubes::transports {

using core::ports::ByteStream;

}  // namespace tubes::transports
