// SPDX-License-Identifier: GPL-3.0-or-later
// A queue of bytes addressed by their offset in a stream: filled at the end, read anywhere, released at the front.
#pragma once

#include <memory>

#include "tubes/core/ids.hpp"

namespace tubes::core {

/// Bytes of a stream from begin() to end(), in chunks whose size follows the writes; an empty queue owns no memory.
/// Both the bytes to be acknowledged by the peer and those that no handler has taken yet wait in one.
class ByteQueue {
public:
    ByteQueue() = default;
    ~ByteQueue() { clear(); }
    ByteQueue(const ByteQueue&) = delete;
    ByteQueue& operator=(const ByteQueue&) = delete;
    /// Leaves `other` empty, at the same end().
    ByteQueue(ByteQueue&& other) noexcept;
    ByteQueue& operator=(ByteQueue&&) = delete;

    std::uint64_t begin() const noexcept { return begin_; }
    std::uint64_t end() const noexcept { return end_; }
    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
    bool empty() const noexcept { return begin_ == end_; }

    /// Copies `data` behind end().
    void append(ByteView data);

    /// Contiguous bytes from `offset` on, at most `limit`; at least one if `offset` is in the queue and limit > 0.
    /// Valid until the next change.
    ByteView peek(std::uint64_t offset, std::size_t limit) const noexcept;

    /// Drops everything before `offset` (at most end()).
    void release(std::uint64_t offset) noexcept;

    /// Drops everything; begin() moves to end().
    void clear() noexcept { release(end_); }

private:
    struct Chunk {
        std::unique_ptr<std::uint8_t[]> bytes;
        std::uint64_t begin = 0;
        std::size_t size = 0;
        std::size_t capacity = 0;
        std::unique_ptr<Chunk> next;
    };

    void add_chunk(std::size_t wanted);

    std::unique_ptr<Chunk> head_;
    Chunk* tail_ = nullptr;
    mutable const Chunk* cursor_ = nullptr;  // where the last peek was: reading onward costs no search
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
};

}  // namespace tubes::core
