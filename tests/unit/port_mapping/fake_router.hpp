// SPDX-License-Identifier: GPL-3.0-or-later
// A router on loopback that speaks NAT-PMP as a test says.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <array>
#include <map>
#include <string>
#include <utility>

#include "tubes/core/ids.hpp"

namespace tubes::transports {

class FakeRouter {
public:
    explicit FakeRouter(boost::asio::io_context& context)
        : context_(context), socket_(context, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
        receive();
    }

    boost::asio::ip::udp::endpoint endpoint() const { return socket_.local_endpoint(); }
    static std::uint16_t outside_of(std::uint16_t port) { return static_cast<std::uint16_t>(port - 20000); }

    template <class Condition>
    bool until(Condition condition, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            context_.restart();
            context_.run_one_for(std::chrono::milliseconds(20));
        }
        return condition();
    }

    std::string external = "203.0.113.9";
    int drop = 0;              ///< Requests that get no answer.
    std::uint8_t refusal = 0;  ///< The result code of mappings.
    std::uint32_t granted = 600;
    int mappings_asked = 0;
    std::uint16_t last_suggestion = 0;
    std::map<std::pair<int, int>, std::uint32_t> lifetimes;  ///< What is led in now, by protocol and inner port.

private:
    void receive() {
        socket_.async_receive_from(boost::asio::buffer(request_), from_, [this](auto error, std::size_t size) {
            if (error) return;
            answer(size);
            receive();
        });
    }

    void answer(std::size_t size) {
        if (size == 12) ++mappings_asked;
        if (drop > 0) {
            --drop;
            return;
        }
        core::Bytes reply{0, static_cast<std::uint8_t>(128 + request_[1]), 0, 0, 0, 0, 0, 1};
        if (request_[1] == 0) {
            const auto bytes = boost::asio::ip::make_address_v4(external).to_bytes();
            reply.insert(reply.end(), bytes.begin(), bytes.end());
        } else {
            answer_mapping(reply);
        }
        socket_.send_to(boost::asio::buffer(reply), from_);
    }

    void answer_mapping(core::Bytes& reply) {
        const auto number = [this](std::size_t at) {
            return static_cast<std::uint16_t>(request_[at] << 8 | request_[at + 1]);
        };
        const auto port = number(4);
        last_suggestion = number(6) != 0 ? number(6) : last_suggestion;
        const auto wanted = static_cast<std::uint32_t>(number(8)) << 16 | number(10);
        const auto lifetime = wanted == 0 ? 0 : granted;
        const auto outside = wanted == 0 ? std::uint16_t{0} : outside_of(port);
        reply[3] = refusal;
        if (refusal != 0)
            lifetimes.clear();
        else if (wanted == 0)
            lifetimes.erase({request_[1], port});
        else
            lifetimes[{request_[1], port}] = wanted;
        for (const auto value : {std::uint32_t{port} << 16 | outside, lifetime}) {
            for (int shift = 24; shift >= 0; shift -= 8) reply.push_back(static_cast<std::uint8_t>(value >> shift));
        }
    }

    boost::asio::io_context& context_;
    boost::asio::ip::udp::socket socket_;
    boost::asio::ip::udp::endpoint from_;
    std::array<std::uint8_t, 64> request_{};
};

}  // namespace tubes::transports
