// SPDX-License-Identifier: GPL-3.0-or-later
// Preparation by libidn's stringprep.
#include "presence/xmpp/address.hpp"

#include <idn-free.h>
#include <idna.h>
#include <stringprep.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "presence/xmpp/utf8.hpp"

namespace tubes::presence::xmpp {
namespace {

result<std::string> prepare(std::string_view part, const Stringprep_profile* profile) {
    // libidn reads past the end of malformed UTF-8 (CVE-2015-2059), hence the check first.
    if (part.empty() || part.size() > kMaxAddressPart || !is_clean_utf8(part)) {
        return make_error_code(Errc::invalid_argument);
    }
    std::array<char, 4 * kMaxAddressPart + 1> buffer{};
    std::memcpy(buffer.data(), part.data(), part.size());
    const int status = stringprep(buffer.data(), buffer.size(), static_cast<Stringprep_profile_flags>(0), profile);
    std::string prepared = status == STRINGPREP_OK ? buffer.data() : "";
    if (prepared.empty() || prepared.size() > kMaxAddressPart) return make_error_code(Errc::invalid_argument);
    return prepared;
}

result<std::string> prepare_domain(std::string_view part) {
    if (!part.empty() && part.back() == '.') part.remove_suffix(1);  // RFC 7622 §3.2: no trailing dot
    auto prepared = prepare(part, stringprep_nameprep);
    if (!prepared) return prepared;
    if (auto ascii = ascii_domain(*prepared); !ascii) return ascii.error();
    return prepared;
}

}  // namespace

result<Jid> Jid::parse(std::string_view text) {
    Jid jid;
    const auto slash = text.find('/');
    if (slash != std::string_view::npos) {
        auto resource = prepare(text.substr(slash + 1), stringprep_xmpp_resourceprep);
        if (!resource) return resource.error();
        jid.resource_ = *resource;
        text = text.substr(0, slash);
    }
    const auto at = text.find('@');
    if (at != std::string_view::npos) {
        auto local = prepare(text.substr(0, at), stringprep_xmpp_nodeprep);
        if (!local) return local.error();
        jid.local_ = *local;
        text = text.substr(at + 1);
    }
    auto domain = prepare_domain(text);
    if (!domain) return domain.error();
    jid.domain_ = *domain;
    return jid;
}

std::string Jid::bare() const {
    return local_.empty() ? domain_ : local_ + "@" + domain_;
}

std::string Jid::full() const {
    return resource_.empty() ? bare() : bare() + "/" + resource_;
}

Jid Jid::without_resource() const {
    Jid copy = *this;
    copy.resource_.clear();
    return copy;
}

result<Jid> Jid::with_resource(std::string_view resource) const {
    auto prepared = prepare(resource, stringprep_xmpp_resourceprep);
    if (!prepared) return prepared.error();
    Jid copy = *this;
    copy.resource_ = *prepared;
    return copy;
}

result<std::string> ascii_domain(const std::string& domain) {
    char* output = nullptr;
    const int status = idna_to_ascii_8z(domain.c_str(), &output, IDNA_USE_STD3_ASCII_RULES);
    std::string ascii = status == IDNA_SUCCESS && output != nullptr ? output : "";
    idn_free(output);
    if (ascii.empty() || ascii.size() > 253) return make_error_code(Errc::invalid_argument);
    return ascii;
}

}  // namespace tubes::presence::xmpp
