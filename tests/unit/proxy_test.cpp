// SPDX-License-Identifier: GPL-3.0-or-later
// Proxies: how they are named, when they are used, and what is said to them.
#include "tubes/base/proxy.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace tubes::base {
namespace {

using Kind = Proxy::Kind;

Proxy proxy(const std::string& text) {
    const auto parsed = parse_proxy(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : Proxy();
}

/// Feeds a whole answer as it is wanted; what is left of it.
std::string answer(ProxyHandshake& handshake, std::string bytes, error_code& error) {
    while (!error && handshake.wanted() > 0 && !bytes.empty()) {
        const std::string part = bytes.substr(0, handshake.wanted());
        bytes.erase(0, part.size());
        error = handshake.feed(as_bytes(part));
    }
    return bytes;
}

TEST(ProxySetting, NamesKindPlaceUserAndPassword) {
    const auto full = proxy("http://al%40ice:p%3Aw@proxy.example:3128/");
    EXPECT_EQ(full.kind, Kind::http);
    EXPECT_EQ(full.host, "proxy.example");
    EXPECT_EQ(full.port, 3128);
    EXPECT_EQ(full.user, "al@ice");
    EXPECT_EQ(full.password, "p:w");
    EXPECT_EQ(full.printed(), "http://al@ice@proxy.example:3128");
    EXPECT_EQ(proxy("http://proxy").port, 8080);
    const auto socks = proxy("socks5h://[2001:db8::1]");
    EXPECT_EQ(socks.kind, Kind::socks5);
    EXPECT_EQ(socks.printed(), "socks5://[2001:db8::1]:1080");
    EXPECT_EQ(proxy("none").kind, Kind::none);
    EXPECT_EQ(proxy("").printed(), "");
}

TEST(ProxySetting, RefusesWhatItDoesNotUnderstand) {
    for (const std::string text :
         {"proxy:3128", "https://proxy", "http://", "http://:80", "http://proxy:0", "http://proxy:65536",
          "http://proxy:8a", "http://@proxy", "http://a b", "http://pro/xy", "http://u%4@proxy", "http://u%zz@proxy",
          "http://[::1", "ftp://x"}) {
        EXPECT_FALSE(parse_proxy(text)) << text;
    }
    EXPECT_FALSE(parse_proxy("http://" + std::string(256, 'a')));
    EXPECT_FALSE(parse_proxy("http://" + std::string(256, 'u') + ":p@proxy"));
}

TEST(ProxySetting, LeavesOutLoopbackAndTheNamedExceptions) {
    auto used = proxy("http://proxy");
    used.exceptions = "example.org, .local,10.0.0.7";
    EXPECT_TRUE(used.applies_to("example.net"));
    EXPECT_TRUE(used.applies_to("badexample.org"));
    for (const auto* host :
         {"example.org", "www.example.org", "printer.local", "10.0.0.7", "127.0.0.1", "::1", "localhost"}) {
        EXPECT_FALSE(used.applies_to(host)) << host;
    }
    used.exceptions = "*";
    EXPECT_FALSE(used.applies_to("example.net"));
    EXPECT_FALSE(Proxy().applies_to("example.net"));
}

TEST(ProxySetting, ComesFromTheEnvironment) {
    ::setenv("all_proxy", "socks5://second", 1);
    ::setenv("https_proxy", "http://first:1", 1);
    ::setenv("no_proxy", "x.example", 1);
    EXPECT_EQ(proxy_from_environment().printed(), "http://first:1");
    EXPECT_FALSE(proxy_from_environment().applies_to("x.example"));
    ::unsetenv("https_proxy");
    ::unsetenv("HTTPS_PROXY");
    EXPECT_EQ(proxy_from_environment().printed(), "socks5://second:1080");
    ::setenv("all_proxy", "nonsense", 1);
    EXPECT_EQ(proxy_from_environment().kind, Kind::none);
    ::unsetenv("all_proxy");
    ::unsetenv("no_proxy");
}

TEST(ProxyHandshake, AsksAnHttpProxyForATunnelAndReadsNotOneByteOfWhatFollows) {
    ProxyHandshake handshake(proxy("http://user:secret@p"), "xmpp.example", 5222);
    EXPECT_EQ(as_text(handshake.take_output()),
              "CONNECT xmpp.example:5222 HTTP/1.1\r\nHost: xmpp.example:5222\r\n"
              "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
    error_code error;
    EXPECT_EQ(answer(handshake, "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nearly", error), "early");
    EXPECT_FALSE(error);
    EXPECT_EQ(handshake.wanted(), 0U);
}

TEST(ProxyHandshake, SaysWhyAnHttpProxyRefuses) {
    const std::vector<std::pair<std::string, Errc>> cases = {
        {"HTTP/1.0 407 Proxy Authentication Required\r\n\r\n", Errc::authentication_failed},
        {"HTTP/1.1 403 Filtered\r\n\r\n", Errc::refused},
        {"SSH-2.0-OpenSSH\r\n\r\n", Errc::protocol_violation},
        {"\r\n\r\n", Errc::protocol_violation}};
    for (const auto& [text, code] : cases) {
        ProxyHandshake handshake(proxy("http://p"), "h", 1);
        error_code error;
        answer(handshake, text, error);
        EXPECT_EQ(error, code) << text;
        EXPECT_FALSE(handshake.detail().empty());
        EXPECT_EQ(handshake.wanted(), 0U);
    }
    ProxyHandshake endless(proxy("http://p"), "h", 1);
    error_code error;
    answer(endless, "HTTP/1.1 200 " + std::string(20000, 'x'), error);
    EXPECT_EQ(error, Errc::protocol_violation);
}

TEST(ProxyHandshake, SpeaksSocks5WithNamesAddressesAndPasswords) {
    using namespace std::string_literals;
    ProxyHandshake handshake(proxy("socks5://user:pw@p"), "h.example", 0x1234);
    EXPECT_EQ(as_text(handshake.take_output()), "\x05\x02\x00\x02"s);
    error_code error;
    answer(handshake, "\x05\x02"s, error);
    EXPECT_EQ(as_text(handshake.take_output()), "\x01\x04user\x02pw"s);
    answer(handshake, "\x01\x00"s, error);
    EXPECT_EQ(as_text(handshake.take_output()), "\x05\x01\x00\x03\x09h.example\x12\x34"s);
    EXPECT_EQ(answer(handshake, "\x05\x00\x00\x03\x03"s + "abc" + "\x00\x50"s + "rest", error), "rest");
    EXPECT_FALSE(error);

    ProxyHandshake v6(proxy("socks5://p"), "2001:db8::1", 1);
    EXPECT_EQ(as_text(v6.take_output()), "\x05\x01\x00"s);
    answer(v6, "\x05\x00"s, error);
    EXPECT_EQ(v6.take_output().size(), 22U);  // with 16 bytes of address
    EXPECT_EQ(answer(v6, "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50x"s, error), "x");
    EXPECT_FALSE(error);
}

TEST(ProxyHandshake, SaysWhyASocks5ProxyRefuses) {
    using namespace std::string_literals;
    const std::vector<std::pair<std::string, Errc>> cases = {{"\x05\xff"s, Errc::authentication_failed},
                                                             {"\x04\x00"s, Errc::protocol_violation},
                                                             {"\x05\x02"s, Errc::authentication_failed},
                                                             {"\x05\x00\x05\x05\x00\x01"s, Errc::refused},
                                                             {"\x05\x00\x04\x00\x00\x01"s, Errc::protocol_violation},
                                                             {"\x05\x00\x05\x00\x00\x09"s, Errc::protocol_violation}};
    for (const auto& [bytes, code] : cases) {
        ProxyHandshake handshake(proxy("socks5://p"), "h", 1);
        error_code error;
        answer(handshake, bytes, error);
        EXPECT_EQ(error, code) << to_hex(as_bytes(bytes));
        EXPECT_FALSE(handshake.detail().empty());
    }
}

}  // namespace
}  // namespace tubes::base
