// SPDX-License-Identifier: GPL-3.0-or-later
// Reading, checking and replacing a versioned JSON file.
#include "tubes/engine/state/state_file.hpp"

#include "tubes/base/log.hpp"

namespace tubes::engine {
namespace {

constexpr int kMaxDepth = 16;  // levels of nesting our own files never reach

// nlohmann's parser recurses in neither depth nor size, but its destructor and our readers should not be tested.
StateFile::Json parse(const std::string& text) {
    const auto too_deep = [](int depth, StateFile::Json::parse_event_t, StateFile::Json&) {
        return depth <= kMaxDepth;
    };
    return StateFile::Json::parse(text, too_deep, false);
}

}  // namespace

result<StateFile::Json> StateFile::load() const {
    auto text = read_file(path_);
    if (!text && text.error() == Errc::not_found) return Json::object();
    if (!text && text.error() != Errc::limit_exceeded) return text.error();
    auto parsed = text ? parse(*text) : Json(Json::value_t::discarded);
    if (parsed.is_discarded() || !parsed.is_object()) return make_error_code(Errc::state_corrupt);
    const auto version = parsed.find("version");
    if (version == parsed.end() || !version->is_number_integer()) return make_error_code(Errc::state_corrupt);
    if (version->get<std::int64_t>() > version_) {
        base::logger("engine")->error(
            "{} was written by a newer version of Tubes; update this one, or use another profile",
            base::printable(path_.string()));
        return make_error_code(Errc::state_too_new);
    }
    return parsed;
}

result<StateFile> StateFile::open(std::filesystem::path path, int version) {
    StateFile file(std::move(path), version);
    file.stamp_ = stamp_of(file.path_);
    auto loaded = file.load();
    if (!loaded && loaded.error() == Errc::state_corrupt) {
        if (auto aside = keep_aside(file.path_, "not what this version writes"); !aside) return aside.error();
    }
    if (!loaded) return loaded.error();
    file.content_ = std::move(*loaded);
    return file;
}

const StateFile::Json& StateFile::content() const {
    const auto stamp = stamp_of(path_);
    if (stamp == stamp_) return content_;
    auto loaded = load();
    stamp_ = stamp;
    if (loaded) {
        content_ = std::move(*loaded);
    } else {
        base::logger("engine")->error("cannot read {} any more ({}); going on with what it held",
                                      base::printable(path_.string()), loaded.error().message());
    }
    return content_;
}

result<void> StateFile::update(const std::function<result<void>(Json&)>& change) {
    auto lock_path = path_;
    lock_path += ".lock";
    const auto lock = FileLock::acquire(lock_path);
    if (!lock) return lock.error();
    auto next = load();
    if (!next) return next.error();
    if (auto changed = change(*next); !changed) return changed;
    (*next)["version"] = version_;
    if (auto written = write_file(path_, next->dump(1) + "\n"); !written) return written;
    stamp_ = stamp_of(path_);
    content_ = std::move(*next);
    return {};
}

}  // namespace tubes::engine
