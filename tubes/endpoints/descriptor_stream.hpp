// SPDX-License-Identifier: GPL-3.0-or-later
// A local stream over two borrowed descriptors, such as standard input and output.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "tubes/endpoints/local_stream.hpp"

namespace tubes::endpoints {

/// Reads `input` and writes `output` without changing their flags, which other processes may share (a terminal that
/// was left non-blocking is a broken terminal). Works with pipes, sockets, terminals and files; neither is closed.
/// A system error if a descriptor cannot be duplicated.
result<std::unique_ptr<LocalStream>> make_descriptor_stream(const boost::asio::any_io_executor& executor, int input,
                                                            int output);

}  // namespace tubes::endpoints
