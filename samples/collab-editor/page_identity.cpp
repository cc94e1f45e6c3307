// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/page_identity.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "samples/collab-editor/file_keeper.hpp"

namespace editor {
namespace {

constexpr std::size_t kSecretSize = 64;  // hexadecimal digits

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text.push_back("0123456789abcdef"[bytes[i] >> 4]);
        text.push_back("0123456789abcdef"[bytes[i] & 15]);
    }
    return text;
}

}  // namespace

bool equals_secret(std::string_view left, std::string_view right) {
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string make_secret() {
    std::array<unsigned char, kSecretSize / 2> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw std::runtime_error("no random numbers");
    return hexadecimal(bytes.data(), bytes.size());
}

PageIdentity PageIdentity::make() {
    return {0, make_secret(), make_secret()};
}

PageIdentity PageIdentity::load(const std::filesystem::path& file) {
    std::ifstream input(file);
    const auto json = nlohmann::json::parse(input, nullptr, false);
    PageIdentity identity = make();
    if (!json.is_object()) return identity;
    const auto port = json.find("port"), cookie = json.find("cookie"), key = json.find("key");
    const auto is_secret = [&json](const auto& found) {
        return found != json.end() && found->is_string() && found->template get<std::string>().size() == kSecretSize;
    };
    if (port == json.end() || !port->is_number_unsigned() || !is_secret(cookie) || !is_secret(key)) return identity;
    return {port->get<unsigned short>(), cookie->get<std::string>(), key->get<std::string>()};
}

tubes::result<void> PageIdentity::store(const std::filesystem::path& file) const {
    // Made with the right permissions before there is a secret in it; what replaces it keeps them.
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return last_error();
    const bool is_ours_alone = ::fchmod(descriptor, 0600) == 0;
    ::close(descriptor);
    if (!is_ours_alone) return last_error();
    return write_atomically(file, nlohmann::json{{"port", port}, {"cookie", cookie}, {"key", key}}.dump(2) + "\n");
}

std::string PageIdentity::prove(std::string_view role, std::string_view program_nonce,
                                std::string_view page_nonce) const {
    std::string text(role);
    text.append(":").append(std::to_string(port)).append(":").append(program_nonce).append(":").append(page_nonce);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
    return hexadecimal(digest.data(), size);
}

}  // namespace editor
