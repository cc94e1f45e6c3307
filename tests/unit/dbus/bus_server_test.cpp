// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the bus with its sockets: programs of libdbus and hand-made ones at two sides, whose stream the test plays.
#include <dbus/dbus.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "tests/support/scratch_directory.hpp"
#include "tubes/endpoints/dbus/bus_server.hpp"

namespace tubes::endpoints::dbus {
namespace {

namespace asio = boost::asio;
using base::Bytes;
using base::ByteView;

constexpr const char* kService = "org.example.Editor";
constexpr const char* kGuid = "0123456789abcdef0123456789abcdef";
constexpr std::size_t kWindow = 256 * 1024;  // bytes on their way in the stream

/// One end of a stream of a link, which the test plays: at most kWindow bytes that were not consumed.
class EndOfStream final : public core::Stream, public std::enable_shared_from_this<EndOfStream> {
public:
    explicit EndOfStream(asio::io_context& context) : context_(context) {}

    core::TubeId tube() const override { return {}; }
    void set_handler(Handler* handler) override { handler_ = handler; }
    std::size_t write(ByteView data) override {
        const auto taken = std::min(data.size(), room_);
        blocked_ = blocked_ || taken < data.size();
        room_ -= taken;
        post(other, [bytes = Bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(taken))](EndOfStream& to) {
            if (to.handler_ && !bytes.empty()) to.handler_->on_data(bytes);
        });
        return taken;
    }
    std::size_t writable_size() override {
        blocked_ = blocked_ || room_ == 0;
        return room_;
    }
    void consumed(std::size_t count) override {
        taken_in += count;
        post(other, [count](EndOfStream& to) {
            to.room_ += count;
            if (to.handler_ && std::exchange(to.blocked_, false)) to.handler_->on_writable();
        });
    }
    void finish() override {}
    void reset(Errc reason) override {
        reset_reason = reason;
        post(other, [reason](EndOfStream& to) {
            if (auto* handler = std::exchange(to.handler_, nullptr)) handler->on_closed(make_error_code(reason));
        });
    }
    result<void> send_datagram(ByteView) override { return make_error_code(Errc::unsupported); }
    std::size_t largest_datagram() const override { return 0; }
    std::size_t packet_datagram() const override { return 0; }
    core::FlowCounters flow_counters() const override { return {}; }
    std::uint64_t bytes_sent() const override { return 0; }
    std::uint64_t bytes_received() const override { return 0; }

    std::weak_ptr<EndOfStream> other;
    std::optional<Errc> reset_reason;
    std::size_t taken_in = 0;  // bytes that this side consumed

private:
    template <class Task>
    void post(const std::weak_ptr<EndOfStream>& to, Task task) {
        asio::post(context_, [to = to.lock(), task = std::move(task)] {
            if (to) task(*to);
        });
    }

    asio::io_context& context_;
    Handler* handler_ = nullptr;
    std::size_t room_ = kWindow;
    bool blocked_ = false;
};

/// A program of libdbus: a connection that is private to the test.
struct Program {
    explicit Program(const std::string& address) {
        connection = dbus_connection_open_private(address.c_str(), nullptr);
        if (!connection) throw std::runtime_error("cannot connect to " + address);
        dbus_connection_set_exit_on_disconnect(connection, FALSE);
    }
    ~Program() {
        dbus_connection_close(connection);
        dbus_connection_unref(connection);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    bool hello() { return dbus_bus_register(connection, nullptr) != FALSE; }
    /// Calls and waits; the answer or the error.
    Message call(DBusMessage* raw) {
        const auto message = Message::adopt(raw);
        DBusError error = DBUS_ERROR_INIT;
        DBusMessage* answer = dbus_connection_send_with_reply_and_block(connection, raw, 10000, &error);
        if (answer) return Message::adopt(answer);
        auto failed = Message::error_for(1, error.name, error.message);
        dbus_error_free(&error);
        return failed;
    }
    /// The next message that comes, answers of the bus to Hello and its NameAcquired apart.
    Message next() {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (std::chrono::steady_clock::now() < deadline) {
            dbus_connection_read_write(connection, 20);
            auto* raw = dbus_connection_pop_message(connection);
            if (raw) return Message::adopt(raw);
        }
        throw std::runtime_error("nothing came");
    }
    void send(const Message& message) {
        dbus_connection_send(connection, message.raw(), nullptr);
        dbus_connection_flush(connection);
    }

    DBusConnection* connection = nullptr;
};

std::string error_of(const Message& message) {
    const char* name = dbus_message_get_error_name(message.raw());
    return name ? name : "";
}

DBusMessage* call_to_service(const char* member) {
    return dbus_message_new_method_call(kService, "/editor", "org.example.Editor", member);
}

/// Two sides, with a thread that runs their loop.
class DbusServer : public ::testing::Test {
protected:
    void SetUp() override {
        sharer_ = serve("sharer", "sharer.bus");
        user_ = serve("user", "user.bus");
        near_ = std::make_shared<EndOfStream>(context_);
        far_ = std::make_shared<EndOfStream>(context_);
        near_->other = far_;
        far_->other = near_;
        const auto remember = [this](const core::TubeId&, Errc reason) { gone_ = reason; };
        sharer_->start(remember);
        user_->start(remember, "sharer");
        sharer_->join("user", near_);
        user_->join("sharer", far_);
        thread_ = std::thread([this] { context_.run(); });
    }
    void TearDown() override {
        on_loop([this] {
            sharer_->close();
            user_->close();
        });
        work_.reset();
        thread_.join();
    }

