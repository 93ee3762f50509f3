// Layers of other owners than the site: files that its configuration names, and what the authority
// has signed.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

#include "config/schema/bind.h"
#include "config/schema/check.h"
#include "config/schema/keys.h"

namespace sluice::schema {
namespace {

/// Where the words of a layer are looked for.
struct Scope {
  std::string name;
  std::string path;  // of the layer in its document, with a dot behind it; empty: it is all of it
  const TextNode* site = nullptr;  // null: nothing of the site's can be named
  /// Of his own, so that no owner takes the room of another one.
  std::size_t most_lists = 0;
  std::size_t most_budgets = 0;
  std::size_t most_names = 0;
};

/// Each owner's part of the room that the site leaves.
std::size_t part_of(std::size_t room, std::size_t used, std::size_t owners) {
  return used >= room ? 0 : (room - used) / std::max<std::size_t>(owners, 1);
}

/// A fault where there are more of one kind than there is room for.
void check_room(const TextNode& own, std::size_t count, std::size_t most, const std::string& path,
                const std::string& what, Faults& faults) {
  if (count <= most) return;
  faults.add(own.place, path,
             "makes " + std::to_string(count) + " " + what + ", and there is room for " +
                 std::to_string(most) + " of each owner",
             "unite some of them");
}

std::size_t names_on(const policy::CuratedList& list) {
  return list.names.size() + list.needs.size() + list.except.size();
}

/// The words by which a layer names what there is: the site's, and none of another layer. `own`:
/// what it defines itself, which the site must not have as well; `what`: "schedule".
template <class Defined>
std::vector<std::string> words_of(const std::vector<Defined>& defined, const TextNode* own,
                                  const Scope& scope, const std::string& key,
                                  const std::string& what, Faults& faults) {
  std::vector<std::string> words;
  for (const Defined& one : defined) {
    const bool sites = scope.site != nullptr && one.name.find('/') == std::string::npos;
    words.push_back(sites ? one.name : std::string());
  }
  for (const Member* member : entries(own)) {
    const auto found = std::find(words.begin(), words.end(), member->key.text);
    if (found == words.end()) continue;
    found->clear();  // where the site has it since, he goes on meaning his own
    faults.add(member->key.place, scope.path + key + "." + member->key.text,
               "the site has a " + what + " of this name", "give it another name");
  }
  return words;
}

/// The layer's schedules behind all others, under names that no configuration can give. Returns the
/// words for config.policy.schedules, in their order.
std::vector<std::string> bind_own_schedules(const TextNode& body, const Scope& scope,
                                            Config& config, Faults& faults) {
  const TextNode* const own = find(body, "schedules");
  auto words = words_of(config.policy.schedules, own, scope, "schedules", "schedule", faults);
  std::vector<std::string_view> dates;
  if (scope.site != nullptr) {
    for (const auto& [name, days] : config.times.calendar.dates) dates.push_back(name);
  }
  for (calendar::Schedule& one : bind_schedules(own, scope.path + "schedules", dates, faults)) {
    words.push_back(one.name);
    one.name = scope.name + "/" + one.name;
    config.policy.schedules.push_back({.name = one.name});
    config.times.schedules.push_back(std::move(one));
  }
  return words;
}

/// The same of curated lists.
std::vector<std::string> bind_own_lists(const TextNode& body, const Scope& scope, Config& config,
                                        Faults& faults) {
  const TextNode* const own = find(body, "curated");
  auto& lists = config.policy.curated;
  auto words = words_of(lists, own, scope, "curated", "curated list", faults);
  auto bound = bind_curated_lists(own, scope.path + "curated", scope.most_names, faults);
  if (own != nullptr) {
    check_room(*own, bound.size(), scope.most_lists, scope.path + "curated", "curated lists",
               faults);
  }
  const std::size_t before = lists.size();
  for (policy::CuratedList& one : bound) {
    // What finds no room lets nothing through, and its name means nothing.
    if (lists.size() - before >= scope.most_lists) continue;
    words.push_back(one.name);
    one.name = scope.name + "/" + one.name;
    lists.push_back(std::move(one));
  }
  return words;
}

/// Budgets of the layer's own, all of which hold for whom it is for.
void bind_own_budgets(const TextNode& body, const Scope& scope, Config& config,
                      policy::Policy& policy, Faults& faults) {
  const TextNode* const own = find(body, "budgets");
  if (own == nullptr || own->form != Form::mapping) return;
  auto& budgets = config.policy.budgets;
  (void)words_of(budgets, own, scope, "budgets", "budget", faults);
  auto bound = bind_budget_definitions(own, scope.path + "budgets", faults);
  check_room(*own, bound.size(), scope.most_budgets, scope.path + "budgets", "budgets", faults);
  const std::size_t before = budgets.size();
  for (policy::Budget& one : bound) {
    if (budgets.size() - before >= scope.most_budgets) {
      policy.blocked |= one.categories;  // with no room to count minutes there are none
      continue;
    }
    one.name = scope.name + "/" + one.name;
    policy.budgets |= std::uint32_t{1} << budgets.size();
    budgets.push_back(std::move(one));
  }
}

void add_layer(const TextNode& body, const Scope& scope, policy::Layer layer, Config& config,
               Faults& faults) {
  const std::vector<std::string> schedules = bind_own_schedules(body, scope, config, faults);
  const std::vector<std::string> lists = bind_own_lists(body, scope, config, faults);
  policy::Policy policy{.name = scope.name};
  std::string path = scope.path;
  if (!path.empty()) path.pop_back();
  bind_policy(body, path, scope.site != nullptr ? *scope.site : body,
              {{schedules.begin(), schedules.end()}, {lists.begin(), lists.end()}}, policy, faults);
  bind_own_budgets(body, scope, config, policy, faults);
  if (policy.safe_search != policy::SafeSearch::off) config.policy.engines = config.engines;
  layer.policy = policy.name;
  config.policy.policies.push_back(std::move(policy));
  config.policy.layers.push_back(std::move(layer));
}

constexpr std::size_t kMaxLayerOctets = std::size_t{1} << 20;

/// Of a file that somebody else may write, and may have put anything in the place of.
std::optional<std::string> read_layer(const std::filesystem::path& path, Faults& faults) {
  const auto refuse = [&](std::string what, std::string advice) {
    faults.add({}, "", std::move(what), std::move(advice));
    return std::nullopt;
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO would wait
  if (file < 0) {
    return refuse(std::string("cannot be read: ") + std::strerror(errno),
                  "check the path and its permissions");
  }
  std::string text(kMaxLayerOctets + 1, '\0');
  std::size_t octets = 0;
  struct stat facts {};
  const bool regular = ::fstat(file, &facts) == 0 && S_ISREG(facts.st_mode);
  ssize_t last = regular ? 1 : 0;
  while (last > 0 && octets < text.size()) {
    last = ::read(file, text.data() + octets, text.size() - octets);
    if (last > 0) octets += static_cast<std::size_t>(last);
  }
  ::close(file);
  if (!regular) return refuse("is no regular file", "let its owner write one");
  if (last < 0) return refuse("cannot be read", "check the disk");
  if (octets > kMaxLayerOctets) return refuse("is larger than 1 MiB", "a layer is far smaller");
  text.resize(octets);
  return text;
}

/// One file's text, into `config` where it has no fault; `kept`: it had none once, and since the
/// site may lift nothing of it, all of it that still means something.
std::vector<Fault> take_layer(const std::string& text, const Layer& layer, const TextNode& root,
                              Config& config, Faults& faults, bool kept = false) {
  auto body = parse_document(text, faults);
  if (!body) return faults.take();
  check(*body, kLayerBody, "", faults);
  Config with = config;
  const std::size_t owners = entries(find(root, "layers")).size();
  const std::size_t sites_lists = names(find(root, "curated")).size();
  const std::size_t sites_budgets = names(find(root, "budgets")).size();
  std::size_t sites_names = 0;
  for (const policy::CuratedList& one : config.policy.curated) {
    if (one.name.find('/') == std::string::npos) sites_names += names_on(one);
  }
  add_layer(*body,
            {.name = "layer/" + layer.name,
             .path = {},
             .site = &root,
             .most_lists = part_of(kMostOwnLists, sites_lists, owners),
             .most_budgets = part_of(kMostOwnBudgets, sites_budgets, owners),
             .most_names = part_of(kMaxCuratedNames, sites_names, owners)},
            {.policy = {},
             .owner = layer.owner,
             .everybody = layer.groups.empty(),
             .groups = layer.groups},
            with, faults);
  std::vector<Fault> found = faults.take();
  for (Fault& fault : found) {
    if (fault.path.starts_with('.')) fault.path.erase(0, 1);
  }
  if (!found.empty() && !kept) return found;
  config = std::move(with);
  config.layers.push_back(layer);
  config.layers.back().text = text;
  return found;
}

Layer layer_of(const Member& member, const TextNode& root, Faults& faults) {
  Layer layer{.name = member.key.text, .owner = {}, .file = {}, .groups = {}, .text = {}};
  take(member.value, "owner", layer.owner);
  take(member.value, "file", layer.file);
  const TextNode* groups = find(member.value, "groups");
  if (groups == nullptr || groups->form == Form::scalar) return layer;
  const std::string path = "layers." + layer.name + ".groups";
  if (groups->items.empty()) {
    faults.add(groups->place, path, "names no group", "name some, or write all");
  }
  auto known = names(find(root, "groups"));
  known.push_back(policy::kDefaultGroup);
  for (std::size_t i = 0; i < groups->items.size(); ++i) {
    const TextNode& item = groups->items[i];
    if (!item.good) continue;
    const std::string at = path + "[" + std::to_string(i) + "]";
    if (check_reference(item, "group", known, at, faults)) {
      layer.groups.push_back(item.text);
    }
  }
  return layer;
}

}  // namespace

std::filesystem::path kept_layer(const Config& config, std::string_view layer) {
  return config.state_dir / "layers" / (std::string(layer) + ".yaml");
}

std::string layer_stamps(const std::vector<std::filesystem::path>& files) {
  std::string out;
  for (const std::filesystem::path& file : files) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0) facts = {};
    out += std::to_string(facts.st_ino) + "." + std::to_string(facts.st_size) + "." +
           std::to_string(facts.st_mtim.tv_sec) + "." + std::to_string(facts.st_mtim.tv_nsec) + " ";
  }
  return out;
}

