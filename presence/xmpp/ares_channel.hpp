// SPDX-License-Identifier: GPL-3.0-or-later
// c-ares driven by Asio: its sockets and timeouts on our loop, no thread.
#pragma once

#include <ares.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tubes/error.hpp"

namespace tubes::presence::xmpp {

/// One resolver channel. Callbacks of queries run on the loop or inside the call that started them; none runs after
/// stop().
class AresChannel : public std::enable_shared_from_this<AresChannel> {
public:
    /// `servers` as "address[:port],..." instead of the system's; empty for the system's.
    static std::shared_ptr<AresChannel> make(boost::asio::any_io_executor executor, const std::string& servers);
    explicit AresChannel(boost::asio::any_io_executor executor);
    ~AresChannel();
    AresChannel(const AresChannel&) = delete;
    AresChannel& operator=(const AresChannel&) = delete;

    using QueryCallback = std::function<void(int status, const unsigned char* answer, int length)>;
    using AddressCallback = std::function<void(int status, const ares_addrinfo* addresses)>;

    void query(const std::string& name, int type, QueryCallback callback);
    void find_addresses(const std::string& host, AddressCallback callback);
    /// Drops every query without calling back.
    void stop();

private:
    struct Watch {
        explicit Watch(boost::asio::posix::stream_descriptor d) : descriptor(std::move(d)) {}
        boost::asio::posix::stream_descriptor descriptor;
        bool wants_read = false;
        bool wants_write = false;
        bool reading = false;
        bool writing = false;
    };

    bool open(const std::string& servers);
    void on_socket(int descriptor, bool readable, bool writable);
    void arm(int descriptor, const std::shared_ptr<Watch>& watch);
    void wait(int descriptor, const std::shared_ptr<Watch>& watch, bool for_read);
    void arm_timer();

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer timer_;
    ares_channel channel_ = nullptr;
    std::map<int, std::shared_ptr<Watch>> watches_;
    bool stopped_ = false;
};

}  // namespace tubes::presence::xmpp
