// SPDX-License-Identifier: GPL-3.0-or-later
// A TCP relay on loopback that can cut its connections or swallow their bytes: a network that fails.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <vector>

namespace tubes::presence::xmpp::test {

class TcpRelay {
public:
    TcpRelay(boost::asio::io_context& loop, const std::string& address, std::uint16_t port)
        : acceptor_(loop, {boost::asio::ip::make_address("127.0.0.1"), 0}),
          target_(boost::asio::ip::make_address(address), port) {
        accept();
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    /// Ends every connection, both sides.
    void cut() {
        for (const auto& pair : pairs_) pair->close();
        pairs_.clear();
    }
    /// Bytes are read and go nowhere, as behind a dead NAT.
    void set_swallowing(bool swallowing) { *swallowing_ = swallowing; }
    std::size_t accepted() const { return accepted_; }

private:
    using tcp = boost::asio::ip::tcp;

    struct Pair : std::enable_shared_from_this<Pair> {
        Pair(tcp::socket client, std::shared_ptr<bool> swallow)
            : left(std::move(client)), right(left.get_executor()), swallowing(std::move(swallow)) {}
        void close() {
            boost::system::error_code ignored;
            left.close(ignored);
            right.close(ignored);
        }
        void pump(tcp::socket& from, tcp::socket& to, std::array<char, 8192>& buffer) {
            from.async_read_some(boost::asio::buffer(buffer), [this, self = shared_from_this(), &from, &to, &buffer](
                                                                  auto error, std::size_t count) {
                if (error) return close();
                if (*swallowing) return pump(from, to, buffer);
                boost::asio::async_write(to, boost::asio::buffer(buffer.data(), count),
                                         [this, self, &from, &to, &buffer](auto failed, std::size_t) {
                                             if (failed) return close();
                                             pump(from, to, buffer);
                                         });
            });
        }
        tcp::socket left;
        tcp::socket right;
        std::shared_ptr<bool> swallowing;
        std::array<char, 8192> up{};
        std::array<char, 8192> down{};
    };

    void accept() {
        acceptor_.async_accept([this](auto error, tcp::socket socket) {
            if (error) return;
            ++accepted_;
            auto pair = std::make_shared<Pair>(std::move(socket), swallowing_);
            pairs_.push_back(pair);
            pair->right.async_connect(target_, [pair](auto failed) {
                if (failed) return pair->close();
                pair->pump(pair->left, pair->right, pair->up);
                pair->pump(pair->right, pair->left, pair->down);
            });
            accept();
        });
    }

    tcp::acceptor acceptor_;
    tcp::endpoint target_;
    std::shared_ptr<bool> swallowing_ = std::make_shared<bool>(false);
    std::vector<std::shared_ptr<Pair>> pairs_;
    std::size_t accepted_ = 0;
};

}  // namespace tubes::presence::xmpp::test
