// SPDX-License-Identifier: GPL-3.0-or-later
// The bus of one side of a D-Bus tube as programs meet it: a listening Unix socket, their connections, and the streams
// to the other occupants. With one occupant it is a tube between two; with several, a share that several use, whose
// users see one another only where the settings say that messages are passed on, as in a room.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "tubes/core/ids.hpp"
#include "tubes/endpoints/acceptor.hpp"
#include "tubes/endpoints/dbus/bus.hpp"
#include "tubes/endpoints/dbus/occupant_stream.hpp"
#include "tubes/endpoints/dbus/program_connection.hpp"

namespace tubes::endpoints::dbus {

/// Lives on the loop of `executor`. Memory is bounded: while somebody's outbox is full, whoever feeds it is not read,
/// and who takes less than kLeastProgress in `stall_limit` meanwhile is put out.
class BusServer final : public std::enable_shared_from_this<BusServer>,
                        private BusOutlet,
                        private ProgramConnection::Handler,
                        private OccupantStream::Handler {
public:
    static constexpr std::size_t kMaxHandshakes = 64;  ///< programs in the handshake at once; further ones are closed
    static constexpr std::chrono::seconds kStallLimit{30};
    static constexpr std::size_t kLeastProgress = 64 * 1024;  ///< bytes

    /// The stream of this tube has ended, or its other side broke the rules. Must not call the server back.
    using OnOccupantGone = std::function<void(const core::TubeId& tube, Errc reason)>;

    /// Listens at `where`, a Kind::dbus with a path. Errors as listen() of a Unix socket; invalid_argument for settings
    /// whose service is no bus name.
    static result<std::shared_ptr<BusServer>> make(const boost::asio::any_io_executor& executor, const Endpoint& where,
                                                   BusSettings settings,
                                                   std::chrono::milliseconds stall_limit = kStallLimit);
    ~BusServer() override;

    /// Whether a service can be the name of a D-Bus tube: a well-known bus name.
    static bool is_bus_name(const std::string& service);

    Endpoint endpoint() const { return where_; }
    /// Lets programs in: at once, or as soon as the occupant `first`, which joins, has told who is there, so that what
    /// a program asks for first is not called missing.
    void start(OnOccupantGone on_occupant_gone, const std::string& first = {});
    /// Another occupant's messages travel on this stream. One that is there already, or no occupant's id, gets its
    /// stream reset.
    void join(const std::string& occupant, std::shared_ptr<core::Stream> stream);
    /// Calls that wait get their errors, then programs and occupants are closed. Idempotent.
    void close();

private:
    BusServer(boost::asio::any_io_executor executor, Endpoint where, BusSettings settings,
              std::chrono::milliseconds stall_limit);

    void let_in();
    void accept(std::unique_ptr<LocalStream> socket);

    void to_program(std::uint32_t program, const Message& message) override;
    void to_occupant(const std::string& occupant, const Message& message) override;

    bool on_entered(ProgramConnection& program) override;
    void on_message(ProgramConnection& program, Message message) override;
    void on_oversized(ProgramConnection& program, const OversizedMessage& message) override;
    void on_gone(ProgramConnection& program) override;
    bool may_read() const override;

    error_code on_message(OccupantStream& occupant, Message message) override;
    void on_gone(OccupantStream& occupant, Errc reason) override;
    bool may_consume() const override;

    void on_turn_over() override;
    void flush();
    void watch_for_stalls();
    void end_stalled();

    boost::asio::any_io_executor executor_;
    Endpoint where_;
    BusSettings settings_;
    Bus bus_;
    std::unique_ptr<Acceptor> acceptor_;
    OnOccupantGone on_occupant_gone_;
    std::string awaited_;  // the occupant that programs wait for
    std::map<ProgramConnection*, std::shared_ptr<ProgramConnection>> programs_;
    std::map<std::uint32_t, ProgramConnection*> entered_;  // by the bus's number
    std::map<std::string, std::shared_ptr<OccupantStream>> occupants_;
    std::vector<ProgramConnection*> gone_programs_;
    std::vector<std::pair<std::string, Errc>> gone_occupants_;
    std::chrono::milliseconds stall_limit_;
    boost::asio::steady_timer stall_timer_;
    bool watches_stalls_ = false;
    bool is_closed_ = false;
};

}  // namespace tubes::endpoints::dbus
