// SPDX-License-Identifier: GPL-3.0-or-later
// A relay for byte streams (XEP-0065) in the test's own loop: two connections that name one stream, then activated.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tubes/core/ports/peer_carrier.hpp"

namespace tubes::contract {

/// Listens on 127.0.0.1. Its connections end with it.
class StreamRelayServer {
public:
    explicit StreamRelayServer(boost::asio::io_context& loop)
        : acceptor_(loop, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
        accept();
    }

    core::ports::StreamRelay relay() const { return {"relay.test", "127.0.0.1", acceptor_.local_endpoint().port()}; }

    /// Connects the two connections that named this stream; Errc::not_found if there are not two.
    error_code activate(const std::string& name) {
        auto& pair = streams_[name];
        if (pair.size() != 2) return make_error_code(Errc::not_found);
        pump(pair[0], pair[1]);
        pump(pair[1], pair[0]);
        return {};
    }

private:
    using tcp = boost::asio::ip::tcp;

    struct Client {
        explicit Client(tcp::socket connected) : socket(std::move(connected)) {}
        tcp::socket socket;
        std::array<std::uint8_t, 8192> buffer{};
    };
    using ClientPtr = std::shared_ptr<Client>;

    void accept() {
        acceptor_.async_accept([this](auto error, tcp::socket socket) {
            if (error) return;
            greet(std::make_shared<Client>(std::move(socket)));
            accept();
        });
    }

    /// RFC 1928: one method offered, no authentication, CONNECT to a name.
    void greet(const ClientPtr& client) {
        read(client, 3, [this, client] {
            write(client, {5, 0},
                  [this, client] { read(client, 5, [this, client] { read_name(client, client->buffer[4]); }); });
        });
    }

    void read_name(const ClientPtr& client, std::size_t size) {
        read(client, size + 2, [this, client, size] {
            const std::string name(client->buffer.begin(), client->buffer.begin() + static_cast<std::ptrdiff_t>(size));
            core::Bytes answer{5, 0, 0, 3, static_cast<std::uint8_t>(size)};
            answer.insert(answer.end(), name.begin(), name.end());
            answer.insert(answer.end(), {0, 0});
            streams_[name].push_back(client);
            write(client, answer, [] {});
        });
    }

    template <class Then>
    void read(const ClientPtr& client, std::size_t size, Then then) {
        boost::asio::async_read(client->socket, boost::asio::buffer(client->buffer.data(), size),
                                [client, then](auto error, std::size_t) {
                                    if (!error) then();
                                });
    }

    template <class Then>
    void write(const ClientPtr& client, core::Bytes bytes, Then then) {
        auto kept = std::make_shared<core::Bytes>(std::move(bytes));
        boost::asio::async_write(client->socket, boost::asio::buffer(*kept),
                                 [client, kept, then](auto error, std::size_t) {
                                     if (!error) then();
                                 });
    }

    static void pump(const ClientPtr& from, const ClientPtr& to) {
        from->socket.async_read_some(boost::asio::buffer(from->buffer), [from, to](auto error, std::size_t count) {
            if (error) {
                boost::system::error_code ignored;
                to->socket.shutdown(tcp::socket::shutdown_both, ignored);
                return;
            }
            boost::asio::async_write(to->socket, boost::asio::buffer(from->buffer.data(), count),
                                     [from, to](auto failed, std::size_t) {
                                         if (!failed) pump(from, to);
                                     });
        });
    }

    tcp::acceptor acceptor_;
    std::map<std::string, std::vector<ClientPtr>> streams_;
};

}  // namespace tubes::contract
