// SPDX-License-Identifier: GPL-3.0-or-later
// Load for the socket benchmarks: a server that sinks or echoes, and clients that measure what lies between.
//
//   tcp_load serve                     listens on 127.0.0.1, prints the port
//   tcp_load send PORT BYTES           one bulk transfer; JSON with MB/s
//   tcp_load ping PORT COUNT           64-byte round trips; JSON with percentiles in us
//   tcp_load mixed PORT SECONDS        round trips beside a bulk transfer; JSON with both
//   tcp_load many PORT CONNECTIONS     opens them all, one byte forth and back on each, keeps them; JSON with the time
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr char kSink = 'S';  // first byte of a connection: read to the end, then answer with the count
constexpr char kEcho = 'E';  // send everything back
constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kPingSize = 64;

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// A socket that closes itself.
class Socket {
public:
    explicit Socket(int descriptor) : descriptor_(descriptor) {
        if (descriptor_ < 0) fail("socket");
        const int on = 1;
        ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    int get() const { return descriptor_; }

    void write_all(const char* data, std::size_t size) const {
        while (size > 0) {
            const ssize_t count = ::send(descriptor_, data, size, MSG_NOSIGNAL);
            if (count < 0) fail("send");
            data += count;
            size -= static_cast<std::size_t>(count);
        }
    }
    /// False at the end of the stream.
    bool read_all(char* data, std::size_t size) const {
        while (size > 0) {
            const ssize_t count = ::recv(descriptor_, data, size, 0);
            if (count < 0) fail("recv");
            if (count == 0) return false;
            data += count;
            size -= static_cast<std::size_t>(count);
        }
        return true;
    }

private:
    int descriptor_;
};

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

Socket open_connection(std::uint16_t port, char mode) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = loopback(port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) fail("connect");
    socket.write_all(&mode, 1);
    return socket;
}

void serve_connection(Socket socket) try {
    char mode = 0;
    if (!socket.read_all(&mode, 1)) return;
    std::vector<char> buffer(mode == kSink ? kChunk : 4096);  // small, since thousands of connections echo
    std::uint64_t total = 0;
    for (;;) {
        const ssize_t count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (count <= 0) break;
        total += static_cast<std::uint64_t>(count);
        if (mode == kEcho) socket.write_all(buffer.data(), static_cast<std::size_t>(count));
    }
    if (mode == kSink) socket.write_all(reinterpret_cast<const char*>(&total), sizeof(total));
} catch (const std::exception&) {
    // A client that went away is no failure of the server.
}

int serve() {
    Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto address = loopback(0);
    socklen_t size = sizeof(address);
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) fail("bind");
    if (::listen(listener.get(), 4096) != 0) fail("listen");
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    fmt::print("{}\n", ntohs(address.sin_port));
    std::fflush(stdout);
    for (;;) {
        Socket socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        std::thread(serve_connection, std::move(socket)).detach();
    }
}

double send_bulk(std::uint16_t port, std::uint64_t bytes) {
    const std::vector<char> buffer(kChunk, 'x');
    const auto begin = Clock::now();
    auto socket = open_connection(port, kSink);
    for (std::uint64_t sent = 0; sent < bytes; sent += kChunk) {
        socket.write_all(buffer.data(), static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, bytes - sent)));
    }
    ::shutdown(socket.get(), SHUT_WR);
    std::uint64_t total = 0;
    if (!socket.read_all(reinterpret_cast<char*>(&total), sizeof(total)) || total != bytes) {
        throw std::runtime_error(fmt::format("the server counted {} of {} bytes", total, bytes));
    }
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Percentiles {
    double p50 = 0;
    double p95 = 0;
    double p99 = 0;
};

Percentiles percentiles(std::vector<double> samples) {
    std::sort(samples.begin(), samples.end());
    const auto at = [&samples](double part) {
        return samples.empty() ? 0.0
                               : samples[static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1))];
    };
    return {at(0.5), at(0.95), at(0.99)};
}

double round_trip_us(const Socket& socket) {
    char buffer[kPingSize] = {};
    const auto begin = Clock::now();
    socket.write_all(buffer, sizeof(buffer));
    if (!socket.read_all(buffer, sizeof(buffer))) throw std::runtime_error("the connection ended");
    return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

int send_command(std::uint16_t port, std::uint64_t bytes) {
    const double seconds = send_bulk(port, bytes);
    fmt::print("{{\"bytes\": {}, \"seconds\": {:.4f}, \"mb_per_s\": {:.1f}}}\n", bytes, seconds,
               static_cast<double>(bytes) / 1e6 / seconds);
    return 0;
}

int ping_command(std::uint16_t port, int count) {
    auto socket = open_connection(port, kEcho);
    std::vector<double> samples;
    for (int i = 0; i < count / 10 + 10; ++i) round_trip_us(socket);
    for (int i = 0; i < count; ++i) samples.push_back(round_trip_us(socket));
    const auto result = percentiles(std::move(samples));
    fmt::print("{{\"count\": {}, \"p50_us\": {:.1f}, \"p95_us\": {:.1f}, \"p99_us\": {:.1f}}}\n", count, result.p50,
               result.p95, result.p99);
    return 0;
}

int mixed_command(std::uint16_t port, int seconds) {
    constexpr std::chrono::milliseconds kBetween(20);
    auto pinger = open_connection(port, kEcho);
    for (int i = 0; i < 20; ++i) round_trip_us(pinger);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> sent{0};
    auto bulk_socket = open_connection(port, kSink);
    std::thread bulk([&] {
        const std::vector<char> buffer(64 * 1024, 'x');
        while (!stop) {
            bulk_socket.write_all(buffer.data(), buffer.size());
            sent += buffer.size();
        }
    });
    std::vector<double> samples;
    const auto begin = Clock::now();
    while (Clock::now() - begin < std::chrono::seconds(seconds)) {
        std::this_thread::sleep_for(kBetween);
        samples.push_back(round_trip_us(pinger));
    }
    stop = true;
    bulk.join();
    const auto result = percentiles(std::move(samples));
    fmt::print("{{\"bulk_mb_per_s\": {:.1f}, \"p50_us\": {:.1f}, \"p95_us\": {:.1f}, \"p99_us\": {:.1f}}}\n",
               static_cast<double>(sent.load()) / 1e6 / seconds, result.p50, result.p95, result.p99);
    return 0;
}

int many_command(std::uint16_t port, int connections) {
    const rlimit files{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_NOFILE, &files);
    std::vector<Socket> sockets;
    const auto begin = Clock::now();
    for (int i = 0; i < connections; ++i) sockets.push_back(open_connection(port, kEcho));
    for (const auto& socket : sockets) round_trip_us(socket);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    fmt::print("{{\"connections\": {}, \"seconds\": {:.3f}}}\n", connections, seconds);
    std::fflush(stdout);
    std::getchar();  // held open until the harness has read what it wants to know
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "serve") return serve();
    if (argc != 4) throw std::runtime_error("usage: tcp_load serve | send|ping|mixed|many PORT NUMBER");
    const auto port = static_cast<std::uint16_t>(std::stoul(argv[2]));
    const auto number = std::stoull(argv[3]);
    if (command == "send") return send_command(port, number);
    if (command == "ping") return ping_command(port, static_cast<int>(number));
    if (command == "mixed") return mixed_command(port, static_cast<int>(number));
    if (command == "many") return many_command(port, static_cast<int>(number));
    throw std::runtime_error("no such command: " + command);
} catch (const std::exception& error) {
    fmt::print(stderr, "tcp_load: {}\n", error.what());
    return 1;
}
