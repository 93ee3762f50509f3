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
