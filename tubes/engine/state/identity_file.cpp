// SPDX-License-Identifier: GPL-3.0-or-later
// Identity keys as PKCS#8 PEM files.
#include "tubes/engine/state/identity_file.hpp"

#include <fmt/format.h>

#include "transports/crypto/crypto.hpp"
#include "tubes/engine/state/files.hpp"

namespace tubes::engine {
namespace {

namespace fs = std::filesystem;
using IdentityPointer = std::unique_ptr<core::ports::Identity>;

constexpr std::size_t kMaxName = 200;  // bytes of a file name we make, below NAME_MAX with room for suffixes

// Percent-encodes all but [A-Za-z0-9@_-] and inner dots, so that an address cannot climb out of the directory.
std::string file_name(const std::string& account) {
    std::string name;
    for (const char c : account) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '@' ||
                           c == '_' || c == '-' || (c == '.' && !name.empty());
        name += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    if (name.size() <= kMaxName) return name;
    const auto digest = transports::OpenSslCrypto().sha256(base::as_bytes(account));
    return name.substr(0, 64) + "-" + digest.hex();
}

result<IdentityPointer> read_identity(const fs::path& path) {
    auto text = read_file(path);
    if (!text) return text.error();
    const transports::SecretBytes pem(base::Bytes(text->begin(), text->end()));
    std::fill(text->begin(), text->end(), '\0');
    auto identity = transports::OpenSslIdentity::from_pem(pem.view());
    if (!identity) return identity.error();
    return IdentityPointer(std::move(*identity));
}

}  // namespace

result<IdentityPointer> load_identity(const fs::path& state, const std::string& account) {
    const auto directory = state / "identities";
    if (auto made = make_private_directory(directory); !made) return made.error();
    const auto path = directory / (file_name(account) + ".pem");
    const auto lock = FileLock::acquire(directory / ".lock");
    if (!lock) return lock.error();
    auto found = read_identity(path);
    if (found) return found;
    if (found.error() == Errc::state_corrupt) {
        if (auto aside = keep_aside(path, "no Ed25519 private key"); !aside) return aside.error();
        return found.error();
    }
    if (found.error() != Errc::not_found) return found.error();
    auto identity = transports::OpenSslIdentity::generate();
    const auto pem = identity->to_pem();
    if (auto written = write_file(path, base::as_text(pem.view())); !written) return written.error();
    return IdentityPointer(std::move(identity));
}

}  // namespace tubes::engine
