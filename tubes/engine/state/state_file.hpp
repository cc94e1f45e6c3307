// SPDX-License-Identifier: GPL-3.0-or-later
// A versioned JSON file of a profile that several processes share.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "tubes/engine/state/files.hpp"

namespace tubes::engine {

/// Holds the content in memory, reads it again when another process has changed the file, and writes under a lock.
/// The content is an object with "version"; a missing file is an empty object. Blocking file access.
class StateFile {
public:
    using Json = nlohmann::json;

    /// Reads the file. state_too_new (left untouched), state_corrupt (kept aside), or a system error.
    static result<StateFile> open(std::filesystem::path path, int version);

    /// The current content. When the file became unreadable, the last good content stays, and the log says so: a
    /// lost file of pins must not look like a contact that was never seen.
    const Json& content() const;

    /// Changes the content under the lock, starting from what is on disk now. If `change` fails or the write does,
    /// nothing has changed.
    result<void> update(const std::function<result<void>(Json&)>& change);

private:
    StateFile(std::filesystem::path path, int version) : path_(std::move(path)), version_(version) {}
    result<Json> load() const;
    std::filesystem::path path_;
    int version_;
    mutable FileStamp stamp_;
    mutable Json content_ = Json::object();
};

}  // namespace tubes::engine
