// SPDX-License-Identifier: GPL-3.0-or-later
// Asking a person at the terminal, and showing counters while something runs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "tubes/error.hpp"

namespace tubes::cli {

/// True if standard input and standard error are a terminal: questions can be asked.
bool can_ask();

/// Reads a line from the terminal without echo, or from standard input where that is no terminal (one line, for
/// scripts). Blocking; the terminal's mode is restored whatever happens. Errc::cancelled at end of input.
result<std::string> read_password(const std::string& prompt);

/// Asks questions one after the other without blocking the loop.
class Questions {
public:
    explicit Questions(const boost::asio::any_io_executor& executor);
    /// Prints the question and returns the first character of the answer in lower case; 0 at the end of input.
    boost::asio::awaitable<char> ask(std::string question);

private:
    boost::asio::posix::stream_descriptor input_;
    std::string line_;
};

/// One line on standard error, rewritten in place twice a second while it is a terminal; nothing otherwise.
class Ticker {
public:
    Ticker();
    ~Ticker() { clear(); }
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;
    void show(const std::string& line);
    void clear();

private:
    bool active_;
    bool shown_ = false;
};

}  // namespace tubes::cli
