// SPDX-License-Identifier: GPL-3.0-or-later
// The questions of RFC 5780 in order: those about filtering come before any packet to the second address.
#include "transports/nat/nat_probe.hpp"

#include <fmt/format.h>
#include <stun/stunagent.h>
#include <stun/usages/bind.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <optional>

namespace tubes::transports {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr int kTries = 3;                                           // requests per question
constexpr std::chrono::milliseconds kAnswerTime{600};               // per request
constexpr auto kOtherAddress = static_cast<StunAttribute>(0x802c);  // OTHER-ADDRESS, RFC 5780 §7.4
constexpr std::uint32_t kChangeAddress = 4;                         // CHANGE-REQUEST flags, RFC 5780 §7.2
constexpr std::uint32_t kChangePort = 2;
constexpr std::uint16_t kKnownAttributes[] = {STUN_ATTRIBUTE_MAPPED_ADDRESS, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                              STUN_ATTRIBUTE_ERROR_CODE, 0};

struct Answer {
    udp::endpoint mapped;
    std::optional<udp::endpoint> other;
};

std::optional<udp::endpoint> to_endpoint(const sockaddr_storage& address, socklen_t size) {
    if (size > sizeof(address) || (address.ss_family != AF_INET && address.ss_family != AF_INET6)) return std::nullopt;
    udp::endpoint endpoint;
    std::memcpy(endpoint.data(), &address, size);
    endpoint.resize(size);
    return endpoint;
}

std::string text_of(const udp::endpoint& endpoint) {
    const auto address = endpoint.address().to_string();
    if (endpoint.address().is_v6()) return fmt::format("[{}]:{}", address, endpoint.port());
    return fmt::format("{}:{}", address, endpoint.port());
}

class Probe : public std::enable_shared_from_this<Probe> {
public:
    Probe(const asio::any_io_executor& executor, core::ports::IceServer server)
        : server_(std::move(server)), resolver_(executor), socket_(executor) {
        ::stun_agent_init(&agent_, kKnownAttributes, STUN_COMPATIBILITY_RFC5389, STUN_AGENT_USAGE_IGNORE_CREDENTIALS);
    }

    static asio::awaitable<result<NatReport>> run(std::shared_ptr<Probe> self) {
        auto [resolve_error, addresses] =
            co_await self->resolver_.async_resolve(self->server_.host, std::to_string(self->server_.port), kTuple);
        if (resolve_error || addresses.empty()) co_return make_error_code(Errc::network_unreachable);
        const udp::endpoint primary = addresses.begin()->endpoint();
        if (!self->open(primary)) co_return make_error_code(Errc::network_unreachable);
        const auto first = co_await self->ask(primary, 0);
        if (!first) co_return make_error_code(Errc::timed_out);
        NatReport report;
        report.server = fmt::format("{}:{}", self->server_.host, self->server_.port);
        report.local_address = text_of(self->local_);
        report.mapped_address = text_of(first->mapped);
        report.translated = first->mapped != self->local_;
        if (first->other && first->other->address() != primary.address()) {
            report.filtering = co_await self->filtering(primary);
            report.mapping = co_await self->mapping(primary, *first);
        }
        co_return report;
    }

private:
    /// Binds towards the server, so that the local address is the one its packets leave from.
    bool open(const udp::endpoint& server) {
        boost::system::error_code error;
        udp::socket route(socket_.get_executor());
        route.open(server.protocol(), error);
        if (!error) route.connect(server, error);
        const auto address = error ? asio::ip::address() : route.local_endpoint(error).address();
        if (!error) socket_.open(server.protocol(), error);
        if (!error) socket_.bind(udp::endpoint(address, 0), error);
        if (!error) local_ = socket_.local_endpoint(error);
        return !error;
    }

    asio::awaitable<NatBehaviour> filtering(udp::endpoint primary) {
        const auto both = co_await ask(primary, kChangeAddress | kChangePort);
        if (both) co_return NatBehaviour::endpoint_independent;
        const auto port = co_await ask(primary, kChangePort);
        co_return port ? NatBehaviour::address_dependent : NatBehaviour::address_and_port_dependent;
    }

