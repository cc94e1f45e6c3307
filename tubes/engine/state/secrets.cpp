// SPDX-License-Identifier: GPL-3.0-or-later
// Passwords in a file that only its owner reads.
#include "tubes/engine/state/secrets.hpp"

#include <sys/stat.h>

#include "tubes/base/log.hpp"

namespace tubes::engine {
namespace {

using Json = StateFile::Json;

constexpr int kVersion = 1;

std::string text_at(const Json& content, const std::string& outer, const std::string& inner, const std::string& name) {
    const auto level = content.find(outer);
    if (level == content.end() || !level->is_object()) return {};
    const auto entry = level->find(inner);
    if (entry == level->end() || !entry->is_object()) return {};
    const auto value = entry->find(name);
    return value != entry->end() && value->is_string() ? value->get<std::string>() : std::string();
}

class SecretFile final : public SecretStore {
public:
    explicit SecretFile(StateFile file) : file_(std::move(file)) {}

    result<std::string> find(const std::string& account) const override {
        auto password = text_at(file_.content(), "accounts", account, "password");
        if (password.empty()) return make_error_code(Errc::not_found);
        return password;
    }
    result<void> put(const std::string& account, const std::string& password) override {
        return file_.update([&](Json& content) -> result<void> {
            content["accounts"][account]["password"] = password;
            return {};
        });
    }
    result<void> remove(const std::string& account) override {
        if (find(account).has_error()) return {};
        return file_.update([&](Json& content) -> result<void> {
            content["accounts"].erase(account);
            return {};
        });
    }

private:
    StateFile file_;
};

// Somebody may have copied the file back from elsewhere with a wide mode.
void close_to_others(const std::filesystem::path& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0 || (found.st_mode & 077) == 0) return;
    base::logger("engine")->warn("others could read {}; its mode is 0600 now", base::printable(path.string()));
    ::chmod(path.c_str(), 0600);
}

}  // namespace

result<std::unique_ptr<SecretStore>> open_secret_file(const std::filesystem::path& directory) {
    const auto path = directory / "secrets.json";
    close_to_others(path);
    auto file = StateFile::open(path, kVersion);
    if (!file) return file.error();
    return std::unique_ptr<SecretStore>(std::make_unique<SecretFile>(std::move(*file)));
}

result<AccountMemory> AccountMemory::open(const std::filesystem::path& directory) {
    auto file = StateFile::open(directory / "accounts.json", kVersion);
    if (!file) return file.error();
    return AccountMemory(std::move(*file));
}

std::string AccountMemory::get(const std::string& account, const std::string& name) const {
    return text_at(file_.content(), "accounts", account, name);
}

result<void> AccountMemory::put(const std::string& account, const std::string& name, const std::string& value) {
    if (get(account, name) == value) return {};
    return file_.update([&](Json& content) -> result<void> {
        content["accounts"][account][name] = value;
        return {};
    });
}

}  // namespace tubes::engine
