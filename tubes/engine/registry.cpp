// SPDX-License-Identifier: GPL-3.0-or-later
// Transports and protocols of this build.
#include "tubes/engine/registry.hpp"

#include "presence/local/local_connection.hpp"
#include "presence/xmpp/xmpp_connection.hpp"
#include "transports/direct_tls/direct_tls_transport.hpp"
#include "transports/ice/ice_transport.hpp"
#include "transports/in_band/in_band_transport.hpp"
#include "transports/local/local_transport.hpp"
#include "transports/port_mapping/mapping_transport.hpp"
#include "transports/socks5/socks5_transport.hpp"
#include "transports/turn_tls/forwarding_transport.hpp"
#include "transports/webrtc/web_connection.hpp"

namespace tubes::engine {
namespace {

using core::ports::Connection;
using core::ports::Transport;

std::unique_ptr<Transport> make_local_path(const Surroundings& with) {
    return std::make_unique<transports::LocalTransport>(with.executor);
}

// What the settings say of addresses.
transports::AddressRules address_rules(const Surroundings& with) {
    transports::AddressRules rules;
    rules.loopback = with.profile->settings->boolean("network.loopback");
    rules.virtual_interfaces = with.profile->settings->boolean("network.virtual_interfaces");
    return rules;
}

// With the router's help, where the user lets it be asked.
std::unique_ptr<Transport> mapped(const Surroundings& with, std::unique_ptr<Transport> inner) {
    if (!with.profile->settings->boolean("network.port_mapping")) return inner;
    return std::make_unique<transports::MappingTransport>(std::make_shared<transports::PortMapper>(with.executor),
                                                          std::move(inner));
}

std::unique_ptr<Transport> make_direct_tls(const Surroundings& with) {
    transports::DirectTlsOptions options;
    options.loopback = with.profile->settings->boolean("network.loopback");
    options.virtual_interfaces = with.profile->settings->boolean("network.virtual_interfaces");
    return mapped(with, std::make_unique<transports::DirectTlsTransport>(with.executor, options));
}

std::unique_ptr<Transport> make_ice(const Surroundings& with) {
    auto ice = mapped(with, std::make_unique<transports::IceTransport>(with.executor, address_rules(with)));
    return std::make_unique<transports::ForwardingTransport>(with.executor, with.profile->settings->proxy(),
                                                             std::move(ice));
}

std::unique_ptr<Transport> make_socks5(const Surroundings& with) {
    transports::Socks5Options options;
    options.rules = address_rules(with);
    options.proxy = with.profile->settings->proxy();
    return std::make_unique<transports::Socks5Transport>(with.executor, std::move(options));
}

std::unique_ptr<Transport> make_in_band(const Surroundings& with) {
    return std::make_unique<transports::InBandTransport>(with.executor);
}

result<std::unique_ptr<Connection>> make_local(const Surroundings& with, const LoginOptions&, std::string&) {
    presence::local::LocalConfiguration configuration;
    configuration.directory = with.profile->directories.nodes();
    configuration.name = with.profile->resource;
    return presence::local::make_local_connection(with.executor, std::move(configuration));
}

bool is_local(std::string_view address) {
    return address == presence::local::kSelf;
}

// "host", "host:port", "[v6]:port".
result<void> set_host(const std::string& text, presence::xmpp::XmppConfiguration& configuration) {
    if (text.empty()) return {};
    const bool has_port = text.front() == '[' || text.find(':') != std::string::npos;
    const auto endpoint = Endpoint::parse(has_port ? text : text + ":0");
    if (!endpoint || endpoint->kind != Endpoint::Kind::tcp) return make_error_code(Errc::invalid_argument);
    configuration.host = endpoint->host;
    configuration.port = endpoint->port;
    return {};
}

result<std::unique_ptr<Connection>> make_xmpp(const Surroundings& with, const LoginOptions& options,
                                              std::string& detail) {
    presence::xmpp::XmppConfiguration configuration;
    configuration.address = options.address;
    configuration.password = [password = options.password](const auto& receive) { receive(password); };
    if (auto set = set_host(options.host, configuration); !set) return set.error();
    configuration.direct_tls = options.direct_tls;
    configuration.ca_file = options.ca_file.string();
    configuration.pinned_certificate = options.pinned_certificate;
    configuration.allow_plain = options.allow_plain;
    auto* memory = with.profile->memory.get();
    configuration.remembered_mechanism = memory->get(options.address, "mechanism");
    configuration.on_mechanism = [memory, address = options.address](const std::string& mechanism) {
        static_cast<void>(memory->put(address, "mechanism", mechanism));
    };
    configuration.resource = with.profile->resource;
    configuration.proxy = with.profile->settings->proxy();
    return presence::xmpp::make_xmpp_connection(with.executor, std::move(configuration), detail);
}

bool is_xmpp(std::string_view address) {
    return address.find('@') != std::string_view::npos;
}

}  // namespace

const std::vector<TransportEntry>& transport_list() {
    static const std::vector<TransportEntry> list = {
        {PathKind::local, make_local_path}, {PathKind::direct_tls, make_direct_tls}, {PathKind::ice, make_ice},
        {PathKind::socks5, make_socks5},    {PathKind::in_band, make_in_band},
    };
    return list;
}

const std::vector<ProtocolEntry>& protocol_list() {
    static const std::vector<ProtocolEntry> list = {
        {"local", is_local, make_local},
        {"xmpp", is_xmpp, make_xmpp},
    };
    return list;
}

std::vector<std::unique_ptr<Transport>> make_transports(const Surroundings& surroundings) {
    std::vector<std::unique_ptr<Transport>> made;
    for (const auto& entry : transport_list()) {
        if (surroundings.profile->settings->allows(entry.kind)) made.push_back(entry.make(surroundings));
    }
    return made;
}

std::unique_ptr<core::ports::WebTransport> make_web_transport(const Surroundings& surroundings) {
    if (!surroundings.profile->settings->allows(PathKind::ice)) return nullptr;
    return std::make_unique<transports::WebRtcTransport>(surroundings.executor, address_rules(surroundings));
}

const ProtocolEntry* find_protocol(std::string_view address) {
    for (const auto& entry : protocol_list()) {
        if (entry.owns(address)) return &entry;
    }
    return nullptr;
}

}  // namespace tubes::engine
