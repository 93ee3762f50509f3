#include "config/policy/group_table.h"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

Client from(std::string_view address) {
  const Prefix prefix = parse_prefix(address).value();
  Client client;
  client.has_ip = true;
  client.ipv6 = prefix.ipv6;
  client.address = prefix.address;
  return client;
}

PolicySet school() {
  PolicySet set;
  set.policies = {{"staff", 0, 0}, {"pupils", 2, 0}};
  set.default_policy = "pupils";
  const auto prefix = [](std::string_view text) { return parse_prefix(text).value(); };
  set.groups = {
      {"lab", "staff", {parse_mac("02:00:00:00:00:01").value()}, {}, {}, {}},
      {"wide", "pupils", {}, {prefix("10.0.0.0/8"), prefix("2001:db8::/32")}, {}, {}},
      {"narrow", "staff", {}, {prefix("10.1.2.128/25"), prefix("2001:db8:7::/48")}, {}, {}},
      {"qinq", "staff", {}, {}, {{100, 7}}, {}},
      {"vlan", "staff", {}, {}, {{100, 0}}, {}},
      {"wire", "staff", {}, {}, {}, {"lan2"}},
  };
  return set;
}

TEST(GroupTable, MatchesMacThenPrefixThenVlanThenPort) {
  const std::vector<std::string> ports = {"lan1", "lan2"};
  const auto table = GroupTable::build(school(), ports);
  ASSERT_TRUE(table) << table.error().text();
  const auto name = [&](const Client& client) {
    return table->groups()[table->find(client).group].name;
  };
  EXPECT_EQ(name({}), "default");
  EXPECT_EQ(name(from("10.9.9.9")), "wide");
  EXPECT_EQ(name(from("10.1.2.127")), "wide");
  EXPECT_EQ(name(from("10.1.2.128")), "narrow");
  EXPECT_EQ(name(from("2001:db8:8::1")), "wide");
  EXPECT_EQ(name(from("2001:db8:7::1")), "narrow");
  EXPECT_EQ(name(from("192.0.2.1")), "default");
  Client client = from("10.1.2.128");
  client.mac = {2, 0, 0, 0, 0, 1};
  EXPECT_EQ(name(client), "lab");
  client = from("192.0.2.1");
  client.outer_vlan = 100;
  EXPECT_EQ(name(client), "vlan");
  client.inner_vlan = 7;
  EXPECT_EQ(name(client), "qinq");
  client.inner_vlan = 8;
  EXPECT_EQ(name(client), "vlan");
  client.outer_vlan = 0;
  client.port = 1;
  EXPECT_EQ(name(client), "wire");
  EXPECT_EQ(table->find(client).by, MatchedBy::port);
}

// Two tenants of one address space, each in a VLAN of its own.
TEST(GroupTable, KeepsTheSameAddressesInTwoVlansApart) {
  PolicySet set = school();
  const auto prefix = [](std::string_view text) { return parse_placed_prefix(text).value(); };
  set.groups = {
      {"a", "staff", {}, {prefix("10.1.0.0/16@10"), prefix("2001:db8::/32@10")}, {}, {}},
      {"b", "staff", {}, {prefix("10.1.0.0/16@20"), prefix("2001:db8::/32@20.7")}, {}, {}},
      {"b kids", "pupils", {}, {prefix("10.1.2.0/24@20"), prefix("10.1.2.3/32@20.7")}, {}, {}},
      {"any", "staff", {}, {prefix("10.1.2.0/24"), prefix("2001:db8::/48")}, {{20, 0}}, {}},
  };
  const auto table = GroupTable::build(set, {});
  ASSERT_TRUE(table) << table.error().text();
  const auto name = [&](std::string_view address, std::uint16_t outer, std::uint16_t inner = 0) {
    Client client = from(address);
    client.outer_vlan = outer;
    client.inner_vlan = inner;
    return table->groups()[table->find(client).group].name;
  };
  EXPECT_EQ(name("10.1.2.3", 10), "a");
  EXPECT_EQ(name("10.1.2.3", 20), "b kids");
  EXPECT_EQ(name("10.1.2.3", 20, 7), "b kids");
  EXPECT_EQ(name("10.1.9.3", 20, 9), "b");
  EXPECT_EQ(name("10.1.2.3", 30), "any");
  EXPECT_EQ(name("10.1.2.3", 0), "any");
  EXPECT_EQ(name("10.1.9.3", 0), "default");
  EXPECT_EQ(name("2001:db8::1", 10, 3), "a");
  EXPECT_EQ(name("2001:db8::1", 20, 7), "b");
  EXPECT_EQ(name("2001:db8::1", 20), "any");
  EXPECT_EQ(name("2001:db8:1::1", 20), "any") << "by the VLAN";
  EXPECT_EQ(name("2001:db8:1::1", 0), "default");
  EXPECT_TRUE(table->names_hosts());
  Client client = from("10.1.2.3");
  EXPECT_FALSE(table->names_host(client));
  client.outer_vlan = 20;
  client.inner_vlan = 7;
  EXPECT_TRUE(table->names_host(client));
}

