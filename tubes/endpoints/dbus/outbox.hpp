// SPDX-License-Identifier: GPL-3.0-or-later
// Messages on their way out of the bus: to a program's socket or to another occupant's stream.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "tubes/base/bytes.hpp"

namespace tubes::endpoints::dbus {

/// Keeps order. Small messages travel in one piece, so that many of them need one write; large ones are shared by all
/// who get them.
class Outbox {
public:
    /// From here on it is full: whoever feeds it pauses. The message that passes the mark still fits.
    static constexpr std::size_t kFull = 4 * 1024 * 1024;

    void push(std::shared_ptr<const base::Bytes> message);
    /// Takes all that `other` holds.
    void append(Outbox& other);

    bool is_empty() const { return pieces_.empty(); }
    bool is_full() const { return size_ >= kFull; }

    /// What is to be written next; never empty while the box is not.
    base::ByteView front() const;
    /// That many bytes of front() are written.
    void pop(std::size_t count);

    /// Bytes popped since the last call.
    std::size_t take_progress() { return std::exchange(progress_, 0); }

private:
    static constexpr std::size_t kSmall = 4096;       // bytes; copying them is cheaper than a write of their own
    static constexpr std::size_t kPiece = 64 * 1024;  // bytes of small messages in one piece

    struct Piece {
        std::shared_ptr<const base::Bytes> shared;
        base::Bytes own;  // small messages, if `shared` is null
    };

    std::deque<Piece> pieces_;
    std::size_t offset_ = 0;  // written bytes of the first piece
    std::size_t size_ = 0;
    std::size_t progress_ = 0;
};

}  // namespace tubes::endpoints::dbus
