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
#include "transports/ice/taken_over_socket.hpp"

typedef struct _NiceAgent NiceAgent;  // NOLINT: as libnice declares it.

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
    bool batches = true;     ///< Take the socket over from libnice where that is possible.
    ConsentTimes consent{};  ///< Of a socket that was taken over.
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
/// Once the selected pair has been stable for a second and is plain UDP, its socket is taken over from libnice, whose
/// agent then ends: data goes in batches from there, and candidates that come later are ignored.
class IceAgent final : public DatagramPath,
                       public std::enable_shared_from_this<IceAgent>,
                       private TakenOverSocket::Events {
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

    /// True once the socket was taken over.
    bool is_batched() const noexcept { return taken_ != nullptr; }
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
    std::ptrdiff_t send_by_nice(std::size_t count);
    std::ptrdiff_t send_by_socket(std::size_t count);
    void retry_later(std::chrono::milliseconds delay);
    bool can_send() const noexcept { return agent_ != nullptr || taken_ != nullptr; }
    void take_over_later();
    void take_over();
    void release_agent();
    void on_taken_datagram(ByteView datagram) override { receive(datagram); }
    void on_taken_turn_over() override { flush(); }
    void on_taken_consent_lost() override;

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
    boost::asio::steady_timer settle_;
    bool batches_ = true;
    ConsentTimes consent_;
    IceCredentials remote_credentials_;
    std::shared_ptr<TakenOverSocket> taken_;
    std::optional<IcePair> taken_pair_;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_received_ = 0;
};

}  // namespace tubes::transports
