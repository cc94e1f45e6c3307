// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and editing config.toml.
#include "tubes/engine/state/config_file.hpp"

#include "tubes/base/log.hpp"
#include "tubes/engine/state/toml_lines.hpp"

namespace tubes::engine {
namespace {

constexpr std::string_view kNewFile =
    "# Settings of Tubes. `tube config` lists every value and where it comes from.\n"
    "version = 1\n";

void complain(const std::filesystem::path& path, const std::string& text) {
    base::logger("engine")->error("{}: {}", base::printable(path.string()), base::printable(text));
}

result<ConfigContent> parse(const std::filesystem::path& path, const std::string& text) {
    ConfigProblem problem;
    auto content = parse_config(text, problem);
    if (content) return std::move(*content);
    complain(path, problem.text);
    return make_error_code(problem.code);
}

result<std::string> read_text(const std::filesystem::path& path) {
    auto text = read_file(path);
    if (!text && text.error() == Errc::not_found) return std::string();
    if (!text) complain(path, text.error().message());
    return text;
}

bool same_subject(const PolicyEntry& a, const PolicyEntry& b) {
    return a.account == b.account && a.contact == b.contact && a.service == b.service && a.direction == b.direction;
}

std::string_view text_of(core::ports::PolicyStore::Direction direction) {
    return direction == core::ports::PolicyStore::Direction::incoming ? "incoming" : "offered";
}

std::vector<TomlLines::Entry> entries_of(const PolicyEntry& entry) {
    std::vector<TomlLines::Entry> list;
    if (!entry.account.empty()) list.emplace_back("account", TomlLines::quote(entry.account));
    if (!entry.contact.empty()) list.emplace_back("contact", TomlLines::quote(entry.contact));
    if (!entry.service.empty()) list.emplace_back("service", TomlLines::quote(entry.service));
    if (entry.direction) list.emplace_back("direction", TomlLines::quote(text_of(*entry.direction)));
    if (entry.policy) list.emplace_back("policy", TomlLines::quote(to_string(*entry.policy)));
    if (entry.addresses) list.emplace_back("addresses", TomlLines::quote(to_string(*entry.addresses)));
    return list;
}

// Every key with its value; an empty value means that the key should not be there.
std::vector<TomlLines::Entry> fields_of(const AccountEntry& entry) {
    const auto text = [](const std::string& value) { return value.empty() ? value : TomlLines::quote(value); };
    const auto flag = [](bool value, bool fallback) {
        return std::string(value == fallback ? "" : value ? "true" : "false");
    };
    return {{"address", text(entry.address)},
            {"host", text(entry.host)},
            {"direct_tls", flag(entry.direct_tls, false)},
            {"ca_file", text(entry.ca_file)},
            {"pinned_certificate", text(entry.pinned_certificate)},
            {"allow_plain", flag(entry.allow_plain, false)},
            {"enabled", flag(entry.enabled, true)}};
}

std::vector<TomlLines::Entry> entries_of(const AccountEntry& entry) {
    auto list = fields_of(entry);
    std::erase_if(list, [](const TomlLines::Entry& field) { return field.second.empty(); });
    return list;
}

template <class Entry, class Same>
const Entry* find(const std::vector<Entry>& entries, const Same& same) {
    const auto found = std::find_if(entries.begin(), entries.end(), same);
    return found == entries.end() ? nullptr : &*found;
}

}  // namespace

result<std::unique_ptr<ConfigFile>> ConfigFile::open(std::filesystem::path path) {
    std::unique_ptr<ConfigFile> file(new ConfigFile(std::move(path)));
    file->stamp_ = stamp_of(file->path_);
    auto text = read_text(file->path_);
    if (!text) return text.error();
    auto content = parse(file->path_, *text);
    if (!content) return content.error();
    file->content_ = std::move(*content);
    return file;
}

const ConfigContent& ConfigFile::content() const {
    const auto stamp = stamp_of(path_);
    if (stamp == stamp_) return content_;
    stamp_ = stamp;
    auto text = read_text(path_);
    if (!text) return content_;
    auto content = parse(path_, *text);
    if (content) content_ = std::move(*content);
    return content_;
}

result<void> ConfigFile::change(const Edit& edit, const Check& check) {
    auto lock_path = path_;
    lock_path += ".lock";
    const auto lock = FileLock::acquire(lock_path);
    if (!lock) return lock.error();
    auto text = read_text(path_);
    if (!text) return text.error();
    auto before = parse(path_, *text);
    if (!before) return before.error();
    TomlLines lines(text->empty() ? kNewFile : std::string_view(*text));
    if (auto edited = edit(*before, lines); !edited) return edited;
    ConfigProblem problem;
    auto after = parse_config(lines.text(), problem);
    const bool as_wanted = after && after->values.size() == before->values.size() &&
                           after->services.size() == before->services.size() && check(*after);
    if (!as_wanted) {
        complain(path_, "is written in a way that cannot be edited by a program; please change it by hand");
        return make_error_code(Errc::unsupported);
    }
    if (auto written = write_file(path_, lines.text()); !written) return written;
    stamp_ = stamp_of(path_);
    content_ = std::move(*after);
    return {};
}

result<void> ConfigFile::set_policy(const PolicyEntry& entry) {
    const auto same = [&](const PolicyEntry& other) { return same_subject(entry, other); };
    const auto edit = [&](const ConfigContent& before, TomlLines& lines) -> result<void> {
        const auto* old = find(before.policies, same);
        if (!old) {
            lines.append("policy", entries_of(entry));
            return {};
        }
        if (entry.policy) lines.set(old->line, {"policy", TomlLines::quote(to_string(*entry.policy))});
        if (entry.addresses) lines.set(old->line, {"addresses", TomlLines::quote(to_string(*entry.addresses))});
        return {};
    };
    return change(edit, [&](const ConfigContent& after) {
        const auto* now = find(after.policies, same);
        return now && (!entry.policy || now->policy == entry.policy) &&
               (!entry.addresses || now->addresses == entry.addresses);
    });
}

result<void> ConfigFile::put_account(const AccountEntry& entry) {
    const auto same = [&](const AccountEntry& other) { return other.address == entry.address; };
    const auto edit = [&](const ConfigContent& before, TomlLines& lines) -> result<void> {
        const auto* old = find(before.accounts, same);
        if (!old) {
            lines.append("account", entries_of(entry));
            return {};
        }
        for (const auto& field : fields_of(entry)) {
            if (field.second.empty()) {
                lines.unset(old->line, field.first);
            } else {
                lines.set(old->line, field);
            }
        }
        return {};
    };
    return change(edit, [&](const ConfigContent& after) {
        const auto* now = find(after.accounts, same);
        return now && entries_of(*now) == entries_of(entry);
    });
}

result<void> ConfigFile::remove_account(const std::string& address) {
    const auto same = [&](const AccountEntry& other) { return other.address == address; };
    const auto edit = [&](const ConfigContent& before, TomlLines& lines) -> result<void> {
        const auto* old = find(before.accounts, same);
        if (!old) return make_error_code(Errc::not_found);
        lines.remove_table(old->line);
        return {};
    };
    return change(edit, [&](const ConfigContent& after) { return find(after.accounts, same) == nullptr; });
}

}  // namespace tubes::engine
