// SPDX-License-Identifier: GPL-3.0-or-later
// XML namespaces, each named once.
#pragma once

#include <string_view>

namespace tubes::presence::xmpp {

/// Our own: the feature in disco#info, the IQ payloads and the Jingle description (docs/protocol.md, "XMPP").
inline constexpr std::string_view kTubesNamespace = "urn:tubes:protocol:0";
/// Our Jingle transport, which carries every kind of path.
inline constexpr std::string_view kTubesTransportNamespace = "urn:tubes:protocol:0:transport";
/// The node of our entity capabilities (XEP-0115 §4): names the software, resolves to nothing.
inline constexpr std::string_view kCapabilitiesNode = "urn:tubes:client";

inline constexpr std::string_view kClientNamespace = "jabber:client";                                // RFC 6120
inline constexpr std::string_view kStreamNamespace = "http://etherx.jabber.org/streams";             // RFC 6120
inline constexpr std::string_view kStreamErrorNamespace = "urn:ietf:params:xml:ns:xmpp-streams";     // RFC 6120
inline constexpr std::string_view kStanzaErrorNamespace = "urn:ietf:params:xml:ns:xmpp-stanzas";     // RFC 6120
inline constexpr std::string_view kTlsNamespace = "urn:ietf:params:xml:ns:xmpp-tls";                 // RFC 6120
inline constexpr std::string_view kSaslNamespace = "urn:ietf:params:xml:ns:xmpp-sasl";               // RFC 6120
inline constexpr std::string_view kBindNamespace = "urn:ietf:params:xml:ns:xmpp-bind";               // RFC 6120
inline constexpr std::string_view kChannelBindingNamespace = "urn:xmpp:sasl-cb:0";                   // XEP-0440
inline constexpr std::string_view kRosterNamespace = "jabber:iq:roster";                             // RFC 6121
inline constexpr std::string_view kStreamManagementNamespace = "urn:xmpp:sm:3";                      // XEP-0198
inline constexpr std::string_view kPingNamespace = "urn:xmpp:ping";                                  // XEP-0199
inline constexpr std::string_view kDiscoInfoNamespace = "http://jabber.org/protocol/disco#info";     // XEP-0030
inline constexpr std::string_view kDataFormsNamespace = "jabber:x:data";                             // XEP-0004
inline constexpr std::string_view kCapabilitiesNamespace = "http://jabber.org/protocol/caps";        // XEP-0115
inline constexpr std::string_view kJingleNamespace = "urn:xmpp:jingle:1";                            // XEP-0166
inline constexpr std::string_view kIceUdpNamespace = "urn:xmpp:jingle:transports:ice-udp:1";         // XEP-0176
inline constexpr std::string_view kDtlsNamespace = "urn:xmpp:jingle:apps:dtls:0";                    // XEP-0320
inline constexpr std::string_view kSctpNamespace = "urn:xmpp:jingle:transports:dtls-sctp:1";         // XEP-0343
inline constexpr std::string_view kJingleErrorNamespace = "urn:xmpp:jingle:errors:1";                // XEP-0166
inline constexpr std::string_view kExternalServicesNamespace = "urn:xmpp:extdisco:2";                // XEP-0215
inline constexpr std::string_view kInBandNamespace = "http://jabber.org/protocol/ibb";               // XEP-0047
inline constexpr std::string_view kBytestreamsNamespace = "http://jabber.org/protocol/bytestreams";  // XEP-0065
inline constexpr std::string_view kDiscoItemsNamespace = "http://jabber.org/protocol/disco#items";   // XEP-0030
inline constexpr std::string_view kDelayNamespace = "urn:xmpp:delay";                                // XEP-0203
inline constexpr std::string_view kMucNamespace = "http://jabber.org/protocol/muc";                  // XEP-0045
inline constexpr std::string_view kMucUserNamespace = "http://jabber.org/protocol/muc#user";         // XEP-0045
inline constexpr std::string_view kMucOwnerNamespace = "http://jabber.org/protocol/muc#owner";       // XEP-0045
inline constexpr std::string_view kOccupantIdNamespace = "urn:xmpp:occupant-id:0";                   // XEP-0421

}  // namespace tubes::presence::xmpp