    asio::awaitable<NatBehaviour> mapping(udp::endpoint primary, Answer first) {
        if (first.mapped == local_) co_return NatBehaviour::endpoint_independent;
        const auto second = co_await ask(udp::endpoint(first.other->address(), primary.port()), 0);
        if (!second) co_return NatBehaviour::unknown;
        if (second->mapped == first.mapped) co_return NatBehaviour::endpoint_independent;
        const auto third = co_await ask(*first.other, 0);
        if (!third) co_return NatBehaviour::unknown;
        const bool same = third->mapped == second->mapped;
        co_return same ? NatBehaviour::address_dependent : NatBehaviour::address_and_port_dependent;
    }

    asio::awaitable<std::optional<Answer>> ask(udp::endpoint to, std::uint32_t change) {
        std::array<std::uint8_t, 256> buffer{};
        StunMessage request;
        ::stun_agent_init_request(&agent_, &request, buffer.data(), buffer.size(), STUN_BINDING);
        if (change != 0) ::stun_message_append32(&request, STUN_ATTRIBUTE_CHANGE_REQUEST, change);
        const std::size_t size = ::stun_agent_finish_message(&agent_, &request, nullptr, 0);
        StunTransactionId id;
        ::stun_message_id(&request, id);
        std::optional<Answer> answer;
        for (int i = 0; i < kTries && !answer; ++i) {
            const auto bytes = asio::buffer(buffer.data(), size);
            auto [error, sent] = co_await socket_.async_send_to(bytes, to, kTuple);
            if (error) break;
            answer = co_await receive();
        }
        ::stun_agent_forget_transaction(&agent_, id);
        co_return answer;
    }

    asio::awaitable<std::optional<Answer>> receive() {
        using namespace asio::experimental::awaitable_operators;
        asio::steady_timer timer(socket_.get_executor(), kAnswerTime);
        std::array<std::uint8_t, 1500> buffer{};
        for (;;) {
            udp::endpoint from;
            const auto space = asio::buffer(buffer);
            // A datagram lost to the race with the timer is a lost datagram: the request is repeated.
            auto outcome = co_await (socket_.async_receive_from(space, from, kTuple) || timer.async_wait(kTuple));
            if (outcome.index() != 0) co_return std::nullopt;
            const auto [error, size] = std::get<0>(outcome);
            if (error) co_return std::nullopt;
            const auto answer = parse(buffer.data(), size);
            if (answer) co_return answer;
        }
    }

    std::optional<Answer> parse(std::uint8_t* bytes, std::size_t size) {
        StunMessage message;
        if (::stun_agent_validate(&agent_, &message, bytes, size, nullptr, nullptr) != STUN_VALIDATION_SUCCESS) {
            return std::nullopt;
        }
        sockaddr_storage address{};
        socklen_t length = sizeof(address);
        sockaddr_storage alternate{};
        socklen_t alternate_length = sizeof(alternate);
        if (::stun_usage_bind_process(&message, reinterpret_cast<sockaddr*>(&address), &length,
                                      reinterpret_cast<sockaddr*>(&alternate),
                                      &alternate_length) != STUN_USAGE_BIND_RETURN_SUCCESS) {
            return std::nullopt;
        }
        const auto mapped = to_endpoint(address, length);
        if (!mapped) return std::nullopt;
        Answer answer{*mapped, std::nullopt};
        length = sizeof(address);
        if (::stun_message_find_addr(&message, kOtherAddress, &address, &length) == STUN_MESSAGE_RETURN_SUCCESS) {
            answer.other = to_endpoint(address, length);
        }
        return answer;
    }

    core::ports::IceServer server_;
    udp::resolver resolver_;
    udp::socket socket_;
    udp::endpoint local_;
    StunAgent agent_{};
};

asio::awaitable<void> run_and_tell(std::shared_ptr<Probe> probe, std::function<void(result<NatReport>)> done) {
    auto report = co_await Probe::run(probe);
    done(std::move(report));
}

}  // namespace

std::string_view to_string(NatBehaviour behaviour) noexcept {
    switch (behaviour) {
        case NatBehaviour::unknown: return "unknown";
        case NatBehaviour::endpoint_independent: return "endpoint-independent";
        case NatBehaviour::address_dependent: return "address-dependent";
        case NatBehaviour::address_and_port_dependent: return "address-and-port-dependent";
    }
    return "unknown";
}

void async_probe_nat(asio::any_io_executor executor, core::ports::IceServer server,
                     std::function<void(result<NatReport>)> done) {
    auto probe = std::make_shared<Probe>(executor, std::move(server));
    asio::co_spawn(executor, run_and_tell(std::move(probe), std::move(done)), asio::detached);
}

}  // namespace tubes::transports