    std::shared_ptr<BusServer> serve(const std::string& occupant, const std::string& name,
                                     std::chrono::milliseconds stall_limit = BusServer::kStallLimit,
                                     bool passes_on = false) {
        auto where = Endpoint::dbus((directory_.path() / name).string());
        BusSettings settings{occupant, kService, "sharer", kGuid, passes_on};
        auto made = BusServer::make(context_.get_executor(), where, std::move(settings), stall_limit);
        return made ? *made : nullptr;
    }
    template <class Task>
    void on_loop(Task task) {
        std::promise<void> done;
        asio::post(context_, [&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    std::string address(const std::shared_ptr<BusServer>& server) { return server->endpoint().bus_address(); }

    test::ScratchDirectory directory_;
    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::shared_ptr<BusServer> sharer_;
    std::shared_ptr<BusServer> user_;
    std::shared_ptr<EndOfStream> near_;
    std::shared_ptr<EndOfStream> far_;
    std::atomic<Errc> gone_{Errc{}};
    std::thread thread_;
};

constexpr std::size_t kLargeSignal = 1024 * 1024;  // bytes

/// Twenty large signals; blocks where the bus does not read on, until whoever takes nothing is put out.
void flood(Program& program) {
    const Bytes large(kLargeSignal, 1);
    for (int i = 0; i < 20; ++i) {
        auto signal = Message::signal("/", "org.example.Editor", "Large");
        const auto* data = large.data();
        dbus_message_append_args(signal.raw(), DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &data, static_cast<int>(large.size()),
                                 DBUS_TYPE_INVALID);
        program.send(signal);
    }
}

TEST_F(DbusServer, CarriesAMegabyteThereAndBackBetweenProgramsThatSaidHello) {
    Program service(address(sharer_));
    ASSERT_TRUE(service.hello());
    std::thread answering([&] {
        for (;;) {
            const auto call = service.next();
            if (call.member() != "Echo") continue;
            const char* data = nullptr;
            int size = 0;
            dbus_message_get_args(call.raw(), nullptr, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &data, &size,
                                  DBUS_TYPE_INVALID);
            auto reply = Message::reply_to(call);
            dbus_message_append_args(reply.raw(), DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &data, size, DBUS_TYPE_INVALID);
            return service.send(reply);
        }
    });
    Program program(address(user_));
    ASSERT_TRUE(program.hello());
    const Bytes sent(1024 * 1024, 0x5a);
    auto* call = call_to_service("Echo");
    const auto* data = sent.data();
    dbus_message_append_args(call, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &data, static_cast<int>(sent.size()),
                             DBUS_TYPE_INVALID);
    const auto answer = program.call(call);
    answering.join();
    const std::uint8_t* got = nullptr;
    int size = 0;
    ASSERT_TRUE(
        dbus_message_get_args(answer.raw(), nullptr, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &got, &size, DBUS_TYPE_INVALID))
        << error_of(answer);
    EXPECT_TRUE(std::equal(sent.begin(), sent.end(), got, got + size));
}

TEST_F(DbusServer, RefusesAMessageThatIsTooLargeAndGoesOn) {
    Program service(address(sharer_));
    ASSERT_TRUE(service.hello());
    Program program(address(user_));
    ASSERT_TRUE(program.hello());
    const Bytes large(kMaxProgramMessage, 1);
    auto* call = call_to_service("Echo");
    const auto* data = large.data();
    dbus_message_append_args(call, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &data, static_cast<int>(large.size()),
                             DBUS_TYPE_INVALID);
    EXPECT_EQ(error_of(program.call(call)), DBUS_ERROR_LIMITS_EXCEEDED);
    auto* ask = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetId");
    EXPECT_EQ(error_of(program.call(ask)), "");
}

TEST_F(DbusServer, EndsACallWhoseProgramGoesAway) {
    auto service = std::make_unique<Program>(address(sharer_));
    ASSERT_TRUE(service->hello());
    std::thread leaving([&] {
        while (service->next().member() != "Slow") {
        }
        service.reset();
    });
    Program program(address(user_));
    ASSERT_TRUE(program.hello());
    EXPECT_EQ(error_of(program.call(call_to_service("Slow"))), DBUS_ERROR_NO_REPLY);
    leaving.join();
    EXPECT_EQ(error_of(program.call(call_to_service("Slow"))), DBUS_ERROR_SERVICE_UNKNOWN);
}

TEST_F(DbusServer, EndsACallAndTheConnectionWhenTheBusIsClosed) {
    Program service(address(sharer_));
    ASSERT_TRUE(service.hello());
    std::thread closing([&] {
        while (service.next().member() != "Slow") {
        }
        on_loop([this] { user_->close(); });
    });
    Program program(address(user_));
    ASSERT_TRUE(program.hello());
    EXPECT_EQ(error_of(program.call(call_to_service("Slow"))), DBUS_ERROR_NO_REPLY);
    closing.join();
    EXPECT_EQ(near_->reset_reason, std::nullopt);
    EXPECT_EQ(far_->reset_reason, Errc::cancelled);
}

TEST_F(DbusServer, KeepsUsersOfAShareApart) {
    auto other = serve("other", "other.bus");
    auto near = std::make_shared<EndOfStream>(context_);
    auto far = std::make_shared<EndOfStream>(context_);
    near->other = far;
    far->other = near;
    on_loop([&] {
        other->start(nullptr, "sharer");
        sharer_->join("other", near);
        other->join("sharer", far);
    });
    Program service(address(sharer_));
    Program first(address(user_));
    Program second(address(other));
    ASSERT_TRUE(service.hello() && first.hello() && second.hello());
    const auto names = [](Program& program) {
        auto* ask =
            dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "NameHasOwner");
        const char* name = ":user.1";
        dbus_message_append_args(ask, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
        dbus_bool_t has = FALSE;
        dbus_message_get_args(program.call(ask).raw(), nullptr, DBUS_TYPE_BOOLEAN, &has, DBUS_TYPE_INVALID);
        return has != FALSE;
    };
    EXPECT_TRUE(names(service));
    EXPECT_FALSE(names(second));
    auto* call = dbus_message_new_method_call(":user.1", "/", "org.example.Editor", "Spy");
    EXPECT_EQ(error_of(second.call(call)), DBUS_ERROR_SERVICE_UNKNOWN);
    first.send(Message::signal("/", "org.example.Editor", "Secret"));
    while (service.next().member() != "Secret") {
    }
    service.send(Message::signal("/", "org.example.Editor", "ForAll"));
    for (auto message = second.next(); message.member() != "ForAll"; message = second.next()) {
        EXPECT_NE(message.member(), "Secret");
    }
    on_loop([&] { other->close(); });
}

TEST_F(DbusServer, PutsOutAnOccupantThatReadsNothing) {
    auto near = std::make_shared<EndOfStream>(context_);
    auto far = std::make_shared<EndOfStream>(context_);  // nobody there consumes
    near->other = far;
    far->other = near;
    auto lonely = serve("sharer", "lonely.bus", std::chrono::milliseconds(100));
    on_loop([&] {
        lonely->start([this](const core::TubeId&, Errc reason) { gone_ = reason; });
        lonely->join("silent", near);
    });
    Program service(address(lonely));
    ASSERT_TRUE(service.hello());
    flood(service);
    auto* ask = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetId");
    EXPECT_EQ(error_of(service.call(ask)), "");
    EXPECT_EQ(gone_, Errc::limit_exceeded);
    on_loop([&] { lonely->close(); });
}

TEST_F(DbusServer, TakesNoMoreInARoomThanTheOccupantsTakeFromIt) {
    const auto pair = [this] {
        auto near = std::make_shared<EndOfStream>(context_);
        auto far = std::make_shared<EndOfStream>(context_);
        near->other = far;
        far->other = near;
        return std::pair(near, far);
    };
    const auto [near, far] = pair();
    const auto [silent_near, silent_far] = pair();  // nobody there consumes
    auto room = serve("sharer", "room.bus", std::chrono::milliseconds(500), true);
    auto guest = serve("guest", "guest.bus");
    std::size_t taken_in = 0;
    on_loop([&, to_guest = near, from_room = far, silent = silent_near] {
        room->start([&, to_guest](const core::TubeId&, Errc reason) {
            gone_ = reason;
            taken_in = to_guest->taken_in;
        });
        guest->start(nullptr, "sharer");
        room->join("guest", to_guest);
        room->join("silent", silent);
        guest->join("sharer", from_room);
    });
    Program program(address(guest));
    ASSERT_TRUE(program.hello());
    flood(program);
    EXPECT_EQ(error_of(program.call(
                  dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetId"))),
              "");
    on_loop([&] {
        EXPECT_EQ(gone_, Errc::limit_exceeded);
        EXPECT_LT(taken_in, Outbox::kFull + kLargeSignal + 2 * kWindow);
        room->close();
        guest->close();
    });
}

TEST_F(DbusServer, EndsTheTubeOfAnOccupantThatSendsNoDBus) {
    on_loop([this] { near_->write(base::as_bytes("GET / HTTP/1.1\r\n\r\n")); });
    // What the loop does meanwhile was posted before the next round.
    for (int round = 0; gone_ == Errc{} && round < 1000; ++round) on_loop([] {});
    EXPECT_EQ(gone_, Errc::protocol_violation);
    on_loop([this] { EXPECT_EQ(far_->reset_reason, Errc::protocol_violation); });
}

}  // namespace
}  // namespace tubes::endpoints::dbus
