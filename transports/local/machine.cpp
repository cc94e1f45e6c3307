// SPDX-License-Identifier: GPL-3.0-or-later
// Reads what identifies this machine, boot and namespace.
#include "transports/local/machine.hpp"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "transports/crypto/crypto.hpp"

namespace tubes::transports {

namespace {

std::string first_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

/// "device:inode": two processes are in the same namespace if these agree (namespaces(7)).
std::string namespace_of(const char* path) {
    struct stat status {};
    if (::stat(path, &status) != 0) return {};
    return fmt::format("{}:{}", status.st_dev, status.st_ino);
}

}  // namespace

std::optional<core::Digest> machine_mark(const core::LinkId& link) {
    const auto boot = first_line("/proc/sys/kernel/random/boot_id");
    const auto network = namespace_of("/proc/self/ns/net");
    const auto user = namespace_of("/proc/self/ns/user");
    if (boot.empty() || network.empty() || user.empty()) return std::nullopt;
    // A missing machine id is no harm: the boot id is random too.
    const auto text = fmt::format("tubes machine v1\n{}\n{}\n{}\n{}\n{}\n", first_line("/etc/machine-id"), boot,
                                  network, user, link.hex());
    return OpenSslCrypto().sha256(base::as_bytes(text));
}

}  // namespace tubes::transports
