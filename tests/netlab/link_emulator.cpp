// SPDX-License-Identifier: GPL-3.0-or-later
// Joins two network namespaces by a link with delay, rate, queue, MTU, loss, reordering and duplication, in user space.
// Commands on stdin, each answered by a JSON line: "set NAME VALUE [NAME VALUE ...]" (names as the options), "down",
// "up", "stats"; for one direction only with "a_to_b" or "b_to_a" before it. Ends when stdin closes.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>

#include "tests/netlab/link_model.hpp"
#include "tests/netlab/too_large.hpp"

namespace tubes::netlab {
namespace {

// Packets read from one end before the other end gets its turn: about 2 ms of a 300 Mbit/s line.
constexpr int kBatch = 64;
constexpr std::size_t kLargestPacket = 65536;

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

Nanoseconds now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

void enter_namespace(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) fail(path);
    const int entered = ::setns(descriptor, CLONE_NEWNET);
    ::close(descriptor);
    if (entered != 0) fail("entering " + path);
}

// A TUN device belongs to the namespace its descriptor was attached in and stays usable from any other.
int open_device(const std::string& network_namespace, const std::string& name) {
    enter_namespace("/run/netns/" + network_namespace);
    const int descriptor = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) fail("/dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    if (::ioctl(descriptor, TUNSETIFF, &request) != 0) fail("making device " + name);
    return descriptor;
}

// Reads "50" as milliseconds and so on; the same names serve the command line and "set".
void apply(LinkSettings& settings, const std::string& name, double value) {
    const auto milliseconds = Nanoseconds(static_cast<std::int64_t>(value * 1e6));
    if (value < 0) throw std::runtime_error(name + " is negative");
    if (name == "delay-ms") {
        settings.delay = milliseconds;
    } else if (name == "jitter-ms") {
        settings.jitter = milliseconds;
    } else if (name == "rate-mbit") {
        settings.rate_bps = static_cast<std::uint64_t>(value * 1e6);
    } else if (name == "queue-kb") {
        settings.queue_bytes = static_cast<std::size_t>(value * 1e3);
    } else if (name == "loss") {
        settings.loss = value;
    } else if (name == "reorder") {
        settings.reordering = value;
    } else if (name == "duplicate") {
        settings.duplication = value;
    } else if (name == "mtu") {
        settings.mtu = static_cast<std::size_t>(value);
    } else if (name == "tells-mtu") {
        settings.tells_mtu = value != 0;
    } else {
        throw std::runtime_error("no setting called " + name);
    }
}

nlohmann::json to_json(const LinkCounters& counters) {
    return {{"offered", counters.offered},       {"delivered", counters.delivered},
            {"bytes", counters.delivered_bytes}, {"lost", counters.lost},
            {"dropped", counters.dropped},       {"reordered", counters.reordered},
            {"duplicated", counters.duplicated}, {"too_large", counters.too_large}};
}

class Emulator {
public:
    Emulator(std::array<int, 2> devices, const LinkSettings& settings, std::uint64_t seed)
        : devices_(devices), directions_{LinkModel(settings, seed), LinkModel(settings, seed + 1)} {}

    // Carries packets until stdin closes.
    void run() {
        for (;;) {
            deliver();
            std::array<pollfd, 3> waiting{pollfd{devices_[0], POLLIN, 0}, pollfd{devices_[1], POLLIN, 0},
                                          pollfd{STDIN_FILENO, POLLIN, 0}};
            wait(waiting);
            for (std::size_t side : {0U, 1U}) {
                if (waiting[side].revents != 0) receive(side);
            }
            if (waiting[2].revents != 0 && !obey()) return;
        }
    }

private:
    void wait(std::array<pollfd, 3>& waiting) {
        std::optional<Nanoseconds> due = directions_[0].next_due();
        if (const auto other = directions_[1].next_due(); other && (!due || *other < *due)) due = other;
        timespec limit{};
        if (due) {
            const auto left = std::max(*due - now(), Nanoseconds{0}).count();
            limit = {left / 1'000'000'000, left % 1'000'000'000};
        }
        if (::ppoll(waiting.data(), waiting.size(), due ? &limit : nullptr, nullptr) < 0 && errno != EINTR) {
            fail("poll");
        }
    }

