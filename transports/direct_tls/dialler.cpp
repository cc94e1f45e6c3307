// SPDX-License-Identifier: GPL-3.0-or-later
// Orders, starts and staggers connection attempts.
#include "transports/direct_tls/dialler.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <list>
#include <vector>

#include "transports/addresses/address_rules.hpp"

namespace tubes::transports {

using boost::asio::ip::tcp;

struct Dialler::Shared : std::enable_shared_from_this<Shared> {
    explicit Shared(const boost::asio::any_io_executor& loop) : executor(loop), stagger(loop) {}

    boost::asio::any_io_executor executor;
    boost::asio::steady_timer stagger;
    Connected connected;
    Exhausted exhausted;
    std::vector<tcp::endpoint> known;
    std::vector<tcp::endpoint> waiting;
    std::list<tcp::socket> dialling;
    bool staggered = false;
    bool last_was_v6 = false;
    bool closed = false;

    /// RFC 8305 §4, with the site's own addresses first: smaller goes first.
    int rank(const tcp::endpoint& endpoint) const {
        const int distance = is_private(endpoint.address()) ? 0 : 2;
        return distance + (endpoint.address().is_v6() == last_was_v6 ? 1 : 0);
    }

    void dial_next() {
        if (closed || staggered) return;
        if (waiting.empty()) {
            // A copy: the call may end this dialler.
            const auto notify = dialling.empty() ? exhausted : nullptr;
            return notify ? notify() : void();
        }
        const auto best = std::min_element(waiting.begin(), waiting.end(),
                                           [this](const auto& a, const auto& b) { return rank(a) < rank(b); });
        const auto endpoint = *best;
        waiting.erase(best);
        last_was_v6 = endpoint.address().is_v6();
        dial(endpoint);
        staggered = true;
        stagger.expires_after(is_private(endpoint.address()) ? kConnectStaggerOnSite : kConnectStagger);
        stagger.async_wait([weak = weak_from_this()](const error_code& error) {
            const auto self = weak.lock();
            if (self && !error) self->continue_after_stagger();
        });
    }

    void continue_after_stagger() {
        staggered = false;
        dial_next();
    }

    void dial(const tcp::endpoint& endpoint) {
        dialling.emplace_back(executor);
        const auto socket = std::prev(dialling.end());
        socket->async_connect(endpoint, [weak = weak_from_this(), socket](const error_code& error) {
            const auto self = weak.lock();
            if (self && !self->closed) self->finish(socket, error);
        });
    }

    void finish(std::list<tcp::socket>::iterator socket, const error_code& error) {
        tcp::socket done = std::move(*socket);
        dialling.erase(socket);
        const auto self = shared_from_this();
        // A copy: the call may end this dialler.
        if (const auto notify = connected; notify && !error) notify(std::move(done));
        if (closed) return;
        // A failure needs no patience: the next one starts at once (RFC 8305 §5).
        if (error || waiting.empty()) {
            stagger.cancel();
            staggered = false;
            dial_next();
        }
    }

    void close() {
        closed = true;
        connected = nullptr;
        exhausted = nullptr;
        stagger.cancel();
        dialling.clear();
    }
};

Dialler::Dialler(boost::asio::any_io_executor executor, Connected connected, Exhausted exhausted)
    : shared_(std::make_shared<Shared>(executor)) {
    shared_->connected = std::move(connected);
    shared_->exhausted = std::move(exhausted);
}

Dialler::~Dialler() {
    shared_->close();
}

void Dialler::add(const tcp::endpoint& endpoint) {
    auto& known = shared_->known;
    if (known.size() >= kMaxRemoteCandidates || std::find(known.begin(), known.end(), endpoint) != known.end()) return;
    known.push_back(endpoint);
    shared_->waiting.push_back(endpoint);
    // Posted, so that candidates that come together are put in order before the first is tried.
    boost::asio::post(shared_->executor, [weak = std::weak_ptr<Shared>(shared_)] {
        if (const auto shared = weak.lock()) shared->dial_next();
    });
}

bool Dialler::is_busy() const {
    return !shared_->waiting.empty() || !shared_->dialling.empty();
}

}  // namespace tubes::transports
