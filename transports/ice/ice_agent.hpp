// SPDX-License-Identifier: GPL-3.0-or-later
// libnice's agent on our loop: one stream of one component, as a datagram path.
// Spec: RFC 8445 (ICE), RFC 8838 (trickle), RFC 7675 (consent), RFC 8656 (TURN).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transports/datagram_path.hpp"
#include "transports/ice/glib_loop.hpp"
#include "transports/ice/ice_candidate.hpp"

typedef struct _NiceAgent NiceAgent;

namespace tubes::transports {

/// A STUN or TURN server by address.
struct IceServerAddress {
    core::ports::IceServer server;  ///< Scheme and credentials; its host and port were resolved.
    boost::asio::ip::address address;
};

struct IceAgentSettings {
    bool controlling = false;
    AddressRules rules;
    std::vector<boost::asio::ip::address> local;
    std::vector<IceServerAddress> servers;
};

/// The pair that carries data just now.
struct IcePair {
    IceCandidateType local_type = IceCandidateType::host;
    IceCandidateType remote_type = IceCandidateType::host;
    std::string local;   ///< "192.0.2.1:4000".
    std::string remote;  ///< "[2001:db8::1]:4000".

    bool is_relayed() const noexcept {
        return local_type == IceCandidateType::relayed || remote_type == IceCandidateType::relayed;
    }
};

/// Lives on one loop. Nothing is sent before gather(); with relay_only nothing but to the TURN servers.
/// A taken-over socket (see DatagramPath) would replace send, flush and on_datagram below; the rest stays.
class IceAgent final : public DatagramPath, public std::enable_shared_from_this<IceAgent> {
public:
    /// Told from posted calls, never inside a call.
    class Events {
    public:
        virtual void on_ice_candidate(const IceCandidate& candidate) = 0;
        virtual void on_ice_gathered() = 0;
        /// A pair works: datagrams can be sent. Again whenever another pair is selected.
        virtual void on_ice_selected(const IcePair& pair) = 0;
        /// All pairs failed, or the peer's consent expired (RFC 7675 §5.1). May be followed by another selection as
        /// long as candidates come in.
        virtual void on_ice_failed() = 0;

    protected:
        ~Events() = default;
    };

    /// Errc::internal if libnice or the system has no resources left.
    static result<std::shared_ptr<IceAgent>> create(boost::asio::any_io_executor executor, bool controlling,
                                                    Events& events);
    ~IceAgent() override;

    const IceCredentials& credentials() const noexcept { return credentials_; }
    /// Begins gathering; once. Errc::network_unreachable if no address can be used.
    result<void> gather(const IceAgentSettings& settings);
    void set_remote_credentials(const IceCredentials& credentials);
    /// After set_remote_credentials.
    void add_remote_candidate(const IceCandidate& candidate);
    void remote_candidates_end();
    std::optional<IcePair> selected() const;

    void set_handler(Handler* handler) override;
    void send(ByteView datagram) override;
    void flush() override;
    std::size_t mtu() const override;

    std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
    std::uint64_t bytes_received() const noexcept { return bytes_received_; }

    /// Ends checks and consent, frees relays (their answers are waited for in the background). No callback follows.
    void close();

private:
    friend struct IceSignals;
    IceAgent(boost::asio::any_io_executor executor, Events& events);
    bool start(bool controlling);
    void configure(const IceAgentSettings& settings);
    void add_relay(const IceServerAddress& relay);
    template <class Tell>
    void tell_later(Tell tell);
    void attach();
    void count_in_turn();
    void end_turn();
    void receive(ByteView datagram);
    void widen_buffers();
    void send_batch();
    void retry_later(std::chrono::milliseconds delay);

    boost::asio::any_io_executor executor_;
    Events* events_;
    std::shared_ptr<GlibLoop> loop_;
    NiceAgent* agent_ = nullptr;  ///< Owned by loop_'s payload.
    void* bridge_ = nullptr;
    unsigned stream_ = 0;
    std::size_t received_in_turn_ = 0;
    IceCredentials credentials_;
    AddressRules rules_;
    std::size_t told_candidates_ = 0;
    Handler* handler_ = nullptr;
    std::deque<core::Bytes> early_;
    core::Bytes batch_;
    std::vector<std::uint32_t> batch_sizes_;
    bool flush_posted_ = false;
    bool blocked_ = false;
    boost::asio::steady_timer retry_;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_received_ = 0;
};

}  // namespace tubes::transports
