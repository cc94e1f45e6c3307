// SPDX-License-Identifier: GPL-3.0-or-later
// Happy eyeballs over the resolved hosts.
#include "presence/xmpp/connector.hpp"

#include <boost/asio/post.hpp>

namespace tubes::presence::xmpp {

using boost::asio::ip::tcp;

namespace {

/// Alternates families, starting with the one RFC 6724 put first (RFC 8305 §4).
std::vector<boost::asio::ip::address> interleave(const std::vector<boost::asio::ip::address>& addresses) {
    std::vector<boost::asio::ip::address> first;
    std::vector<boost::asio::ip::address> second;
    for (const auto& address : addresses) {
        (address.is_v6() == addresses.front().is_v6() ? first : second).push_back(address);
    }
    std::vector<boost::asio::ip::address> mixed;
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size()) mixed.push_back(first[i]);
        if (i < second.size()) mixed.push_back(second[i]);
    }
    return mixed;
}

std::string name_of(const tcp::endpoint& endpoint, const Target& target) {
    const std::string address = endpoint.address().to_string();
    const std::string place = address == target.host ? address : target.host + " (" + address + ")";
    return place + " port " + std::to_string(endpoint.port());
}

Failure explain(error_code error, const std::string& where) {
    namespace asio_error = boost::asio::error;
    std::string detail;
    if (error == asio_error::connection_refused) {
        detail = "connection refused by " + where;
    } else if (error == asio_error::network_unreachable || error == asio_error::host_unreachable ||
               error == asio_error::network_down) {
        detail = "no network, or no route to " + where;
    } else if (error == asio_error::timed_out) {
        detail = "no answer from " + where;
    } else {
        detail = "cannot connect to " + where + ": " + error.message();
    }
    return {Errc::network_unreachable, detail};
}

}  // namespace

Connector::Connector(boost::asio::any_io_executor executor, ConnectPlan plan)
    : executor_(executor), plan_(std::move(plan)), stagger_(executor), deadline_(executor) {}

void Connector::start(Callback callback) {
    callback_ = std::move(callback);
    resolver_ = std::make_unique<Resolver>(executor_, plan_.dns_servers);
    deadline_.expires_after(plan_.timeout);
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (!self || error) return;
        const std::string detail = self->first_failure_.detail;
        self->fail({Errc::timed_out, detail.empty() ? "no answer from the servers of " + self->plan_.domain : detail});
    });
    if (plan_.explicit_target) {
        resolve({*plan_.explicit_target});
        return;
    }
    resolver_->find_targets(plan_.domain, [this](std::vector<Target> targets, const Failure& failure) {
        if (failure.code) return fail(failure);
        resolve(std::move(targets));
    });
}

void Connector::resolve(std::vector<Target> targets) {
    targets_ = std::move(targets);
    if (!targets_.empty() && plan_.proxy.applies_to(targets_.front().host)) {
        for (std::size_t i = 0; i < targets_.size(); ++i) candidates_.push_back({{}, targets_[i], i});
        return race();
    }
    addresses_.resize(targets_.size());
    unresolved_ = targets_.size();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        resolver_->find_addresses(targets_[i].host, [this, i](const auto& addresses, const Failure& failure) {
            on_addresses(i, addresses, failure);
        });
    }
}

void Connector::on_addresses(std::size_t index, const std::vector<boost::asio::ip::address>& addresses,
                             const Failure& failure) {
    addresses_[index] = addresses;
    if (failure.code && !first_failure_.code) first_failure_ = failure;
    if (--unresolved_ > 0) return;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        if (addresses_[i].empty()) continue;
        for (const auto& address : interleave(addresses_[i])) {
            candidates_.push_back({tcp::endpoint(address, targets_[i].port), targets_[i], i});
        }
    }
    race();
}

void Connector::race() {
    if (next_ < candidates_.size()) return connect_next();
    if (attempts_.empty())
        fail(first_failure_.code ? first_failure_ : Failure{Errc::network_unreachable, "no address"});
}

void Connector::connect_next() {
    const Candidate candidate = candidates_[next_++];
    if (candidate.endpoint.address().is_unspecified()) return tunnel(candidate);
    auto socket = std::make_shared<tcp::socket>(executor_);
    attempts_.push_back(socket);
    socket->async_connect(candidate.endpoint, [weak = weak_from_this(), socket, candidate](error_code error) {
        if (const auto self = weak.lock()) self->on_connected(socket, candidate, error);
    });
    if (next_ == candidates_.size()) return;
    const bool same_target = candidates_[next_].target_index == candidate.target_index;
    stagger_.expires_after(same_target ? kConnectStagger : kNextTargetDelay);
    stagger_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (self && !error && self->callback_ && self->next_ < self->candidates_.size()) self->connect_next();
    });
}

void Connector::tunnel(const Candidate& candidate) {
    tunnel_ = std::make_unique<base::Outbound>(
        executor_, plan_.proxy, candidate.target.host, candidate.target.port, nullptr,
        [weak = weak_from_this(), target = candidate.target](error_code error, tcp::socket socket,
                                                             const std::string& detail) {
            const auto self = weak.lock();
            if (!self || !self->callback_) return;
            if (!error) return self->finish(std::move(socket), target, {});
            const bool known = error == Errc::authentication_failed || error == Errc::timed_out;
            const error_code code = known ? error : make_error_code(Errc::network_unreachable);
            if (!self->first_failure_.code) self->first_failure_ = {code, detail};
            self->race();
        });
}

void Connector::on_connected(const std::shared_ptr<tcp::socket>& socket, const Candidate& candidate, error_code error) {
    if (std::erase(attempts_, socket) == 0 || !callback_) return;
    if (error) {
        if (!first_failure_.code) first_failure_ = explain(error, name_of(candidate.endpoint, candidate.target));
        stagger_.cancel();
        return race();
    }
    error_code ignored;
    socket->set_option(tcp::no_delay(true), ignored);
    finish(std::move(*socket), candidate.target, {});
}

void Connector::finish(tcp::socket socket, const Target& target, Failure failure) {
    stop_attempts();
    deadline_.cancel();
    if (!callback_) return;
    const auto callback = std::exchange(callback_, nullptr);
    callback(std::move(socket), target, std::move(failure));
}

void Connector::fail(Failure failure) {
    finish(tcp::socket(executor_), {}, std::move(failure));
}

void Connector::try_next(Callback callback) {
    callback_ = std::move(callback);
    boost::asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || !self->callback_) return;
        self->first_failure_ = {};
        self->race();
    });
}

void Connector::stop_attempts() {
    stagger_.cancel();
    for (const auto& attempt : attempts_) {
        error_code ignored;
        attempt->close(ignored);
    }
    attempts_.clear();
    tunnel_.reset();
}

void Connector::cancel() {
    callback_ = nullptr;
    resolver_.reset();
    deadline_.cancel();
    stop_attempts();
}

}  // namespace tubes::presence::xmpp
