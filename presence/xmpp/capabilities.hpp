// SPDX-License-Identifier: GPL-3.0-or-later
// Entity capabilities: what a client can do, told in every presence as a hash. Spec: XEP-0115 1.6, XEP-0030.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "presence/xmpp/address.hpp"
#include "presence/xmpp/xml.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxCachedCapabilities = 256;  // verified hashes kept, least recently used go first
inline constexpr std::size_t kMaxDiscoFeatures = 512;       // of one answer
inline constexpr std::size_t kMaxCapabilityQueries = 64;    // hashes asked for at once
inline constexpr std::size_t kAskedAtOnce = 3;              // peers that announced the same one

/// One identity of disco#info (XEP-0030 §3.1).
struct DiscoIdentity {
    std::string category;
    std::string type;
    std::string language;
    std::string name;
    auto operator<=>(const DiscoIdentity&) const = default;
};

/// An answer to disco#info, as far as we use it.
struct DiscoInfo {
    std::vector<DiscoIdentity> identities;
    std::set<std::string> features;
    /// Forms as FORM_TYPE -> field -> values (XEP-0128), all of which enter the hash.
    std::map<std::string, std::map<std::string, std::set<std::string>>> forms;

    bool speaks_tubes() const;
    /// The first client identity's name.
    std::string client() const;
};

/// Reads a disco#info <query/>. Errc::protocol_violation if it is ill-formed in the sense of XEP-0115 §5.4 step 3.
result<DiscoInfo> parse_disco_info(const Element& query);
/// The verification string of XEP-0115 §5.1, SHA-1, base64.
std::string verification_string(const DiscoInfo& info);

/// What we say about ourselves.
const DiscoInfo& own_disco_info();
/// <c/> for our presence, and the answer to a disco#info question about `node` (null: no such node).
ElementPtr own_capabilities();
/// Our presence, for everybody who sees it (`to` empty) or directed at somebody (RFC 6121 §4.6).
ElementPtr make_available_presence(const std::string& to, int priority);
ElementPtr own_disco_answer(const std::string& node);

/// Finds out what peers can do; asks each hash once, believes only what hashes right, keeps a bounded number.
class Capabilities {
public:
    /// Asks a peer for disco#info of a node; calls back with the <query/>, or null.
    using Asker = std::function<void(const Jid& peer, const std::string& node, std::function<void(const Element*)>)>;
    /// Told when a peer's capabilities are known, or known to be none.
    using Listener = std::function<void(const Jid& peer, bool speaks_tubes, const std::string& client)>;

    Capabilities(Asker asker, Listener listener) : asker_(std::move(asker)), listener_(std::move(listener)) {}

    /// Available presence of somebody whom we may ask.
    void on_presence(const Jid& peer, const Element& presence);
    void on_unavailable(const Jid& peer);
    /// A new stream: everybody will tell anew. What was verified stays.
    void on_new_stream();

private:
    struct Known {
        bool speaks_tubes = false;
        std::string client;
        std::list<std::string>::iterator order;
    };

    struct Waiting {
        Jid peer;
        bool asked = false;
    };

    void ask(const std::string& hash);
    void on_answer(const std::string& hash, const Jid& peer, const Element* query);
    void remember(const std::string& hash, const DiscoInfo& info);
    void tell(const Jid& peer, const std::string& hash);

    Asker asker_;
    Listener listener_;
    std::map<std::string, Known> known_;                            // by hash
    std::list<std::string> recent_;                                 // hashes, most recently used first
    std::map<Jid, std::pair<std::string, std::string>> announced_;  // peer -> (hash, node#hash)
    std::map<std::string, std::vector<Waiting>> waiting_;           // hash -> who announced it, in the order of asking
};

}  // namespace tubes::presence::xmpp