TEST(GroupTable, ReadsPlacedPrefixes) {
  for (const char* good : {"10.7.0.0/16@20", "10.7.0.0/16@20.7", "2001:db8::/32@4094.4094",
                           "10.7.0.1/32@1", "10.7.0.0/16"}) {
    const auto prefix = parse_placed_prefix(good);
    ASSERT_TRUE(prefix) << good;
    EXPECT_EQ(text(*prefix), good);
  }
  for (const char* bad : {"10.7.0.0/16@", "10.7.0.0/16@0", "10.7.0.0/16@4095", "10.7.0.0/16@20.",
                          "10.7.0.0/16@20.0", "10.7.0.0/16@20.7.1", "10.7.0.0/16@20 ",
                          "10.7.0.0/16@-1", "10.7.0.0@20/16", "10.7.0.0/16@20@20", "@20"}) {
    EXPECT_FALSE(parse_placed_prefix(bad)) << bad;
  }
  EXPECT_FALSE(parse_prefix("10.7.0.0/16@20"));
}

TEST(GroupTable, KnowsWhichAddressesAreNamed) {
  PolicySet set = school();
  EXPECT_FALSE(GroupTable::build(set, {})->names_hosts());
  set.groups[1].prefixes.push_back(parse_prefix("10.9.9.9/32").value());
  auto table = GroupTable::build(set, {});
  EXPECT_TRUE(table->names_hosts());
  EXPECT_TRUE(table->names_host(from("10.9.9.9")));
  EXPECT_FALSE(table->names_host(from("10.9.9.8")));
  EXPECT_FALSE(table->names_host(from("2001:db8:7::9")));
  EXPECT_FALSE(table->names_host({}));
  set.modes = {
      {.word = "staff", .address = parse_prefix("2001:db8:7::9").value(), .policy = "staff"}};
  table = GroupTable::build(set, {});
  EXPECT_TRUE(table->names_host(from("2001:db8:7::9")));
  set.groups.clear();
  EXPECT_TRUE(GroupTable::build(set, {})->names_hosts());
  set.follow_addresses = false;
  EXPECT_FALSE(GroupTable::build(set, {})->names_hosts());
}

TEST(GroupTable, RefusesTwoClaimsAndUnknownPolicies) {
  PolicySet set = school();
  set.groups[2].prefixes.push_back(parse_prefix("10.0.0.0/8").value());
  auto table = GroupTable::build(set, {});
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().text().find("10.0.0.0/8"), std::string::npos);
  set = school();
  set.groups[0].policy = "none";
  EXPECT_FALSE(GroupTable::build(set, {}));
  set = school();
  set.default_policy = "none";
  EXPECT_FALSE(GroupTable::build(set, {}));
}

TEST(GroupTable, RefusesMoreGroupsThanItCanNumber) {
  PolicySet set = school();
  set.groups.assign(UINT16_MAX, Group{"many", "staff", {}, {}, {}, {}});
  EXPECT_TRUE(GroupTable::build(set, {}));
  set.groups.push_back(set.groups.front());
  EXPECT_FALSE(GroupTable::build(set, {}));
}

}  // namespace
}  // namespace sluice::policy
