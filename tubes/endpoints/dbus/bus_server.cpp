// SPDX-License-Identifier: GPL-3.0-or-later
// Connections of a bus: who comes, who goes, and who waits for whom.
#include "tubes/endpoints/dbus/bus_server.hpp"

#include <dbus/dbus.h>
#include <sys/stat.h>

#include "tubes/base/log.hpp"

namespace tubes::endpoints::dbus {

result<std::shared_ptr<BusServer>> BusServer::make(const boost::asio::any_io_executor& executor, const Endpoint& where,
                                                   BusSettings settings, std::chrono::milliseconds stall_limit) {
    if (!is_bus_name(settings.service)) return make_error_code(Errc::invalid_argument);
    ListenOptions options;
    options.endpoint = Endpoint::unix_path(where.path);
    auto acceptor = listen(executor, options);
    if (!acceptor) return acceptor.error();
    if (where.any_user && ::chmod(where.path.c_str(), 0666) != 0) {
        return error_code(errno, boost::system::system_category());
    }
    std::shared_ptr<BusServer> server(new BusServer(executor, where, std::move(settings), stall_limit));
    server->acceptor_ = std::move(*acceptor);
    return server;
}

bool BusServer::is_bus_name(const std::string& service) {
    return dbus_validate_bus_name(service.c_str(), nullptr) != 0 && !service.starts_with(':') && service != kBusName;
}

BusServer::BusServer(boost::asio::any_io_executor executor, Endpoint where, BusSettings settings,
                     std::chrono::milliseconds stall_limit)
    : executor_(std::move(executor)),
      where_(std::move(where)),
      settings_(std::move(settings)),
      bus_(settings_, *this),
      stall_limit_(stall_limit),
      stall_timer_(executor_) {}

BusServer::~BusServer() {
    close();
}

void BusServer::start(OnOccupantGone on_occupant_gone, const std::string& first) {
    on_occupant_gone_ = std::move(on_occupant_gone);
    awaited_ = first;
    if (awaited_.empty()) let_in();
}

void BusServer::let_in() {
    acceptor_->start([weak = weak_from_this()](std::unique_ptr<LocalStream> socket) {
        if (const auto self = weak.lock()) self->accept(std::move(socket));
    });
}

void BusServer::accept(std::unique_ptr<LocalStream> socket) {
    const auto credentials = socket->credentials();
    if (is_closed_ || !credentials || programs_.size() - entered_.size() >= kMaxHandshakes) return socket->close();
    SaslPolicy policy;
    policy.guid = settings_.guid;
    policy.peer_uid = credentials->user;
    policy.allow_anonymous = where_.any_user;
    policy.admits_user = where_.any_user || credentials->is_same_user() || credentials->user == 0;
    if (!policy.admits_user) base::logger("dbus")->warn("a program of user {} is not let in", credentials->user);
    ProgramConnection::Handler& handler = *this;
    auto program = std::make_shared<ProgramConnection>(executor_, std::move(socket), std::move(policy), handler);
    programs_.emplace(program.get(), program);
    program->start();
}

void BusServer::join(const std::string& occupant, std::shared_ptr<core::Stream> stream) {
    if (is_closed_ || occupants_.contains(occupant)) return stream->reset(Errc::refused);
    OccupantStream::Handler& handler = *this;
    occupants_.emplace(occupant, std::make_shared<OccupantStream>(occupant, std::move(stream), handler));
    bus_.join(occupant);
    on_turn_over();
}

void BusServer::to_program(std::uint32_t program, const Message& message) {
    const auto found = entered_.find(program);
    if (found != entered_.end()) found->second->send(message);
}

void BusServer::to_occupant(const std::string& occupant, const Message& message) {
    const auto found = occupants_.find(occupant);
    if (found != occupants_.end()) found->second->send(message);
}

bool BusServer::on_entered(ProgramConnection& program) {
    const auto credentials = program.credentials();
    const auto number = bus_.add_program({credentials.user, static_cast<std::uint32_t>(credentials.process)});
    if (!number) {
        base::logger("dbus")->warn("{}: a program is not let in: {}", settings_.service, number.error().message());
        return false;
    }
    program.set_number(*number);
    entered_.emplace(*number, &program);
    return true;
}

void BusServer::on_message(ProgramConnection& program, Message message) {
    bus_.from_program(program.number(), std::move(message));
}

void BusServer::on_oversized(ProgramConnection& program, const OversizedMessage& message) {
    base::logger("dbus")->warn("{}: dropped a message of {} bytes, a tube carries {}", settings_.service, message.size,
                               kMaxProgramMessage);
    bus_.refuse_oversized(program.number(), message);
}

void BusServer::on_gone(ProgramConnection& program) {
    gone_programs_.push_back(&program);
}

error_code BusServer::on_message(OccupantStream& occupant, Message message) {
    const auto error = bus_.from_occupant(occupant.occupant(), std::move(message));
    if (!error && occupant.occupant() == awaited_ && bus_.has_met(awaited_)) {
        awaited_.clear();
        let_in();
    }
    return error;
}

void BusServer::on_gone(OccupantStream& occupant, Errc reason) {
    gone_occupants_.emplace_back(occupant.occupant(), reason);
}

bool BusServer::may_read() const {
    const auto is_full = [](const auto& entry) { return entry.second->is_full(); };
    return may_consume() && std::none_of(occupants_.begin(), occupants_.end(), is_full);
}

// Credit for occupants depends on programs alone: two sides that waited for each other would wait for ever. Who passes
// messages on waits for the occupants too, and these do not wait for it.
bool BusServer::may_consume() const {
    const auto is_full = [](const auto& entry) { return entry.second->is_full(); };
    if (std::any_of(entered_.begin(), entered_.end(), is_full)) return false;
    return !settings_.passes_on || std::none_of(occupants_.begin(), occupants_.end(), is_full);
}

// Whoever goes causes messages to others, and writing those may show that another has gone.
void BusServer::on_turn_over() {
    if (is_closed_) return;
    do {
        for (auto* program : std::exchange(gone_programs_, {})) {
            const auto found = programs_.find(program);
            if (found == programs_.end()) continue;
            const auto keep = found->second;
            programs_.erase(found);
            entered_.erase(keep->number());
            bus_.remove_program(keep->number());
            keep->close();
        }
        for (const auto& [occupant, reason] : std::exchange(gone_occupants_, {})) {
            const auto found = occupants_.find(occupant);
            if (found == occupants_.end()) continue;
            const auto keep = found->second;
            occupants_.erase(found);
            bus_.leave(occupant);
            if (on_occupant_gone_) on_occupant_gone_(keep->tube(), reason);
        }
        flush();
    } while (!gone_programs_.empty() || !gone_occupants_.empty());
    if (!may_consume()) return watch_for_stalls();
    for (const auto& [occupant, stream] : occupants_) stream->resume();
    if (!may_read()) return watch_for_stalls();
    for (const auto& [key, program] : programs_) program->resume();
}

void BusServer::flush() {
    for (const auto& [key, program] : programs_) {
        if (!program->flush()) gone_programs_.push_back(key);
    }
    for (const auto& [occupant, stream] : occupants_) stream->flush();
}

void BusServer::watch_for_stalls() {
    if (std::exchange(watches_stalls_, true)) return;
    for (const auto& [number, program] : entered_) program->take_progress();
    for (const auto& [occupant, stream] : occupants_) stream->take_progress();
    stall_timer_.expires_after(stall_limit_);
    stall_timer_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (error || !self) return;
        self->watches_stalls_ = false;
        self->end_stalled();
        self->on_turn_over();
    });
}

void BusServer::end_stalled() {
    const auto is_stalled = [](auto& peer) { return peer.is_full() && peer.take_progress() < kLeastProgress; };
    for (const auto& [number, program] : entered_) {
        if (!is_stalled(*program)) continue;
        base::logger("dbus")->warn("{}: a program is put out, it reads nothing", settings_.service);
        gone_programs_.push_back(program);
    }
    for (const auto& [occupant, stream] : occupants_) {
        if (!is_stalled(*stream)) continue;
        base::logger("dbus")->warn("{}: a tube is closed, its other side reads nothing", settings_.service);
        stream->close(Errc::limit_exceeded);
        gone_occupants_.emplace_back(occupant, Errc::limit_exceeded);
    }
}

void BusServer::close() {
    if (std::exchange(is_closed_, true)) return;
    acceptor_->close();
    stall_timer_.cancel();
    for (const auto& [occupant, stream] : occupants_) {
        bus_.leave(occupant);
        stream->close(Errc::cancelled);
    }
    occupants_.clear();
    for (const auto& [key, program] : programs_) program->close();
    entered_.clear();
    programs_.clear();
    on_occupant_gone_ = nullptr;
}

}  // namespace tubes::endpoints::dbus
