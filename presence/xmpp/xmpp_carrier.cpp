// SPDX-License-Identifier: GPL-3.0-or-later
// Passes on to the client, as long as there is one.
#include "presence/xmpp/xmpp_carrier.hpp"

#include "presence/xmpp/client.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::ports::ByteStream;
using core::ports::PeerCarrier;
using core::ports::StreamRelay;

class XmppCarrier final : public PeerCarrier {
public:
    XmppCarrier(std::weak_ptr<Client> client, Jid peer) : client_(std::move(client)), peer_(std::move(peer)) {}

    std::unique_ptr<ByteStream> make_in_band(const std::string& session, bool opens) override {
        const auto client = client_.lock();
        return client ? client->in_band().make_stream(peer_, session, opens) : nullptr;
    }

    void find_relays(std::function<void(std::vector<StreamRelay>)> callback) override {
        // Posted: the cache answers inside the call.
        const auto client = client_.lock();
        if (!client) return;
        client->post([weak = client_, callback = std::move(callback)] {
            if (const auto alive = weak.lock()) alive->relays().find(callback);
        });
    }

    std::string relay_address(const std::string& session, bool ours) const override {
        const auto client = client_.lock();
        if (!client) return {};
        return ours ? stream_address(session, client->self(), peer_) : stream_address(session, peer_, client->self());
    }

    void activate_relay(const StreamRelay& relay, const std::string& session,
                        std::function<void(error_code)> callback) override {
        if (const auto client = client_.lock()) client->relays().activate(relay, session, peer_, std::move(callback));
    }

private:
    std::weak_ptr<Client> client_;
    Jid peer_;
};

}  // namespace

std::shared_ptr<PeerCarrier> make_xmpp_carrier(const std::shared_ptr<Client>& client, const core::PeerAddress& peer) {
    const auto jid = Jid::parse(peer.value);
    if (!jid || jid->is_bare()) return nullptr;
    return std::make_shared<XmppCarrier>(client, *jid);
}

}  // namespace tubes::presence::xmpp
