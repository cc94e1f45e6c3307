// SPDX-License-Identifier: GPL-3.0-or-later
// Tells when this machine's addresses or routes change. Spec: rtnetlink(7).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

namespace tubes::engine {

/// Listens to the kernel; changes within half a second are told as one. Lives on the loop.
class AddressMonitor {
public:
    /// `happened` is called on the loop until the monitor goes: with true if the addresses that peers may use, or those
    /// that this machine uses towards the internet, are others than before, else with false (a cable was out for a
    /// moment, a container came up). Null if the kernel has no such socket for us (a
    /// sandbox): then nothing is noticed, and links find out by their keep-alives.
    static std::unique_ptr<AddressMonitor> make(const boost::asio::any_io_executor& executor,
                                                std::function<void(bool changed)> happened);
    ~AddressMonitor();

private:
    class Watch;
    explicit AddressMonitor(std::shared_ptr<Watch> watch);
    std::shared_ptr<Watch> watch_;
};

}  // namespace tubes::engine
