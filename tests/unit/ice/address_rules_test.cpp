// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of which addresses may be contacted, revealed and gathered.
#include <gtest/gtest.h>

#include "transports/addresses/address_rules.hpp"

namespace tubes::transports {
namespace {

boost::asio::ip::address ip(const char* text) {
    return boost::asio::ip::make_address(text);
}

TEST(AddressRulesTest, NeverContactsWhatIsNoHost) {
    const AddressRules rules{AddressPolicy::all, true, true, true};
    for (const auto* text : {"0.0.0.0", "0.1.2.3", "255.255.255.255", "240.0.0.1", "224.0.0.251", "::", "ff02::fb",
                             "::ffff:10.0.0.1", "::ffff:127.0.0.1"}) {
        EXPECT_FALSE(rules.may_contact(ip(text))) << text;
        EXPECT_FALSE(rules.may_reveal(ip(text))) << text;
    }
}

TEST(AddressRulesTest, LoopbackAndLinkLocalNeedAnOption) {
    const AddressRules plain;
    const AddressRules open{AddressPolicy::all, true, true, false};
    for (const auto* text : {"127.0.0.1", "127.9.9.9", "::1", "169.254.3.4", "fe80::1"}) {
        EXPECT_FALSE(plain.may_contact(ip(text))) << text;
        EXPECT_TRUE(open.may_contact(ip(text))) << text;
    }
    for (const auto* text : {"192.168.1.2", "10.1.2.3", "2001:db8::1", "fd00::1", "8.8.8.8", "100.64.0.1"}) {
        EXPECT_TRUE(plain.may_contact(ip(text))) << text;
        EXPECT_TRUE(plain.may_reveal(ip(text))) << text;
    }
}

TEST(AddressRulesTest, PoliciesHidePrivateAddresses) {
    const AddressRules public_only{AddressPolicy::public_only};
    const AddressRules relay_only{AddressPolicy::relay_only};
    for (const auto* text : {"192.168.1.2", "10.1.2.3", "172.16.0.1", "172.31.255.255", "100.127.0.1", "fd00::1"}) {
        EXPECT_FALSE(public_only.may_reveal(ip(text))) << text;
        EXPECT_FALSE(public_only.may_contact(ip(text))) << text;
    }
    for (const auto* text : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2a00::1"}) {
        EXPECT_TRUE(public_only.may_reveal(ip(text))) << text;
        EXPECT_FALSE(relay_only.may_reveal(ip(text))) << text;
    }
}

TEST(AddressRulesTest, KnowsVirtualInterfacesByName) {
    for (const auto* name : {"tun0", "tap3", "wg0", "docker0", "br-12ab", "tailscale0", "cni0", "virbr0", "veth12ab"}) {
        EXPECT_TRUE(is_virtual_interface(name)) << name;
    }
    for (const auto* name : {"eth0", "enp3s0", "wlan0", "lo", "bond0", "br0", "wlp2s0", "eno1", "wwan0"}) {
        EXPECT_FALSE(is_virtual_interface(name)) << name;
    }
}

TEST(AddressRulesTest, GathersLoopbackOnlyWhenAllowed) {
    for (const auto& address : local_addresses({})) EXPECT_FALSE(address.is_loopback()) << address;
    AddressRules rules;
    rules.loopback = true;
    const auto found = local_addresses(rules);
    EXPECT_NE(std::find(found.begin(), found.end(), ip("127.0.0.1")), found.end());
}

}  // namespace
}  // namespace tubes::transports
