// SPDX-License-Identifier: GPL-3.0-or-later
// A program of sdbus-c++ as it would be written for a session bus: calls the editor of dbus_test.py, takes its signals,
// and tries to pass a file descriptor. Prints what came of it.
#include <sdbus-c++/sdbus-c++.h>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>

namespace {

constexpr const char* kName = "org.example.Editor";
constexpr std::chrono::seconds kPatience{20};

}  // namespace

int main() {
    std::mutex mutex;
    std::condition_variable heard;
    std::uint32_t last = 0;
    auto connection = sdbus::createSessionBusConnection();
    connection->enterEventLoopAsync();
    auto editor = sdbus::createProxy(*connection, kName, "/editor");
    editor->uponSignal("Changed").onInterface(kName).call([&](const std::uint32_t& number) {
        const std::lock_guard lock(mutex);
        last = number;
        heard.notify_one();
    });
    editor->finishRegistration();
    std::string answer;
    editor->callMethod("Echo").onInterface(kName).withArguments(std::string("höre")).storeResultsTo(answer);
    std::cout << "answer: " << answer << "\n";
    try {
        editor->callMethod("Fail").onInterface(kName);
    } catch (const sdbus::Error& error) {
        std::cout << "error: " << error.getName() << "\n";
    }
    editor->callMethod("Emit").onInterface(kName).withArguments(std::uint32_t{100});
    std::unique_lock lock(mutex);
    const bool all = heard.wait_for(lock, kPatience, [&] { return last == 99; });
    lock.unlock();
    std::cout << "signals: " << (all ? "all" : "missing") << "\n";
    try {
        editor->callMethod("Echo").onInterface(kName).withArguments(sdbus::UnixFd(0));
        std::cout << "descriptor: passed\n";
    } catch (const sdbus::Error& error) {
        std::cout << "descriptor: " << error.getName() << "\n";
    }
    connection->leaveEventLoop();
    return 0;
}
