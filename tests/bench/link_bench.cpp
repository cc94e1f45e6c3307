// SPDX-License-Identifier: GPL-3.0-or-later
// Measures the mux alone, both ends on one core over paths in memory: bytes per second without encryption, 64-byte
// round trips, memory per idle link and stream. Prints JSON.
#include <malloc.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/simulation/simulated_crypto.hpp"
#include "tubes/core/link/link.hpp"

namespace tubes::bench {
namespace {

using namespace core;
using namespace std::chrono_literals;

/// The real clock and a queue of tasks.
class BenchScheduler final : public ports::Scheduler {
public:
    TimePoint now() const override { return Clock::now(); }
    void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
    std::unique_ptr<Timer> call_at(TimePoint when, std::function<void()> task) override {
        const auto key = std::make_pair(when, sequence_++);
        timers_.emplace(key, std::move(task));
        return std::make_unique<BenchTimer>(*this, key);
    }
    void run_until(const std::function<bool()>& done) {
        while (!done()) {
            if (!timers_.empty() && timers_.begin()->first.first <= now()) {
                auto node = timers_.extract(timers_.begin());
                node.mapped()();
            }
            running_.swap(tasks_);
            for (auto& task : running_) task();
            running_.clear();
        }
    }

private:
    using Key = std::pair<TimePoint, std::uint64_t>;
    class BenchTimer final : public Timer {
    public:
        BenchTimer(BenchScheduler& scheduler, Key key) : scheduler_(scheduler), key_(key) {}
        ~BenchTimer() override { cancel(); }
        void cancel() override { scheduler_.timers_.erase(key_); }

    private:
        BenchScheduler& scheduler_;
        Key key_;
    };

    std::uint64_t sequence_ = 0;
    std::vector<std::function<void()>> tasks_;
    std::vector<std::function<void()>> running_;
    std::map<Key, std::function<void()>> timers_;
};

/// Copies messages into a ring of the other end, as a socket would into its buffer; delivers once a loop turn.
class BenchPath final : public ports::MessagePath {
public:
    explicit BenchPath(BenchScheduler& scheduler) : scheduler_(scheduler) {}
    void connect(BenchPath& other) { other_ = &other; }
    void start(Handler& handler) override { handler_ = &handler; }
    bool send(ports::Lane lane, ByteView header, ByteView payload) override {
        const auto size = header.size() + payload.size();
        auto& inbox = other_->inbox_;
        if (inbox.size() + size + 3 > kQueue) {
            full_ = true;
            return false;
        }
        inbox.push_back(lane);
        inbox.push_back(static_cast<std::uint8_t>(size >> 8));
        inbox.push_back(static_cast<std::uint8_t>(size));
        inbox.insert(inbox.end(), header.begin(), header.end());
        inbox.insert(inbox.end(), payload.begin(), payload.end());
        other_->schedule();
        return true;
    }
    void flush() override {}
    const Digest& channel_binding() const override { return binding_; }
    ports::PathInfo info() const override { return {}; }
    ports::PathMetrics metrics() const override { return {}; }
    void close() override { handler_ = nullptr; }

private:
    static constexpr std::size_t kQueue = 256 * 1024;

    void schedule() {
        if (std::exchange(scheduled_, true)) return;
        scheduler_.post([this] { deliver(); });
    }
    void deliver() {
        scheduled_ = false;
        batch_.swap(inbox_);
        for (std::size_t at = 0; at < batch_.size() && handler_ != nullptr;) {
            const auto size = static_cast<std::size_t>(batch_[at + 1] << 8 | batch_[at + 2]);
            handler_->on_message(batch_[at], ByteView(batch_).subspan(at + 3, size));
            at += 3 + size;
        }
        batch_.clear();
        if (std::exchange(other_->full_, false) && other_->handler_ != nullptr) other_->handler_->on_writable();
    }

    BenchScheduler& scheduler_;
    BenchPath* other_ = nullptr;
    Handler* handler_ = nullptr;
    Digest binding_{};
    Bytes inbox_;
    Bytes batch_;
    bool scheduled_ = false;
    bool full_ = false;
};

struct End final : Link::Handler {
    std::unique_ptr<Link> link;
    std::vector<std::shared_ptr<Stream>> streams;
    bool open = false;
    void on_open() override { open = true; }
    void on_stream(std::shared_ptr<Stream> stream) override { streams.push_back(std::move(stream)); }
    void on_control(ControlMessage) override {}
    void on_path_change(const LinkStatus&) override {}
    void on_path_refused(PathKind, error_code) override {}
    void on_closed(error_code) override {}
};

struct World {
    BenchScheduler scheduler;
    simulation::SimulatedCrypto crypto;
    simulation::SimulatedIdentity identities[2] = {simulation::SimulatedIdentity(1), simulation::SimulatedIdentity(2)};