std::vector<Fault> bind_layers(const TextNode& root, Config& config, Faults& faults) {
  std::vector<Fault> out;
  for (const Member* member : entries(find(root, "layers"))) {
    const Layer layer = layer_of(*member, root, faults);
    if (layer.file.empty()) continue;
    config.layer_files.push_back(layer.file);
    config.layer_names.push_back(layer.name);
    config.layer_stamps += layer_stamps({layer.file});
    Faults own(layer.file.string());
    const auto text = read_layer(layer.file, own);
    std::vector<Fault> found = text ? take_layer(*text, layer, root, config, own) : own.take();
    if (found.empty()) continue;
    // Who spoils his file does not lift what it said.
    Faults of_the_kept(kept_layer(config, layer.name).string());
    const auto kept = read_layer(kept_layer(config, layer.name), of_the_kept);
    const std::size_t before = config.layers.size();
    const bool whole = kept && take_layer(*kept, layer, root, config, of_the_kept, true).empty();
    const bool any = config.layers.size() > before;
    for (Fault& fault : found) {
      fault.advice += whole ? "; what the file said before counts"
                      : any ? "; of what the file said before, what can be kept of it counts"
                            : "; the layer is not in force";
    }
    std::move(found.begin(), found.end(), std::back_inserter(out));
  }
  return out;
}

