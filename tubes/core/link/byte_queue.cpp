// SPDX-License-Identifier: GPL-3.0-or-later
// Chunks of a byte queue.
#include "tubes/core/link/byte_queue.hpp"

#include <algorithm>

#include "tubes/core/wire/limits.hpp"

namespace tubes::core {
namespace {

constexpr std::size_t kSmallestChunk = 256;
// Whole frames, so that bulk data leaves in full ones; below the size at which malloc turns to the kernel.
constexpr std::size_t kLargestChunk = 4 * wire::kMaxPayload;

}  // namespace

ByteQueue::ByteQueue(ByteQueue&& other) noexcept
    : head_(std::move(other.head_)), tail_(other.tail_), begin_(other.begin_), end_(other.end_) {
    other.tail_ = nullptr;
    other.cursor_ = nullptr;
    other.begin_ = other.end_;
}

void ByteQueue::append(ByteView data) {
    while (!data.empty()) {
        if (tail_ == nullptr || tail_->size == tail_->capacity) add_chunk(data.size());
        const auto count = std::min(data.size(), tail_->capacity - tail_->size);
        std::copy_n(data.data(), count, tail_->bytes.get() + tail_->size);
        tail_->size += count;
        end_ += count;
        data = data.subspan(count);
    }
}

void ByteQueue::add_chunk(std::size_t wanted) {
    const auto growth = tail_ == nullptr ? kSmallestChunk : 2 * tail_->capacity;
    auto chunk = std::make_unique<Chunk>();
    chunk->capacity = std::clamp(std::max(wanted, growth), kSmallestChunk, kLargestChunk);
    chunk->bytes = std::make_unique_for_overwrite<std::uint8_t[]>(chunk->capacity);
    chunk->begin = end_;
    auto& place = tail_ == nullptr ? head_ : tail_->next;
    place = std::move(chunk);
    tail_ = place.get();
}

ByteView ByteQueue::peek(std::uint64_t offset, std::size_t limit) const noexcept {
    if (offset < begin_ || offset >= end_) return {};
    const auto* chunk = cursor_ != nullptr && cursor_->begin <= offset ? cursor_ : head_.get();
    while (offset >= chunk->begin + chunk->size) chunk = chunk->next.get();
    cursor_ = chunk;
    const auto skip = static_cast<std::size_t>(offset - chunk->begin);
    return ByteView(chunk->bytes.get() + skip, std::min(limit, chunk->size - skip));
}

void ByteQueue::release(std::uint64_t offset) noexcept {
    begin_ = std::clamp(offset, begin_, end_);
    while (head_ != nullptr && head_->begin + head_->size <= begin_) {
        if (cursor_ == head_.get()) cursor_ = nullptr;
        head_ = std::move(head_->next);
    }
    if (head_ == nullptr) tail_ = nullptr;
}

}  // namespace tubes::core
