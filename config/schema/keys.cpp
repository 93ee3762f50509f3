#include "config/schema/keys.h"

#include <array>

namespace sluice::schema {
namespace {

using std::string_view;

constexpr Shape kTitle{.kind = Kind::text, .noun = "a text", .minimum = 1, .maximum = 128};
constexpr Shape kPolicyName{.kind = Kind::name, .noun = "the name of a policy"};
constexpr Shape kApplianceId{.kind = Kind::name, .noun = "an id, such as gw-lab-1"};
constexpr Shape kPrefix{.kind = Kind::prefix, .noun = "an IP prefix, such as 10.7.0.0/16"};
constexpr Shape kMac{.kind = Kind::mac, .noun = "a MAC address, such as 02:00:5e:10:00:01"};
constexpr Shape kIpv4{.kind = Kind::ipv4, .noun = "an IPv4 address"};
constexpr Shape kScheduleName{.kind = Kind::name, .noun = "the name of a schedule"};
constexpr Shape kIpv6{.kind = Kind::ipv6, .noun = "an IPv6 address"};

constexpr Shape kTtl = whole_number(1, 60);
constexpr Shape kKeep = whole_number(2, 1000);
constexpr Shape kVlanId = whole_number(1, 4094);

constexpr std::array<string_view, 3> kProfiles{"school", "home", "isp"};
constexpr std::array<string_view, 2> kDnsAnswers{"nxdomain", "address"};
constexpr std::array<string_view, 3> kTlsRefusals{"reset", "alert", "drop"};
constexpr std::array<string_view, 2> kQuicRefusals{"close", "drop"};
constexpr std::array<string_view, 2> kHttpRefusals{"page", "reset"};
constexpr std::array<string_view, 2> kDoubts{"pass", "refuse"};
constexpr std::array<string_view, 2> kEchChoices{"pass", "withhold"};
constexpr std::array<string_view, 2> kBoundaries{"finish", "cut"};
constexpr std::array<string_view, 2> kUnknownTimes{"block", "pass"};
constexpr std::array<string_view, 1> kDefaults{"defaults"};
constexpr std::array<string_view, 2> kDeviceKeys{"mac", "address"};
constexpr std::array<string_view, 2> kOtherAddresses{"follow", "apart"};

constexpr Shape kProfile = one_of(kProfiles);
constexpr Shape kDnsAnswer = one_of(kDnsAnswers);
constexpr Shape kTlsRefusal = one_of(kTlsRefusals);
constexpr Shape kQuicRefusal = one_of(kQuicRefusals);
constexpr Shape kHttpRefusal = one_of(kHttpRefusals);
constexpr Shape kDoubt = one_of(kDoubts);
constexpr Shape kEchChoice = one_of(kEchChoices);
constexpr Shape kBoundary = one_of(kBoundaries);
constexpr Shape kUnknownTime = one_of(kUnknownTimes);
constexpr Shape kDeviceKey = one_of(kDeviceKeys);
constexpr Shape kOtherAddress = one_of(kOtherAddresses);
constexpr Shape kDefaultsWord{
    .kind = Kind::choice, .noun = "a list of categories in [ ]", .choices = kDefaults};

constexpr Shape kCategory{.kind = Kind::category, .noun = "a category", .choices = kDefaults};
constexpr Shape kCategories{
    .kind = Kind::list, .noun = "a list of categories", .item = &kCategory, .also = &kDefaultsWord};
constexpr Shape kPrefixes{.kind = Kind::list, .noun = "a list of IP prefixes", .item = &kPrefix};
constexpr Shape kMacs{.kind = Kind::list, .noun = "a list of MAC addresses", .item = &kMac};
constexpr Shape kPortNames{.kind = Kind::list, .noun = "a list of port names", .item = &kPortName};

constexpr std::array kQinqFields{
    Field{"outer", &kVlanId, true, "", "The service tag, as the frame carries it first."},
    Field{"inner", &kVlanId, false, "any", "The customer tag behind it."},
};
constexpr Shape kQinq{.kind = Kind::mapping,
                      .noun = "a pair of VLANs, as {outer: 100, inner: 7}",
                      .fields = kQinqFields};
constexpr Shape kVlan{
    .kind = Kind::integer, .noun = "a VLAN number", .minimum = 1, .maximum = 4094, .also = &kQinq};
constexpr Shape kVlans{.kind = Kind::list, .noun = "a list of VLANs", .item = &kVlan};

constexpr std::array kSiteFields{
    Field{"name", &kTitle, true, "", "The site's name, as people read it on block pages."},
    Field{"profile", &kProfile, false, "school",
          "What kind of site it is. `home` tells clients that their own guardian blocked a name; "
          "the others that the operator did."},
    Field{"contact", &kTitle, false, "none", "Whom a person may ask who was refused a site."},
};
constexpr Shape kSite{.kind = Kind::mapping,
                      .noun = "its keys",
                      .fields = kSiteFields,
                      .because = "people read it on block pages"};

constexpr std::array kHoursFields{
    Field{"categories", &kCategories, true, "", "Which categories."},
    Field{"only_during", &kScheduleName, false, "see `not_during`",
          "The schedule outside of which they are refused."},
    Field{"not_during", &kScheduleName, false, "see `only_during`",
          "The schedule while which they are refused. One of both is needed."},
    Field{
        "at_boundary", &kBoundary, false, "finish",
        "What becomes of connections that are open when the refusal begins: they `finish`, or are "
        "`cut` as soon as anything is sent on them."},
};
constexpr Shape kHours{.kind = Kind::mapping,
                       .noun = "categories and a schedule",
                       .fields = kHoursFields,
                       .because = "hours are hours of some categories"};
constexpr Shape kHoursList{
    .kind = Kind::list, .noun = "a list of categories with schedules", .item = &kHours};

constexpr std::array kPolicyFields{
    Field{"under", &kPolicyName, false, "none",
          "Another policy, whose refusals hold as well and cannot be lifted from here: a class's "
          "stands under its school's."},
    Field{"block", &kCategories, false, "nothing",
          "Categories that are refused. `defaults` stands for all that are blocked for minors "
          "unless somebody decides otherwise; in a list it may stand beside others."},
    Field{"watch", &kCategories, false, "nothing", "Categories that pass and are counted."},
    Field{"only", &kOnly, false, "all else passes",
          "Nothing passes but the names of these lists and categories; even those do not where "
          "`block` or `hours` refuse them."},
    Field{"hours", &kHoursList, false, "none",
          "Categories that are refused by the clock, besides those of `block`."},
    Field{
        "budgets", &kBudgetNames, false, "none",
        "Budgets of time for each device; what is used up is refused until the next day or week."},
    Field{"when_time_unknown", &kUnknownTime, false, "block",
          "What becomes of the categories of `hours` while the time is not known: `block` refuses "
          "all of them, `pass` none."},
    Field{"ech", &kEchChoice, false, "pass",
          "`withhold` takes Encrypted ClientHello configurations out of DNS answers, so that "
          "browsers name in the clear what they connect to."},
    Field{
        "safe_search", &kSafeSearch, false, "pass",
        "Search engines and video sites that have a name for it are reached under that one, which "
        "holds back what is not for minors: DNS queries are asked for it. `moderate` is for "
        "those with two levels, as YouTube."},
    Field{"encrypted_dns_ports", &kDoubt, false, "pass",
          "`refuse` refuses DNS over TLS and QUIC by its port, 853. Resolvers over HTTPS are the "
          "category `encrypted-dns`."},
    Field{"in_doubt", &kDoubt, false, "pass",
          "What becomes of a first flight that cannot be judged: malformed, longer than is looked "
          "at, or with no room left to keep it. `refuse` is the strict choice."},
};
constexpr Shape kPolicy{
    .kind = Kind::mapping, .noun = "a policy", .fields = kPolicyFields, .also = &kPolicyPreset};
// A layer of another owner: what a policy may refuse, with schedules, lists and budgets of its own.
constexpr auto kLayerFields = [] {
  std::array<Field, kPolicyFields.size()> out{};
  std::size_t count = 0;
  for (const Field& field : kPolicyFields) {
    if (field.name == "under" || field.name == "when_time_unknown") continue;
    out[count++] = field;
    if (field.name == "budgets") out[count - 1].shape = &kLayerBudgets;
  }
  out[count++] = {"schedules", &kSchedules, false, "none", "Times for its `hours`."};
  out[count] = {"curated", &kCurated, false, "none", "Lists for its `only`."};
  return out;
}();
constexpr Shape kOwner{
    .kind = Kind::text, .noun = "who owns the layer", .minimum = 1, .maximum = 100};
constexpr auto kSignedLayerFields = [] {
  std::array<Field, kLayerFields.size() + 1> out{};
  out[0] = {"owner", &kOwner, true, "", "Whose it is."};
  for (std::size_t i = 0; i < kLayerFields.size(); ++i) out[i + 1] = kLayerFields[i];
  return out;
}();
constexpr Shape kSignedLayer{.kind = Kind::mapping,
                             .noun = "a layer",
                             .fields = kSignedLayerFields,
                             .because = "people have to know whose it is"};

constexpr Shape kPolicies{.kind = Kind::named,
                          .noun = "policies, as NAME: {block: CATEGORIES}",
                          .minimum = 1,
                          .maximum = 1000,
                          .item = &kPolicy};

constexpr std::array kGroupFields{
    Field{"policy", &kPolicyName, true, "", "The policy for these devices."},
    Field{"macs", &kMacs, false, "none", "Devices by MAC address. Asked first."},
    Field{"prefixes", &kPrefixes, false, "none",
          "Devices by IP prefix, IPv4 or IPv6. The longest prefix wins. `10.7.0.0/16@20` is in "
          "VLAN 20 only, `@20.7` in VLAN 7 inside it; such a one wins before all others."},
    Field{"vlans", &kVlans, false, "none", "Devices by VLAN; asked after the prefixes."},
    Field{"ports", &kPortNames, false, "none",
          "All devices behind these inside ports; asked last."},
};
constexpr Shape kGroup{.kind = Kind::mapping,
                       .noun = "a group",
                       .fields = kGroupFields,
                       .because = "a group without a policy does nothing"};
constexpr Shape kGroups{.kind = Kind::named,
                        .noun = "groups, as NAME: {policy: POLICY, prefixes: [...]}",
                        .minimum = 0,
                        .maximum = 60000,
                        .item = &kGroup};

constexpr std::array kAnswerFields{
    Field{"dns", &kDnsAnswer, false, "nxdomain",
          "What a blocked DNS query gets: `nxdomain`, no such name; `address`, the block page's."},
    Field{"page_ipv4", &kIpv4, false, "none", "The block page's IPv4 address."},
    Field{"page_ipv6", &kIpv6, false, "none", "The block page's IPv6 address."},
    Field{"ttl_seconds", &kTtl, false, "30", "How long clients may remember the answer."},
    Field{
        "tls", &kTlsRefusal, false, "reset",
        "How a blocked TLS connection ends: `reset` both ways at once, `alert` by the fatal alert "
        "access_denied to the client and a reset to the server, `drop` by silence."},
    Field{"quic", &kQuicRefusal, false, "close",
          "How a blocked QUIC connection ends: `close` at once, `drop` by silence."},
    Field{"http", &kHttpRefusal, false, "page",
          "What a blocked HTTP request gets: `page`, one that says why; `reset`, the end of its "
          "connection."},
};
constexpr Shape kAnswer{.kind = Kind::mapping, .noun = "its keys", .fields = kAnswerFields};

constexpr std::array kRootFields{
    Field{"site", &kSite, false, "a school without a name", "Who runs this appliance."},
    Field{"ports", &kPorts, true, "", "The network ports, by names of your own."},
    Field{"pairs", &kPairs, true, "",
          "Which two ports are joined as a wire, by names of your own."},
    Field{"dataplane", &kDataplane, false, "as below", "The process that forwards packets."},
    Field{"calendar", &kCalendar, false, "as below", "Which days are of which kind."},
    Field{"schedules", &kSchedules, false, "none",
          "Times by names of your own, for `hours` of policies."},
    Field{"curated", &kCurated, false, "none",
          "Lists of names by names of your own, for `only` of policies."},
    Field{"search_engines", &kSearchEngines, false, "those that come with Sluice",
          "Search engines for `safe_search` of policies, by names of your own, besides those of "
          "`/usr/share/sluice/lists/safe-search.yaml`; one of the same name stands in its place."},
    Field{"policies", &kPolicies, true, "", "What may be reached, by names of your own."},
    Field{
        "budgets", &kBudgets, false, "none",
        "Minutes that each device may spend in categories, by names of your own, for `budgets` of "
        "policies."},
    Field{
        "devices_by", &kDeviceKey, false, "mac",
        "What a device is to budgets: its `mac` address, so that it is one over IPv4 and IPv6; or "
        "its `address`, where a router stands between, whose MAC address all frames carry."},
    Field{"modes", &kModes, false, "as below",
          "What the modes stand for that a person switches with `sluicectl mode set`. The name of "
          "any policy is a mode as well."},
    Field{"groups", &kGroups, false, "none", "Which devices get which policy."},
    Field{"other_addresses", &kOtherAddress, false, "follow",
          "A device that a group or a mode names by one of its addresses (`/32`, `/128`): `follow` "
          "takes its others, such as IPv6 privacy addresses, for that one, by what it says in ARP "
          "and Neighbor Discovery; `apart` judges each by itself."},
    Field{"layers", &kLayers, false, "none",
          "Files of other owners, each of whom may refuse more to the groups that he is given."},
    Field{"default_policy", &kPolicyName, true, "", "The policy for devices of no group."},
    Field{"block_answer", &kAnswer, false, "as below", "What a refused client gets."},
    Field{"authority", &kAuthority, false, "lists come from files only",
          "Where signed lists are pulled from."},
    Field{"subscriptions", &kSubscriptions, false, "none",
          "Lists of others that this site takes, by names of your own."},
    Field{"proxy", &kProxy, false, "none", "What all downloads go through."},
    Field{"appliance", &kApplianceId, false, "one is made at the first start",
          "The id of this appliance, by which the authority's rollouts know it."},
    Field{"state_dir", &kPath, false, "/var/lib/sluice", "Where generations are kept."},
    Field{"run_dir", &kPath, false, "/run/sluice", "Where the control sockets are."},
    Field{"keep_generations", &kKeep, false, "5", "How many generations to keep to go back to."},
};
constexpr Shape kRoot{.kind = Kind::mapping,
                      .noun = "its keys",
                      .fields = kRootFields,
                      .because = "the gateway cannot start without it"};

}  // namespace

constexpr Shape kLayerBody{.kind = Kind::mapping, .noun = "a layer", .fields = kLayerFields};
constexpr Shape kSignedLayers{.kind = Kind::named,
                              .noun = "layers, as NAME: {owner: WHO, block: CATEGORIES}",
                              .minimum = 0,
                              .maximum = 16,
                              .item = &kSignedLayer};

const Shape& root_shape() { return kRoot; }

string_view pattern(Kind kind) {
  switch (kind) {
    case Kind::name:
      return "^[A-Za-z0-9_.\\u0080-\\uffff-]{1,63}$";
    case Kind::path:
      return "^/";
    case Kind::url:
      return "^(https://[^/?#\\s]+(/[^?#\\s]*)?|file:///[^?#\\s]*)$";
    case Kind::days:
      return "^[0-9]{4}-[0-9]{2}-[0-9]{2}(/[0-9]{4}-[0-9]{2}-[0-9]{2})?$";
    case Kind::time:
      return "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";
    case Kind::source:
      return "^(https?://[^/@\\s]+(/[^\\s]*)?|file:///[^?#\\s]*)$";
    case Kind::proxy:
      return "^(http|https|socks5h)://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$";
    case Kind::mac:
      return "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$";
    case Kind::prefix:
      return "^[0-9A-Fa-f:.]+(/(0|[1-9][0-9]{0,2}))?(@[1-9][0-9]{0,3}(\\.[1-9][0-9]{0,3})?)?$";
    default:
      return {};
  }
}

}  // namespace sluice::schema