    void connect(End& a, End& b) {
        End* ends[2] = {&a, &b};
        std::unique_ptr<BenchPath> paths[2];
        for (auto& path : paths) path = std::make_unique<BenchPath>(scheduler);
        paths[0]->connect(*paths[1]);
        paths[1]->connect(*paths[0]);
        for (std::size_t i = 0; i < 2; ++i) {
            LinkConfiguration configuration;
            configuration.role = static_cast<LinkRole>(i);
            configuration.self.value = i == 0 ? "a" : "b";
            configuration.peer.value = i == 0 ? "b" : "a";
            configuration.peer_key = identities[1 - i].public_key();
            ends[i]->link = Link::make(configuration, scheduler, identities[i], crypto, *ends[i]);
        }
        for (std::size_t i = 0; i < 2; ++i) ends[i]->link->add_path(std::move(paths[i]), 0);
        scheduler.run_until([&] { return a.open && b.open; });
    }
};

struct Sink final : Stream::Handler {
    Stream* stream = nullptr;
    std::uint64_t received = 0;
    bool echoes = false;
    void on_data(ByteView data) override {
        received += data.size();
        stream->consumed(data.size());
        if (echoes) stream->write(data);
    }
    void on_end() override {}
    void on_writable() override {}
    void on_closed(error_code) override {}
};

struct Source final : Stream::Handler {
    Stream* stream = nullptr;
    Bytes block = Bytes(64 * 1024, 42);
    void on_data(ByteView data) override { stream->consumed(data.size()); }
    void on_end() override {}
    void on_writable() override {
        while (stream->write(block) == block.size()) {
        }
    }
    void on_closed(error_code) override {}
};

std::shared_ptr<Stream> open_pair(World& world, End& a, End& b) {
    const auto before = b.streams.size();
    auto stream = a.link->open_stream(TubeId{}).value();
    world.scheduler.run_until([&] { return b.streams.size() > before; });
    return stream;
}

double throughput(World& world, std::uint64_t bytes) {
    End a;
    End b;
    world.connect(a, b);
    auto stream = open_pair(world, a, b);
    Source source;
    Sink sink;
    source.stream = stream.get();
    sink.stream = b.streams[0].get();
    stream->set_handler(&source);
    b.streams[0]->set_handler(&sink);
    const auto start = Clock::now();
    source.on_writable();
    world.scheduler.run_until([&] { return sink.received >= bytes; });
    const auto seconds = std::chrono::duration<double>(Clock::now() - start).count();
    stream->set_handler(nullptr);
    b.streams[0]->set_handler(nullptr);
    return static_cast<double>(sink.received) / seconds / 1e6;
}

double round_trip(World& world, int count) {
    End a;
    End b;
    world.connect(a, b);
    auto stream = open_pair(world, a, b);
    Sink asker;
    Sink echo;
    asker.stream = stream.get();
    echo.stream = b.streams[0].get();
    echo.echoes = true;
    stream->set_handler(&asker);
    b.streams[0]->set_handler(&echo);
    const Bytes ping(64, 1);
    const auto start = Clock::now();
    for (int i = 1; i <= count; ++i) {
        stream->write(ping);
        world.scheduler.run_until([&] { return asker.received >= 64U * static_cast<unsigned>(i); });
    }
    const auto micros = std::chrono::duration<double, std::micro>(Clock::now() - start).count() / count;
    stream->set_handler(nullptr);
    b.streams[0]->set_handler(nullptr);
    return micros;
}

std::size_t heap_in_use() {
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

nlohmann::json memory(World& world) {
    constexpr std::size_t kLinks = 200;
    constexpr std::size_t kStreams = 10'000;
    const auto before = heap_in_use();
    std::vector<std::unique_ptr<End>> ends;
    for (std::size_t i = 0; i < 2 * kLinks; ++i) ends.push_back(std::make_unique<End>());
    for (std::size_t i = 0; i < kLinks; ++i) world.connect(*ends[2 * i], *ends[2 * i + 1]);
    const auto linked = heap_in_use();
    std::vector<std::shared_ptr<Stream>> streams;
    auto& a = *ends[0];
    auto& b = *ends[1];
    for (std::size_t i = 0; i < kStreams; ++i) streams.push_back(a.link->open_stream(TubeId{}).value());
    world.scheduler.run_until([&] { return b.streams.size() == kStreams; });
    const auto until = Clock::now() + 100ms;
    world.scheduler.run_until([&] { return Clock::now() > until; });
    const auto streamed = heap_in_use();
    return {{"idle_link_bytes", (linked - before) / (2 * kLinks)},
            {"idle_stream_bytes", (streamed - linked) / (2 * kStreams)}};
}

}  // namespace
}  // namespace tubes::bench

int main() {
    using namespace tubes::bench;
    nlohmann::json report;
    {
        World world;
        report["memory"] = memory(world);
    }
    World world;
    throughput(world, 500'000'000);  // warms up
    report["throughput_mb_per_s"] = throughput(world, 4'000'000'000);
    report["round_trip_64_us"] = round_trip(world, 100'000);
    std::cout << report.dump(2) << '\n';
    return 0;
}
