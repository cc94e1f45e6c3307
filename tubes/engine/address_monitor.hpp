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
    /// `changed` is called on the loop until the monitor goes. Null if the kernel has no such socket for us (a
    /// sandbox): then nothing is noticed, and links find out by their keep-alives.
    static std::unique_ptr<AddressMonitor> make(const boost::asio::any_io_executor& executor,
                                                std::function<void()> changed);
    ~AddressMonitor();

private:
    class Watch;
    explicit AddressMonitor(std::shared_ptr<Watch> watch);
    std::shared_ptr<Watch> watch_;
};

}  // namespace tubes::engine
