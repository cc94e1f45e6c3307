// SPDX-License-Identifier: GPL-3.0-or-later
// Buses of shares and of tubes. Occupants are named as docs/protocol.md, "D-Bus tubes", says.
#include "tubes/engine/dbus_kind.hpp"

#include <boost/asio/post.hpp>

#include "tubes/base/log.hpp"
#include "tubes/endpoints/dbus/bus_server.hpp"
#include "tubes/engine/engine.hpp"
#include "tubes/engine/state/files.hpp"
#include "tubes/engine/tubes.hpp"

namespace tubes::engine {
namespace {

using endpoints::dbus::BusServer;

constexpr const char* kSharer = "sharer";  // the occupant who shares; the other is called by the tube's id

/// Of a bus (D-Bus specification, "UUIDs"), and enough that no socket's name is ever used twice.
using BusId = base::FixedBytes<struct BusIdTag, 16>;

constexpr std::size_t kRoomPart = 16;  // bytes of the digest of who somebody is in a room
constexpr std::size_t kTubePart = 4;   // bytes of the tube's id, which tells the tubes of one occupant apart

/// What the user of a tube is called on the bus.
std::string bus_occupant(const core::TubeId& tube, const std::string& occupant, const core::ports::Crypto& crypto) {
    if (occupant.empty()) return tube.hex();
    const auto digest = crypto.sha256(base::as_bytes(occupant)).hex();
    return digest.substr(0, 2 * kRoomPart) + "-" + tube.hex().substr(0, 2 * kTubePart);
}

/// A bus that closes the tube whose stream has ended: without it the tube carries nothing.
class BusEnd final : public SharedEnd {
public:
    /// Programs wait until the occupant `first` has told who is there; nobody if empty.
    BusEnd(Engine& node, std::shared_ptr<BusServer> server, const std::string& first)
        : server_(std::move(server)), crypto_(node.crypto()) {
        auto on_gone = [weak = node.weak_from_this()](const core::TubeId& tube, Errc reason) {
            const auto engine = weak.lock();
            if (!engine || engine->is_closed()) return;
            boost::asio::post(engine->loop()->executor(), [weak, tube, reason] {
                const auto alive = weak.lock();
                if (alive && !alive->is_closed()) alive->broker().close_tube(tube, reason);
            });
        };
        server_->start(std::move(on_gone), first);
    }
    ~BusEnd() override { close(); }
    BusEnd(const BusEnd&) = delete;
    BusEnd& operator=(const BusEnd&) = delete;

    Endpoint endpoint() const override { return server_->endpoint(); }
    void close() override { server_->close(); }
    void join(const std::string& occupant, std::shared_ptr<core::Stream> stream) override {
        const auto name = bus_occupant(stream->tube(), occupant, crypto_);
        server_->join(name, std::move(stream));
    }

private:
    std::shared_ptr<BusServer> server_;
    const core::ports::Crypto& crypto_;
};

/// Where the bus listens: a given path, or a new one below the runtime directory.
result<Endpoint> place(Engine& engine, const Endpoint& wanted) {
    if (!wanted.path.empty()) {
        auto where = Endpoint::dbus(wanted.path);
        where.any_user = wanted.any_user;
        return where;
    }
    // Nobody else reaches what lies there.
    if (wanted.any_user) return make_error_code(Errc::invalid_argument);
    const auto directory = engine.profile().directories.buses();
    if (const auto made = make_private_directory(directory); !made) return made.error();
    return Endpoint::dbus((directory / BusId::random().hex()).string());
}

result<std::shared_ptr<BusServer>> open_bus(Engine& engine, const Endpoint& wanted,
                                            endpoints::dbus::BusSettings settings) {
    const auto where = place(engine, wanted);
    if (!where) return where.error();
    settings.owner = kSharer;
    settings.guid = BusId::random().hex();
    return BusServer::make(engine.loop()->executor(), *where, std::move(settings));
}

}  // namespace

bool DbusKind::takes_service(const std::string& service) const {
    return BusServer::is_bus_name(service);
}

result<std::unique_ptr<SharedEnd>> DbusKind::open_shared(Engine& engine, const std::string& service,
                                                         const Endpoint& target, bool is_for_room) const {
    endpoints::dbus::BusSettings settings;
    settings.occupant = kSharer;
    settings.service = service;
    settings.passes_on = is_for_room;
    auto server = open_bus(engine, target, std::move(settings));
    if (!server) return server.error();
    return std::unique_ptr<SharedEnd>(std::make_unique<BusEnd>(engine, std::move(*server), ""));
}

result<std::unique_ptr<endpoints::LocalEnd>> DbusKind::listen(Engine& engine, const core::TubeId& tube,
                                                              const ListenOptions& options) const {
    const auto kind = options.endpoint.kind;
    if (kind != Endpoint::Kind::dbus && kind != Endpoint::Kind::unix_path)
        return make_error_code(Errc::invalid_argument);
    endpoints::dbus::BusSettings settings;
    settings.occupant = bus_occupant(tube, engine.tubes().own_occupant(tube), engine.crypto());
    settings.service = engine.tubes().service_of(tube);
    auto server = open_bus(engine, options.endpoint, std::move(settings));
    if (!server) return server.error();
    auto stream = engine.broker().open_stream(tube);
    if (!stream) return stream.error();
    auto end = std::make_unique<BusEnd>(engine, *server, kSharer);
    (*server)->join(kSharer, std::move(*stream));
    return std::unique_ptr<endpoints::LocalEnd>(std::move(end));
}

// Every share of this kind has its bus.
void DbusKind::join_target(Engine&, const ShareInfo&, const Endpoint&, std::shared_ptr<core::Stream> stream) const {
    stream->reset(Errc::not_available);
}

}  // namespace tubes::engine
