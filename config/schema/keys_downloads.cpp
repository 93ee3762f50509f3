// The keys of what an appliance fetches: the authority's lists, subscriptions, a proxy.
#include <array>

#include "config/schema/keys.h"

namespace sluice::schema {
namespace {

using std::string_view;

constexpr Shape kUrl{.kind = Kind::url, .noun = "an https:// address"};
constexpr Shape kSource{.kind = Kind::source, .noun = "the address of a list"};
constexpr Shape kProxyUrl{.kind = Kind::proxy, .noun = "a proxy, such as http://HOST:3128"};
constexpr Shape kPoll = whole_number(1, 86400);
constexpr Shape kHours = whole_number(1, 720);
constexpr Shape kEntries = whole_number(1, 1000000);
constexpr Shape kMib = whole_number(1, 256);
constexpr std::array<string_view, 2> kModes{"monitor", "enforce"};
constexpr std::array<string_view, 7> kFormats{"auto",    "domains", "hosts", "ut1",
                                              "adblock", "dnsmasq", "rpz"};
constexpr Shape kMode = one_of(kModes);
constexpr Shape kFormat = one_of(kFormats);
constexpr Shape kOneCategory{.kind = Kind::category, .noun = "a category"};
constexpr Shape kUrls{.kind = Kind::list, .noun = "a list of addresses", .item = &kUrl};

constexpr std::array kAuthorityFields{
    Field{"url", &kUrl, false, "lists come as bundles",
          "Where the repository is. `file:///` reads one that was carried here on a disk."},
    Field{"mirrors", &kUrls, false, "none",
          "Where the same repository is besides. They are asked in random order, `url` among them; "
          "none of them is trusted."},
    Field{"root", &kPath, true, "",
          "The authority's root.json, brought here by a way you trust. Every signature is checked "
          "against it."},
    Field{"ca_file", &kPath, false, "the system's",
          "The certificate authorities that the repository's server is checked against."},
    Field{"poll_seconds", &kPoll, false, "45",
          "How often to ask for a newer list. Where the authority has a role for emergencies, 45 at "
          "most."},
};
}  // namespace

const Shape kAuthority{.kind = Kind::mapping,
                       .noun = "its keys",
                       .fields = kAuthorityFields,
                       .because = "lists are checked with a root"};

namespace {

constexpr std::array kSubscriptionFields{
    Field{"url", &kSource, true, "", "Where the list is: `https://`, `http://` or `file:///`."},
    Field{"category", &kOneCategory, true, "",
          "The category of all its names: `social`, `ads`, `tracking`, `encrypted-dns` or `proxy`. "
          "The others are the authority's to fill."},
    Field{
        "mode", &kMode, false, "monitor",
        "`monitor` counts its names as watched and never blocks them; `enforce` blocks them where "
        "a policy blocks the category. Nobody has signed the list."},
    Field{"format", &kFormat, false, "auto", "How the list is written; docs/LISTS.md tells them."},
    Field{"refresh_hours", &kHours, false, "24", "How often to ask for a newer one."},
    Field{"max_entries", &kEntries, false, "200000",
          "A list of more names is refused. All subscriptions hold a million together at most."},
    Field{"max_mib", &kMib, false, "32", "A longer download is broken off, in MiB."},
    Field{"ca_file", &kPath, false, "the system's",
          "The certificate authorities that its server is checked against."},
};
constexpr Shape kSubscription{.kind = Kind::mapping,
                              .noun = "its keys",
                              .fields = kSubscriptionFields,
                              .because = "a list is at an address, and its names in a category"};
}  // namespace

const Shape kSubscriptions{.kind = Kind::named,
                           .noun = "subscriptions, as NAME: {url: ADDRESS, category: CATEGORY}",
                           .minimum = 0,
                           .maximum = 16,
                           .item = &kSubscription};

namespace {

constexpr std::array kProxyFields{
    Field{"url", &kProxyUrl, true, "",
          "`http://`, `https://` or `socks5h://`. No proxy is taken from the environment."},
    Field{"login_file", &kPath, false, "none is asked for",
          "A file with one line, USER:PASSWORD. It is read for each download and told nobody."},
};
}  // namespace

const Shape kProxy{.kind = Kind::mapping,
                   .noun = "its keys",
                   .fields = kProxyFields,
                   .because = "a proxy is at an address"};

}  // namespace sluice::schema