namespace {

/// With the room that the authority's other layers leave of its part.
Scope signed_scope(const std::string& layer, const Config& config) {
  const std::string prefix = "signed/";  // no name of a file's layer begins so
  Scope scope{.name = prefix + layer,
              .path = layer + ".",
              .most_lists = kListsOfTheAuthority,
              .most_budgets = kBudgetsOfTheAuthority,
              .most_names = kNamesOfTheAuthority};
  for (const policy::CuratedList& one : config.policy.curated) {
    if (!one.name.starts_with(prefix)) continue;
    --scope.most_lists;
    scope.most_names -= std::min(scope.most_names, names_on(one));
  }
  for (const policy::Budget& one : config.policy.budgets) {
    if (one.name.starts_with(prefix)) --scope.most_budgets;
  }
  return scope;
}

}  // namespace

std::vector<Fault> add_signed_layers(std::string_view text, const std::string& where,
                                     Config& config) {
  Faults faults(where);
  auto root = parse_document(text, faults);
  if (root) {
    check(*root, kSignedLayers, "", faults);
    for (const Member* member : entries(&*root)) {
      std::string owner;
      take(member->value, "owner", owner);
      add_layer(member->value, signed_scope(member->key.text, config),
                {.policy = {}, .owner = std::move(owner), .everybody = true, .groups = {}}, config,
                faults);
    }
  }
  return faults.take();
}

}  // namespace sluice::schema