    void receive(std::size_t side) {
        for (int count = 0; count < kBatch; ++count) {
            const ssize_t size = ::read(devices_[side], buffer_.data(), buffer_.size());
            if (size <= 0) return;
            Packet packet(buffer_.begin(), buffer_.begin() + size);
            auto& direction = directions_[side];
            if (!direction.fits(packet.size()) && direction.settings().tells_mtu) {
                if (const auto answer = too_large_answer(packet, direction.settings().mtu)) write_to(side, *answer);
            }
            direction.offer(now(), std::move(packet));
        }
    }

    void deliver() {
        for (std::size_t side : {0U, 1U}) {
            while (auto packet = directions_[side].take(now())) {
                write_to(1 - side, *packet);
            }
        }
    }

    // A device that is down refuses it; a real link would lose it as well.
    void write_to(std::size_t side, const Packet& packet) {
        [[maybe_unused]] const auto written = ::write(devices_[side], packet.data(), packet.size());
    }

    // Reads what stdin has; false at its end.
    bool obey() {
        std::array<char, 4096> bytes{};
        const ssize_t size = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (size <= 0) return false;
        commands_.append(bytes.data(), static_cast<std::size_t>(size));
        for (auto end = commands_.find('\n'); end != std::string::npos; end = commands_.find('\n')) {
            const std::string line = commands_.substr(0, end);
            commands_.erase(0, end + 1);
            nlohmann::json answer{{"command", line}};
            try {
                execute(line, answer);
                answer["ok"] = true;
            } catch (const std::exception& error) {
                answer["ok"] = false;
                answer["error"] = error.what();
            }
            std::cout << answer.dump() << std::endl;
        }
        return true;
    }

    void execute(const std::string& line, nlohmann::json& answer) {
        std::istringstream words(line);
        std::string verb;
        words >> verb;
        const bool only_first = verb == "a_to_b";
        const bool only_second = verb == "b_to_a";
        if (only_first || only_second) words >> verb;
        std::ostringstream rest;
        rest << words.rdbuf();
        if (!only_second) change(directions_[0], verb, rest.str());
        if (!only_first) change(directions_[1], verb, rest.str());
        answer["a_to_b"] = to_json(directions_[0].counters());
        answer["b_to_a"] = to_json(directions_[1].counters());
    }

    static void change(LinkModel& direction, const std::string& verb, const std::string& rest) {
        LinkSettings settings = direction.settings();
        std::istringstream words(rest);
        std::string name;
        double value = 0;
        if (verb == "set") {
            while (words >> name >> value) apply(settings, name, value);
        } else if (verb == "down" || verb == "up") {
            settings.up = verb == "up";
        } else if (verb != "stats") {
            throw std::runtime_error("unknown command; known are set, down, up, stats");
        }
        direction.set(settings);
    }

    std::array<int, 2> devices_;
    std::array<LinkModel, 2> directions_;
    std::array<std::uint8_t, kLargestPacket> buffer_{};
    std::string commands_;
};

int run_program(int argc, char** argv) {
    CLI::App app{"Joins two network namespaces by an emulated link; both directions behave alike"};
    std::array<std::string, 2> namespaces;
    std::string device = "link0";
    std::string other_device;
    std::uint64_t seed = 1;
    LinkSettings settings;
    app.add_option("--netns-a", namespaces[0], "name of the first namespace")->required();
    app.add_option("--netns-b", namespaces[1], "name of the second namespace")->required();
    app.add_option("--device", device, "interface name in both");
    app.add_option("--device-b", other_device, "interface name in the second, if it is another one");
    app.add_option("--seed", seed, "of the accidents; the same seed and traffic give the same accidents");
    for (const char* name :
         {"delay-ms", "jitter-ms", "rate-mbit", "queue-kb", "loss", "reorder", "duplicate", "mtu", "tells-mtu"}) {
        const std::string option = name;
        app.add_option_function<double>("--" + option,
                                        [&settings, option](double value) { apply(settings, option, value); });
    }
    CLI11_PARSE(app, argc, argv);
    const std::array<int, 2> devices{open_device(namespaces[0], device),
                                     open_device(namespaces[1], other_device.empty() ? device : other_device)};
    // The default slack of 50 us would be a queue of its own at these rates.
    ::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
    std::cout << nlohmann::json{{"ok", true}, {"seed", seed}, {"device", device}}.dump() << std::endl;
    Emulator(devices, settings, seed).run();
    return 0;
}

}  // namespace
}  // namespace tubes::netlab

int main(int argc, char** argv) {
    try {
        return tubes::netlab::run_program(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "link_emulator: " << error.what() << "\n";
        return 1;
    }
}
