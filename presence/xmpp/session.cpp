// SPDX-License-Identifier: GPL-3.0-or-later
// Wires connector, stream, parser, negotiation and stream management together.
#include "presence/xmpp/session.hpp"

#include <gloox/util.h>

#include <boost/asio/post.hpp>

#include "presence/xmpp/namespaces.hpp"
#include "tubes/base/log.hpp"

namespace tubes::presence::xmpp {
namespace {

constexpr std::string_view kStreamEnd = "</stream:stream>";

std::string make_header(const Jid& account, bool secure) {
    std::string header = "<?xml version='1.0'?><stream:stream to='" + account.domain() + "' ";
    // RFC 6120 §4.7.1: the address goes out only once it is protected.
    if (secure) header += "from='" + gloox::util::escape(account.bare()) + "' ";
    return header +
           "version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
}

Errc code_of(const std::string& condition) {
    if (condition == "conflict") return Errc::already_exists;
    if (condition == "host-unknown" || condition == "host-gone") return Errc::not_found;
    if (condition == "policy-violation" || condition == "resource-constraint") return Errc::limit_exceeded;
    if (condition == "not-authorized") return Errc::authentication_failed;
    return Errc::broken;
}

}  // namespace

Session::Session(boost::asio::any_io_executor executor, SessionOptions options, StreamManagement& management,
                 Handler& handler)
    : executor_(executor),
      options_(std::move(options)),
      management_(management),
      handler_(&handler),
      deadline_(executor),
      keepalive_(executor) {}

void Session::start() {
    connector_ = std::make_shared<Connector>(executor_, options_.plan);
    connector_->start([weak = weak_from_this()](auto socket, const Target& target, const Failure& failure) {
        if (const auto self = weak.lock()) self->on_connected(std::move(socket), target, failure);
    });
    arm_login_deadline();
}

void Session::arm_login_deadline() {
    deadline_.expires_after(options_.login_timeout);
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (self && !error && !self->ready_) self->end(Errc::timed_out, "the server does not finish the log-in");
    });
}

void Session::on_connected(boost::asio::ip::tcp::socket socket, const Target& target, const Failure& failure) {
    if (failure.code) return end(failure.code, failure.detail);
    target_ = target;
    stream_ = std::make_shared<SecureStream>(std::move(socket));
    auto negotiation_options = options_.negotiation;
    negotiation_options.secure = target.direct_tls;
    Negotiation::Driver& driver = *this;
    negotiation_ = std::make_unique<Negotiation>(std::move(negotiation_options), management_, driver);
    stream_->start(*this);
    if (target.direct_tls) {
        start_tls();
    } else {
        negotiation_->start();
    }
}

void Session::start_tls() {
    auto tls = options_.tls;
    tls.direct = target_.direct_tls;
    stream_->start_tls(tls);
}

void Session::on_secured() {
    if (target_.direct_tls) return negotiation_->start();
    negotiation_->on_secured();
}

void Session::restart_stream() {
    StanzaLimits limits = options_.limits;
    // Nobody needs much before the log-in, and less trust has been established.
    if (!stream_->is_secure()) limits.bytes = std::min<std::size_t>(limits.bytes, 65536);
    xml_ = std::make_shared<XmlStream>(limits);
    stream_->send(make_header(options_.negotiation.account, stream_->is_secure()));
}

