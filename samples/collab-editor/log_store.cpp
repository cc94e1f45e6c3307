// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/log_store.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

#include "samples/collab-editor/file_keeper.hpp"
#include "samples/collab-editor/protocol.hpp"

namespace editor {
namespace {

constexpr std::string_view kMagic = "tubes editor 1\n";
constexpr std::size_t kRecordHead = 8;  // bytes: length, CRC-32

std::uint32_t checksum(std::string_view bytes) {
    boost::crc_32_type crc;
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

std::string digest(const std::string& bytes) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash.data());
    return {hash.begin(), hash.end()};
}

}  // namespace

LogStore::LogStore(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}

LogStore::LogStore(LogStore&& other) noexcept
    : file_(std::move(other.file_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      records_(std::move(other.records_)),
      digests_(std::move(other.digests_)),
      size_(other.size_),
      snapshot_records_(other.snapshot_records_),
      snapshot_size_(other.snapshot_size_) {}

LogStore::~LogStore() {
    if (descriptor_ < 0) return;
    if (syncing_.valid()) syncing_.wait();
    ::fdatasync(descriptor_);
    ::close(descriptor_);
}

tubes::result<LogStore> LogStore::open(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) return last_error();
    LogStore store(file, descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return tubes::error_code(tubes::Errc::already_exists);
    if (const auto loaded = store.load(); !loaded) return loaded.error();
    return store;
}

tubes::result<void> LogStore::load() {
    std::ifstream input(file_, std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
    std::string_view rest = all;
    if (rest.size() < kMagic.size() && kMagic.substr(0, rest.size()) == rest) {
        if (::ftruncate(descriptor_, 0) != 0) return last_error();
        size_ = kMagic.size();
        return write_all(descriptor_, kMagic);
    }
    if (rest.substr(0, kMagic.size()) != kMagic) return tubes::error_code(tubes::Errc::state_corrupt);
    rest.remove_prefix(kMagic.size());
    while (rest.size() >= kRecordHead) {
        const std::size_t length = read_number(rest);
        if (length > kMaxUpdateSize || rest.size() - kRecordHead < length) break;
        const std::string record(rest.substr(kRecordHead, length));
        if (checksum(record) != read_number(rest.substr(4))) break;
        if (remember(record)) records_.push_back(record);
        rest.remove_prefix(kRecordHead + length);
    }
    size_ = all.size() - rest.size();
    if (!rest.empty() && ::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) return last_error();
    return {};
}

bool LogStore::remember(const std::string& record) {
    return digests_.insert(digest(record)).second;
}

tubes::result<void> LogStore::write_record(int descriptor, const std::string& record) const {
    const auto length = static_cast<std::uint32_t>(record.size());
    return write_all(descriptor, write_number(length) + write_number(checksum(record)) + record);
}

tubes::result<void> LogStore::append(std::string update) {
    if (update.size() > kMaxUpdateSize || size_ + kRecordHead + update.size() > kMaxLogSize) {
        return tubes::error_code(tubes::Errc::limit_exceeded);
    }
    if (digests_.count(digest(update)) != 0) return tubes::error_code(tubes::Errc::already_exists);
    if (const auto written = write_record(descriptor_, update); !written) {
        // What was written of the record would hide the ones after it.
        if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) return last_error();
        return written;
    }
    size_ += kRecordHead + update.size();
    is_unsynced_ = true;
    remember(update);
    records_.push_back(std::move(update));
    return {};
}

void LogStore::sync_later() {
    const bool is_busy = syncing_.valid() && syncing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
    if (!is_unsynced_ || is_busy) return;
    const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return;
    is_unsynced_ = false;
    syncing_ = std::async(std::launch::async, [copy] {
        ::fdatasync(copy);
        ::close(copy);
    });
}

bool LogStore::wants_snapshot() const {
    return records_.size() - snapshot_records_ > kCompactAfterRecords ||
           size_ - snapshot_size_ > std::max(kCompactAfterBytes, snapshot_size_);
}

tubes::result<void> LogStore::replace(std::size_t count, std::string snapshot) {
    if (count > records_.size() || snapshot.empty() || snapshot.size() > kMaxUpdateSize) {
        return tubes::error_code(tubes::Errc::invalid_argument);
    }
    std::vector<std::string> kept(records_.begin() + static_cast<std::ptrdiff_t>(count), records_.end());
    kept.insert(kept.begin(), std::move(snapshot));
    const auto beside = file_.string() + ".new";
    const int fresh = ::open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fresh < 0) return last_error();
    std::size_t size = kMagic.size();
    auto written = write_all(fresh, kMagic);
    for (const auto& record : kept) {
        if (written) written = write_record(fresh, record);
        size += kRecordHead + record.size();
    }
    const bool placed = written && ::flock(fresh, LOCK_EX | LOCK_NB) == 0 && ::fsync(fresh) == 0 &&
                        ::rename(beside.c_str(), file_.c_str()) == 0;
    if (!placed) {
        const auto reason = written ? last_error() : written.error();
        ::close(fresh);
        return reason;
    }
    ::close(std::exchange(descriptor_, fresh));
    // The digests of what the snapshot covers stay known: a peer may send those updates once more.
    records_ = std::move(kept);
    remember(records_.front());
    size_ = snapshot_size_ = size;
    snapshot_records_ = records_.size();
    return {};
}

}  // namespace editor
