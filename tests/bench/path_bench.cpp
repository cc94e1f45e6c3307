// SPDX-License-Identifier: GPL-3.0-or-later
// Message paths beside bare TLS 1.3 and bare TCP, both ends in one process and on one thread. Prints JSON.
//
// Throughput: 16 KiB messages one way for a second or two; "mb_per_cpu_second" divides by the processor time of both
// ends and so says little about what else the machine does. Latency: 64 bytes there and back.
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>
#include <vector>

#include "tests/contract/path_pairs.hpp"
#include "transports/streams/socket_stream.hpp"
#include "transports/tls/tls_context.hpp"

namespace tubes::bench {
namespace {

using Clock = std::chrono::steady_clock;
using boost::asio::ip::tcp;
using core::ports::MessagePath;

constexpr std::size_t kMessage = core::ports::kMaxMessageSize;
constexpr double kMega = 1e6;

double processor_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / kMega;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What one run moved and took.
class Meter {
public:
    nlohmann::json result(std::size_t bytes) const {
        const double wall = std::chrono::duration<double>(Clock::now() - start_).count();
        const double cpu = processor_seconds() - cpu_;
        const double megabytes = static_cast<double>(bytes) / kMega;
        return {{"mb_per_second", megabytes / wall},
                {"mb_per_cpu_second", megabytes / cpu},
                {"cpu_seconds_per_gb", cpu / megabytes * 1000}};
    }
    bool runs(std::chrono::milliseconds duration) const { return Clock::now() - start_ < duration; }

private:
    Clock::time_point start_ = Clock::now();
    double cpu_ = processor_seconds();
};

class Sink : public MessagePath::Handler {
public:
    void on_message(core::ports::Lane, base::ByteView message) override {
        bytes += message.size();
        if (echo) echo(message);
    }
    void on_writable() override {
        if (room) room();
    }
    void on_closed(error_code) override {}
    std::size_t bytes = 0;
    std::function<void()> room;
    std::function<void(base::ByteView)> echo;
};

nlohmann::json path_throughput(const contract::PathPairKind& kind, std::chrono::milliseconds duration) {
    boost::asio::io_context loop;
    const auto work = boost::asio::make_work_guard(loop);
    auto pair = kind.make(loop);
    Sink source;
    Sink sink;
    pair.first->start(source);
    pair.second->start(sink);
    const base::Bytes header(12, 1);
    const base::Bytes payload(kMessage - header.size(), 2);
    source.room = [&] {
        while (pair.first->send(0, header, payload)) continue;
        pair.first->flush();
    };
    const Meter meter;
    source.room();
    while (meter.runs(duration)) loop.run_one_for(duration);
    return meter.result(sink.bytes);
}

nlohmann::json percentiles(std::vector<double>& microseconds) {
    std::sort(microseconds.begin(), microseconds.end());
    const auto at = [&](double part) {
        return microseconds[static_cast<std::size_t>(part * static_cast<double>(microseconds.size() - 1))];
    };
    return {{"p50_us", at(0.5)}, {"p95_us", at(0.95)}, {"p99_us", at(0.99)}};
}

nlohmann::json path_round_trip(const contract::PathPairKind& kind, int rounds) {
    boost::asio::io_context loop;
    const auto work = boost::asio::make_work_guard(loop);
    auto pair = kind.make(loop);
    Sink first;
    Sink second;
    pair.first->start(first);
    pair.second->start(second);
    second.echo = [&](base::ByteView message) {
        pair.second->send(0, message, {});
        pair.second->flush();
    };
    const base::Bytes message(64, 3);
    std::vector<double> times;
    for (int round = 0; round < rounds; ++round) {
        const auto wanted = first.bytes + message.size();
        const auto begin = Clock::now();
        pair.first->send(0, message, {});
        pair.first->flush();
        while (first.bytes < wanted) loop.run_one();
        times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    return percentiles(times);
}

/// Two connected, non-blocking TCP sockets of one process.
struct Wire {
    Wire() {
        tcp::acceptor acceptor(loop, {boost::asio::ip::address_v4::loopback(), 0});
        first.connect(acceptor.local_endpoint());
        acceptor.accept(second);
        for (auto* socket : {&first, &second}) {
            transports::tune_tcp(*socket);
            socket->native_non_blocking(true);
        }
    }
    boost::asio::io_context loop;
    tcp::socket first{loop};
    tcp::socket second{loop};
};

nlohmann::json bare_tcp(std::chrono::milliseconds duration) {
    Wire wire;
    base::Bytes out(64 * 1024, 4);
    base::Bytes in(64 * 1024);
    std::size_t moved = 0;
    const Meter meter;
    while (meter.runs(duration)) {
        while (::send(wire.first.native_handle(), out.data(), out.size(), MSG_NOSIGNAL) > 0) continue;
        for (;;) {
            const auto count = ::recv(wire.second.native_handle(), in.data(), in.size(), 0);
            if (count <= 0) break;
            moved += static_cast<std::size_t>(count);
        }
    }
    return meter.result(moved);
}

/// OpenSSL straight on the sockets: what no framing can beat.
struct BareTls {
    BareTls() {
        client_side.expect_peer(server_side.certificate().fingerprint(), server_side.own_token());
        server_side.expect_peer(client_side.certificate().fingerprint(), client_side.own_token());
        SSL_set_fd(client.get(), wire.first.native_handle());
        SSL_set_fd(server.get(), wire.second.native_handle());
        while ((SSL_do_handshake(client.get()) == 1) + (SSL_do_handshake(server.get()) == 1) < 2) continue;
    }
    Wire wire;
    transports::TlsContext client_side;
    transports::TlsContext server_side;
    bool accepted = false;
    transports::SslPtr client = client_side.make_session(transports::TlsRole::client, &accepted);
    transports::SslPtr server = server_side.make_session(transports::TlsRole::server, &accepted);
};

nlohmann::json bare_tls_throughput(std::chrono::milliseconds duration) {
    BareTls tls;
    base::Bytes out(kMessage, 5);
    base::Bytes in(kMessage);
    std::size_t moved = 0;
    std::size_t count = 0;
    const Meter meter;
    while (meter.runs(duration)) {
        while (SSL_write_ex(tls.client.get(), out.data(), out.size(), &count) == 1) continue;
        while (SSL_read_ex(tls.server.get(), in.data(), in.size(), &count) == 1) moved += count;
    }
    return meter.result(moved);
}

nlohmann::json bare_tls_round_trip(int rounds) {
    BareTls tls;
    base::Bytes message(64, 6);
    std::vector<double> times;
    std::size_t count = 0;
    for (int round = 0; round < rounds; ++round) {
        const auto begin = Clock::now();
        for (auto [from, to] : {std::pair(tls.client.get(), tls.server.get()), {tls.server.get(), tls.client.get()}}) {
            SSL_write_ex(from, message.data(), message.size(), &count);
            while (SSL_read_ex(to, message.data(), message.size(), &count) != 1) continue;
        }
        times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    return percentiles(times);
}

/// The best of some runs: the one that was disturbed least.
template <class Run>
nlohmann::json best_of(int runs, const Run& run) {
    nlohmann::json best;
    for (int index = 0; index < runs; ++index) {
        auto result = run();
        if (best.is_null() || result["mb_per_cpu_second"] > best["mb_per_cpu_second"]) best = std::move(result);
    }
    return best;
}

int run(std::chrono::milliseconds duration, int repeats, std::string_view only) {
    constexpr int kRounds = 5000;
    nlohmann::json report;
    report["message_bytes"] = kMessage;
    auto& throughput = report["throughput"];
    const auto wanted = [only](std::string_view name) { return only.empty() || only == name; };
    if (wanted("bare_tcp")) throughput["bare_tcp"] = best_of(repeats, [&] { return bare_tcp(duration); });
    if (wanted("bare_tls")) {
        throughput["bare_tls"] = best_of(repeats, [&] { return bare_tls_throughput(duration); });
        report["round_trip"]["bare_tls"] = bare_tls_round_trip(kRounds);
    }
    for (const auto& kind : contract::path_pair_kinds()) {
        if (!wanted(kind.name)) continue;
        throughput[kind.name] = best_of(repeats, [&] { return path_throughput(kind, duration); });
        report["round_trip"][kind.name] = path_round_trip(kind, kRounds);
    }
    if (only.empty())
        report["tls_path_of_bare_tls"] = throughput["TlsOverTcp"]["mb_per_cpu_second"].get<double>() /
                                         throughput["bare_tls"]["mb_per_cpu_second"].get<double>();
    std::puts(report.dump(2).c_str());
    return 0;
}

}  // namespace
}  // namespace tubes::bench

/// path_bench [milliseconds per run] [runs] [name of the one thing to measure]
int main(int count, char** arguments) {
    const int duration = count > 1 ? std::atoi(arguments[1]) : 1000;
    const int repeats = count > 2 ? std::atoi(arguments[2]) : 3;
    if (duration <= 0 || repeats <= 0) {
        std::fputs("usage: path_bench [milliseconds per run] [runs] [name]\n", stderr);
        return 2;
    }
    return tubes::bench::run(std::chrono::milliseconds(duration), repeats, count > 3 ? arguments[3] : "");
}