void Session::on_bytes(std::string_view bytes) {
    heard_ = true;
    const auto self = shared_from_this();
    const auto xml = xml_;
    if (!xml) return;
    const auto fed = xml->feed(bytes);
    // A restart drops what came behind the element that caused it: clear text injected before TLS.
    while (handler_ && xml == xml_) {
        const auto element = xml->next();
        if (!element) break;
        on_element(*element);
    }
    if (!handler_ || xml != xml_) return;
    // Dropped unread, but it did arrive: the server would send it again and again otherwise.
    for (std::size_t skipped = xml->take_skipped(); skipped > 0; --skipped) on_skipped();
    if (!fed) {
        stream_->send("<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
        stream_->send(kStreamEnd);
        return end(fed.error(), fed.error() == Errc::limit_exceeded ? "the server sent a stanza beyond the limits"
                                                                    : "the server sent malformed XML");
    }
    if (!xml->is_finished()) return;
    if (!closing_) stream_->send(kStreamEnd);
    end(closing_ ? error_code() : error_code(Errc::end_of_stream), "the server ended the stream");
}

void Session::on_skipped() {
    base::logger("xmpp")->warn("dropped a stanza beyond the limits");
    if (ready_) management_.on_received();
}

void Session::on_element(const Element& element) {
    const std::string xmlns = namespace_of(element);
    if (xmlns == kStreamNamespace && element.name() == "error") return on_stream_error(element);
    if (!ready_) return negotiation_->on_element(element);
    if (xmlns == kStreamManagementNamespace) return on_management(element);
    if (xmlns != kClientNamespace) return;
    management_.on_received();
    handler_->on_stanza(element);
}

void Session::on_stream_error(const Element& error) {
    std::string condition = "undefined-condition";
    std::string text;
    for (const Element* element : children(error)) {
        if (namespace_of(*element) != kStreamErrorNamespace) continue;
        if (element->name() == "text") {
            text = ": " + base::printable(element->cdata());
        } else {
            condition = element->name();
        }
    }
    end(code_of(condition), "the server ended the stream (" + base::printable(condition) + text + ")");
}

void Session::on_management(const Element& element) {
    if (element.name() == "r") return write(*management_.acknowledgement());
    if (element.name() != "a") return;
    if (!management_.on_acknowledged(attribute(element, "h"))) {
        return end(Errc::protocol_violation, "the server miscounts stanzas");
    }
    ask_for_acknowledgement();
}

void Session::ask_for_acknowledgement() {
    if (management_.should_ask()) write(*make_element("r", kStreamManagementNamespace));
}

void Session::write(const Element& element) {
    stream_->send(element.xml());
}

ChannelBinding Session::channel_binding() {
    return stream_->tls() ? stream_->tls()->channel_binding() : ChannelBinding{};
}

void Session::ask_password() {
    const auto executor = executor_;
    const auto weak = weak_from_this();
    options_.password([executor, weak](const result<std::string>& password) {
        boost::asio::post(executor, [weak, password] {
            const auto self = weak.lock();
            if (!self || !self->handler_ || !self->negotiation_) return;
            if (password) return self->negotiation_->on_password(*password);
            self->end(password.error(), "there is no password");
        });
    });
}

void Session::on_negotiated(const NegotiationOutcome& outcome) {
    // close() came first and its timer is about to end this: the server need not keep the stream for a resumption.
    if (closing_) return stream_->send(kStreamEnd);
    ready_ = true;
    mechanism_ = outcome.mechanism;
    deadline_.cancel();
    connector_->cancel();
    heard_ = true;
    arm_keepalive(options_.keepalive_interval);
    handler_->on_session_ready(outcome);
}

void Session::on_negotiation_failed(Errc reason, const std::string& detail) {
    end(reason, detail);
}

void Session::send(const Element& stanza) {
    send_text(stanza.xml());
}

void Session::send_text(const std::string& stanza) {
    if (!ready_ || !handler_) return;
    if (!management_.on_sent(stanza)) {
        boost::asio::post(executor_, [self = shared_from_this()] {
            self->end(Errc::limit_exceeded, "the server acknowledges nothing");
        });
        return;
    }
    stream_->send(stanza);
    ask_for_acknowledgement();
}

void Session::resend_unacknowledged() {
    for (const auto& stanza : management_.unacknowledged()) stream_->send(stanza);
    ask_for_acknowledgement();
}

void Session::arm_keepalive(std::chrono::milliseconds wait) {
    keepalive_.expires_after(wait);
    keepalive_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (self && !error && self->handler_) self->on_keepalive();
    });
}

void Session::on_keepalive() {
    if (!heard_ && pinged_) return end(Errc::timed_out, "the server no longer answers");
    const bool silent = !heard_;
    heard_ = false;
    pinged_ = false;
    if (silent) return ping_server();
    arm_keepalive(options_.keepalive_interval);
}

void Session::ping_server() {
    auto ping = make_stanza("iq", "get", options_.negotiation.account.domain(), random_id());
    add_element(*ping, "ping", kPingNamespace);
    pinged_ = true;
    heard_ = false;
    send(*ping);
    arm_keepalive(options_.keepalive_timeout);
}

void Session::check_alive(std::chrono::milliseconds limit) {
    if (!ready_ || !handler_) return;
    if (stream_->is_cut_off()) {
        boost::asio::post(executor_, [self = shared_from_this()] {
            self->end(Errc::network_unreachable, "this machine's address is gone");
        });
        return;
    }
    ping_server();
    arm_keepalive(limit);
}

void Session::on_closed(error_code reason, const std::string& detail) {
    const bool useless_host =
        !stream_->is_secure() && reason != Errc::certificate_rejected && reason != Errc::invalid_argument && !closing_;
    if (!useless_host) return end(closing_ ? error_code() : reason, detail);
    // A middlebox may let TCP through and nothing else: the domain's other hosts and ports get their turn (XEP-0368
    // §3).
    xml_.reset();
    negotiation_.reset();
    connector_->try_next(
        [weak = weak_from_this(), reason, detail](auto socket, const Target& target, const Failure& failure) {
            const auto self = weak.lock();
            if (!self || !self->handler_) return;
            if (failure.code) return self->end(reason, detail);
            self->on_connected(std::move(socket), target, {});
        });
}

void Session::end(error_code reason, const std::string& detail) {
    Handler* handler = std::exchange(handler_, nullptr);
    if (!handler) return;
    const auto self = shared_from_this();
    ready_ = false;
    deadline_.cancel();
    keepalive_.cancel();
    if (connector_) connector_->cancel();
    if (stream_) stream_->finish();
    management_.on_disconnected();
    handler->on_session_ended(reason, detail);
}

void Session::close(std::chrono::milliseconds limit) {
    if (closing_ || !handler_) return;
    closing_ = true;
    const bool open = std::exchange(ready_, false);  // nothing may follow the end
    if (open) stream_->send(kStreamEnd);
    deadline_.expires_after(open ? limit : std::chrono::milliseconds(0));
    deadline_.async_wait([self = shared_from_this()](error_code error) {
        if (error) return;
        self->end({}, "");
        if (self->stream_) self->stream_->close();
    });
}

void Session::abort() {
    handler_ = nullptr;
    ready_ = false;
    deadline_.cancel();
    keepalive_.cancel();
    if (connector_) connector_->cancel();
    if (stream_) stream_->close();
}

std::string Session::server() const {
    return target_.host.empty() ? "" : target_.host + " port " + std::to_string(target_.port);
}

std::string Session::security() const {
    const TlsSession* tls = stream_ ? stream_->tls() : nullptr;
    return tls && ready_ ? tls->description() + ", " + mechanism_ : "";
}

}  // namespace tubes::presence::xmpp
