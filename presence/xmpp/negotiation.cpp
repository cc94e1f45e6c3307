// SPDX-License-Identifier: GPL-3.0-or-later
// One function per step.
#include "presence/xmpp/negotiation.hpp"

#include "presence/xmpp/namespaces.hpp"
#include "tubes/base/bytes.hpp"
#include "tubes/base/log.hpp"

namespace tubes::presence::xmpp {
namespace {

/// What a server says in <failure/>, for people (RFC 6120 §6.5).
struct SaslFailure {
    std::string_view condition;
    Errc code;
    std::string_view text;
};
constexpr std::array<SaslFailure, 8> kSaslFailures = {{
    {"not-authorized", Errc::authentication_failed, "wrong address or password"},
    {"account-disabled", Errc::authentication_failed, "the account is disabled"},
    {"credentials-expired", Errc::authentication_failed, "the password has expired"},
    {"encryption-required", Errc::authentication_failed, "the server wants another encryption"},
    {"invalid-mechanism", Errc::authentication_failed, "the server refuses the mechanism"},
    {"mechanism-too-weak", Errc::authentication_failed, "the server wants a stronger mechanism"},
    {"temporary-auth-failure", Errc::refused, "the server cannot check passwords just now"},
    {"malformed-request", Errc::authentication_failed, "the server did not understand the log-in"},
}};

result<std::string> decode_sasl(const Element& element) {
    const std::string text = element.cdata();
    if (text.empty() || text == "=") return std::string();
    auto bytes = base::from_base64(text);
    if (!bytes) return make_error_code(Errc::protocol_violation);
    return std::string(bytes->begin(), bytes->end());
}

ElementPtr sasl_element(const std::string& name, const std::string& text) {
    auto element = make_element(name, kSaslNamespace);
    element->setCData(base::to_base64(base::as_bytes(text)));
    return element;
}

OfferedMechanisms read_mechanisms(const Element& features) {
    OfferedMechanisms offered;
    if (const Element* list = child(features, "mechanisms", kSaslNamespace)) {
        for (const Element* entry : children(*list, "mechanism")) offered.names.insert(entry->cdata());
    }
    if (const Element* list = child(features, "sasl-channel-binding", kChannelBindingNamespace)) {
        for (const Element* entry : children(*list, "channel-binding")) {
            offered.channel_bindings.insert(attribute(*entry, "type"));
        }
    }
    return offered;
}

std::string describe(const OfferedMechanisms& offered, std::string_view floor) {
    std::string names;
    for (const auto& name : offered.names) names += (names.empty() ? "" : ", ") + name;
    std::string text = "the server offers no acceptable way to log in (offered: " + base::printable(names) + ")";
    if (!floor.empty()) text += "; it offered " + std::string(floor) + " before, so nothing weaker is accepted";
    return text;
}

}  // namespace

Negotiation::Negotiation(NegotiationOptions options, StreamManagement& management, Driver& driver)
    : options_(std::move(options)), management_(management), driver_(driver), secure_(options_.secure) {}

void Negotiation::start() {
    restart();
}

void Negotiation::restart() {
    state_ = State::header;
    driver_.restart_stream();
}

void Negotiation::on_secured() {
    if (state_ != State::securing) return;
    secure_ = true;
    restart();
}

void Negotiation::fail(Errc reason, const std::string& detail) {
    state_ = State::done;
    driver_.on_negotiation_failed(reason, detail);
}

void Negotiation::on_element(const Element& element) {
    switch (state_) {
        case State::header: state_ = State::features; return;
        case State::features:
            if (!is(element, "features", kStreamNamespace)) {
                return fail(Errc::protocol_violation, "the server does not announce its features");
            }
            return on_features(element);
        case State::starting_tls: return on_tls_answer(element);
        case State::challenge: return on_sasl(element);
        case State::resuming: return on_resume_answer(element);
        case State::binding: return on_bound(element);
        case State::enabling: return on_enable_answer(element);
        case State::idle:
        case State::securing:
        case State::password:
        case State::done: return;
    }
}

void Negotiation::on_features(const Element& features) {
    if (!secure_) return offer_tls(features);
    if (!authenticated_) return choose(features);
    on_authenticated_features(features);
}

void Negotiation::offer_tls(const Element& features) {
    // Whoever removes the offer on the way wins nothing: without TLS nothing is sent (RFC 7590 §3.1).
    if (!child(features, "starttls", kTlsNamespace)) {
        return fail(Errc::unsupported, "the server offers no encryption");
    }
    state_ = State::starting_tls;
    driver_.write(*make_element("starttls", kTlsNamespace));
}

void Negotiation::on_tls_answer(const Element& element) {
    if (!is(element, "proceed", kTlsNamespace)) return fail(Errc::unsupported, "the server refuses encryption");
    state_ = State::securing;
    driver_.start_tls();
}

void Negotiation::choose(const Element& features) {
    const auto offered = read_mechanisms(features);
    auto chosen = choose_mechanism(offered, driver_.channel_binding(), options_.allow_plain, options_.floor);
    if (!chosen) return fail(Errc::authentication_failed, describe(offered, options_.floor));
    chosen_ = std::move(*chosen);
    outcome_.mechanism = chosen_.name;
    outcome_.strongest = chosen_.remember;
    state_ = State::password;
    driver_.ask_password();
}

void Negotiation::on_password(const std::string& password) {
    if (state_ != State::password) return;
    std::string message;
    if (chosen_.plain) {
        message = std::string(1, '\0') + options_.account.local() + std::string(1, '\0') + password;  // RFC 4616
    } else {
        scram_ = std::make_unique<Scram>(ScramParameters{chosen_.hash, options_.account.local(), password, chosen_.gs2,
                                                         chosen_.binding, random_nonce()});
        auto first = scram_->first();
        if (!first) return fail(Errc::authentication_failed, "the password is empty or has forbidden characters");
        message = *first;
    }
    auto auth = sasl_element("auth", message);
    auth->addAttribute("mechanism", chosen_.name);
    state_ = State::challenge;
    driver_.write(*auth);
}

void Negotiation::on_sasl(const Element& element) {
    if (is(element, "challenge", kSaslNamespace)) return on_challenge(element);
    if (is(element, "success", kSaslNamespace)) return on_success(element);
    if (is(element, "failure", kSaslNamespace)) return on_sasl_failure(element);
    fail(Errc::protocol_violation, "the server breaks off the log-in");
}

void Negotiation::on_challenge(const Element& element) {
    const auto text = decode_sasl(element);
    if (!text || !scram_) return fail(Errc::protocol_violation, "the server's challenge is malformed");
    if (text->starts_with("v=")) {
        // Some servers prove themselves in a last challenge instead of in <success/>.
        if (!scram_->verify(*text)) return fail(Errc::authentication_failed, "the server does not know the password");
        proven_ = true;
        return driver_.write(*make_element("response", kSaslNamespace));
    }
    auto answer = scram_->final(*text);
    if (!answer) return fail(Errc::authentication_failed, "the server's challenge is malformed or too cheap");
    driver_.write(*sasl_element("response", *answer));
}

void Negotiation::on_success(const Element& element) {
    const auto text = decode_sasl(element);
    if (scram_ && !proven_ && (!text || !scram_->verify(*text))) {
        return fail(Errc::authentication_failed, "the server does not know the password: it is an impostor");
    }
    scram_.reset();
    authenticated_ = true;
    restart();
}

void Negotiation::on_sasl_failure(const Element& failure) {
    std::string said;
    if (const Element* text = child(failure, "text")) said = ": " + base::printable(text->cdata());
    for (const Element* condition : children(failure)) {
        for (const auto& known : kSaslFailures) {
            if (known.condition == condition->name()) return fail(known.code, std::string(known.text) + said);
        }
    }
    fail(Errc::authentication_failed, "the server refuses the log-in" + said);
}

void Negotiation::on_authenticated_features(const Element& features) {
    for (const Element* feature : children(features)) outcome_.features.insert(namespace_of(*feature));
    if (management_.can_resume() && outcome_.features.contains(std::string(kStreamManagementNamespace))) {
        state_ = State::resuming;
        return driver_.write(*management_.resumption());
    }
    bind();
}

void Negotiation::on_resume_answer(const Element& element) {
    const bool known = namespace_of(element) == kStreamManagementNamespace;
    const std::string& h = attribute(element, "h");
    if (known && element.name() == "resumed") {
        if (!management_.on_acknowledged(h)) return fail(Errc::protocol_violation, "the server miscounts stanzas");
        outcome_.resumed = true;
        return finish();
    }
    if (!known || element.name() != "failed") return fail(Errc::protocol_violation, "the server does not resume");
    // The old stream is gone, but the server may remember how far it got (§5, "h" on <failed/>).
    if (!h.empty()) (void)management_.on_acknowledged(h);
    bind();
}

void Negotiation::bind() {
    state_ = State::binding;
    management_.stop();
    bind_id_ = random_id();
    auto iq = make_stanza("iq", "set", "", bind_id_);
    Element& request = add_element(*iq, "bind", kBindNamespace);
    add_element(request, "resource").setCData(options_.resource);
    driver_.write(*iq);
}

void Negotiation::on_bound(const Element& iq) {
    if (!is(iq, "iq", kClientNamespace) || attribute(iq, "id") != bind_id_) return;
    const Element* answer = child(iq, "bind", kBindNamespace);
    const Element* address = answer ? child(*answer, "jid") : nullptr;
    auto jid = address ? Jid::parse(address->cdata()) : result<Jid>(make_error_code(Errc::refused));
    // A server that binds somebody else's address would make us trust the wrong bare address.
    if (!jid || jid->is_bare() || jid->without_resource() != options_.account) {
        return fail(Errc::refused, "the server does not bind an address of this account");
    }
    outcome_.bound = *jid;
    if (!outcome_.features.contains(std::string(kStreamManagementNamespace))) return finish();
    state_ = State::enabling;
    auto enable = make_element("enable", kStreamManagementNamespace);
    enable->addAttribute("resume", "true");
    driver_.write(*enable);
}

void Negotiation::on_enable_answer(const Element& element) {
    if (namespace_of(element) != kStreamManagementNamespace) return;
    const bool resume = attribute(element, "resume") == "true" || attribute(element, "resume") == "1";
    if (element.name() == "enabled") management_.start(resume ? attribute(element, "id") : "");
    finish();
}

void Negotiation::finish() {
    state_ = State::done;
    driver_.on_negotiated(outcome_);
}

}  // namespace tubes::presence::xmpp
