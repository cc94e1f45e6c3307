// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/memory.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "samples/collab-editor/file_keeper.hpp"

namespace editor {

Memory Memory::load(const std::filesystem::path& file) {
    std::ifstream input(file);
    const auto json = nlohmann::json::parse(input, nullptr, false);
    Memory memory;
    if (!json.is_object()) return memory;
    const auto text = [&json](const char* key) {
        const auto found = json.find(key);
        return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    memory.from = text("from");
    memory.room = text("room");
    memory.service = text("service");
    for (const auto& contact : json.value("invited", nlohmann::json::array())) {
        if (contact.is_string()) memory.invited.push_back(contact.get<std::string>());
    }
    return memory;
}

tubes::result<void> Memory::store(const std::filesystem::path& file) const {
    const nlohmann::json json = {{"from", from}, {"room", room}, {"service", service}, {"invited", invited}};
    return write_atomically(file, json.dump(2) + "\n");
}

}  // namespace editor
