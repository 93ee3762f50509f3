#include "control/site/subscription.h"

#include <algorithm>
#include <array>

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/compile/plain_list.h"
#include "control/compile/public_suffix.h"
#include "control/site/kept_list.h"
#include "control/tuf/digest.h"
#include "control/tuf/json.h"

namespace sluice::site {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxState = 65'536;
// The bounds that hold for the authority's lists where it has signed none.
constexpr std::uint64_t kGuardedFrom = 1000;

json to_json(const Copy& copy) {
  return {
      {"sha256", copy.sha256}, {"entries", copy.entries}, {"fetched", tuf::to_text(copy.fetched)}};
}

Copy read_copy(const json& value, const std::string& where) {
  tuf::FieldReader fields(value, where);
  Copy copy{.sha256 = fields.text("sha256"), .entries = fields.number("entries")};
  auto fetched = tuf::parse_time(fields.text("fetched"));
  copy.fetched = fetched.value_or(tuf::Time{});
  return fields.good() && tuf::is_sha256(copy.sha256) ? copy : Copy{};
}

/// Brings the list into `file`; false where the server says that it has not changed.
Result<bool> fetch(sync::Http& http, const schema::Subscription& subscription,
                   const SubscriptionState& state, const std::filesystem::path& file,
                   sync::HttpHead& head) {
  const std::uint64_t most = std::uint64_t{subscription.max_mib} << 20;
  std::string body;
  const sync::HttpSink sink = [&](const sync::HttpHead&, std::string_view bytes) {
    if (body.size() + bytes.size() > most) return false;
    body.append(bytes);
    return true;
  };
  sync::HttpRequest request{.url = subscription.url, .limit = std::chrono::seconds(600)};
  const bool same = state.url == subscription.url && state.format == subscription.format &&
                    (!state.good.sha256.empty() || !state.held.sha256.empty());
  if (same) {
    request.etag = state.etag;
    if (state.etag.empty()) request.last_modified = state.last_modified;
  }
  auto got =
      http.get(request, sink, "is longer than " + std::to_string(subscription.max_mib) + " MiB");
  if (!got) return fail(got.error());
  head = *got;
  if (head.status == 304 && same) return false;
  if (head.status != 200) {
    return fail("the server answers with status " + std::to_string(head.status), subscription.url,
                "check the address; the last good list stays");
  }
  if (auto status = files::write_atomic(file, body); !status) return fail(status.error());
  return true;
}

/// The names of a list, without those that would block strangers.
Result<std::vector<KeptName>> read_names(const std::filesystem::path& file,
                                         const schema::Subscription& subscription,
                                         SubscriptionState& state) {
  auto format = compile::parse_plain_format(subscription.format);
  if (!format) return fail(format.error());
  const std::array files{file};
  auto names = compile::read_plain_lists(files, *format);
  if (!names) return fail(names.error());
  const compile::PlainReport& report = names->report();
  state.rejected = report.rejected;
  if (report.accepted == 0 || report.accepted < report.rejected) {
    return fail("is no list: " + std::to_string(report.accepted) + " names in " +
                    std::to_string(report.lines) + " lines",
                subscription.url, "check address and format; the last good list stays");
  }
  if (report.accepted > subscription.max_entries) {
    return fail("holds " + std::to_string(report.accepted) + " names; " +
                    std::to_string(subscription.max_entries) + " are the most",
                subscription.url, "raise max_entries, or take a shorter list");
  }
  // Without Debian's list nothing is left out; it is a dependency of the package.
  const auto suffixes = compile::read_public_suffixes();
  std::vector<KeptName> out;
  state.left_out = 0;
  for (std::size_t i = 0; i < names->keys().size(); ++i) {
    const auto scope = names->scope(i, generation::Scope::tree);
    const std::string_view key = names->keys()[i];
    if (suffixes && scope != generation::Scope::exact && suffixes->covers(key)) {
      ++state.left_out;
      continue;
    }
    out.push_back({std::string(key), scope});
  }
  return out;
}

/// Why a person has to look at the list before it is taken; empty where nobody has.
std::string why_held(const std::vector<KeptName>& before, const std::vector<KeptName>& after) {
  const std::uint64_t old = before.size();
  if (old < kGuardedFrom) return {};
  const std::uint64_t now = after.size();
  if (now * 10 < old * 8 || now * 10 > old * 15) {
    return "it would go from " + std::to_string(old) + " to " + std::to_string(now) +
           " names, outside 0.8-1.5 of its size";
  }
  const std::uint64_t removed = gone(before, after);
  if (removed * 10 <= old) return {};
  return std::to_string(removed) + " of " + std::to_string(old) +
         " names would go, more than a tenth";
}

}  // namespace

std::filesystem::path state_file(const std::filesystem::path& folder, const std::string& name) {
  // A person's own word is no file name.
  return folder / ("subscription-" + tuf::sha256(name).substr(0, 16) + ".json");
}

std::filesystem::path copy_file(const std::filesystem::path& folder, const std::string& sha256) {
  return folder / (sha256 + ".names");
}

SubscriptionState load_state(const std::filesystem::path& folder, const std::string& name) {
  // What cannot be read is fetched again.
  SubscriptionState state;
  const std::filesystem::path file = state_file(folder, name);
  const auto bytes = files::read_bounded(file, kMaxState);
  if (!bytes) return state;
  const auto parsed = tuf::parse_strict(*bytes, file.string());
  if (!parsed) return state;
  tuf::FieldReader fields(*parsed, file.string());
  state.good = read_copy(fields.object("good", false), "good");
  state.held = read_copy(fields.object("held", false), "held");
  state.reason = fields.text_or("reason", "");
  state.etag = fields.text_or("etag", "");
  state.last_modified = fields.text_or("last_modified", "");
  state.format = fields.text_or("format", "");
  state.url = fields.text_or("url", "");
  state.approved = fields.text_or("approved", "");
  return fields.good() ? state : SubscriptionState{};
}

Status save_state(const std::filesystem::path& folder, const std::string& name,
                  const SubscriptionState& state) {
  json out = {
      {"reason", state.reason}, {"etag", state.etag}, {"last_modified", state.last_modified},
      {"format", state.format}, {"url", state.url},   {"approved", state.approved}};
  if (!state.good.sha256.empty()) out["good"] = to_json(state.good);
  if (!state.held.sha256.empty()) out["held"] = to_json(state.held);
  return files::write_atomic(state_file(folder, name), lenient_json_text(out, 1) + "\n", 0600);
}

Status refresh(sync::Http& http, const schema::Subscription& subscription,
               const std::filesystem::path& folder, tuf::Time now, SubscriptionState& state) {
  const std::filesystem::path raw = folder / (".fetched" + std::string(files::kTemporarySuffix));
  // A list that is damaged is no list, and its server shall send it again.
  if (!state.good.sha256.empty() && !keys_of(folder, state.good.sha256)) {
    state.good = {};
    state.etag.clear();
    state.last_modified.clear();
  }
  const auto attempt = [&]() -> Status {
    sync::HttpHead head;
    auto fresh = fetch(http, subscription, state, raw, head);
    if (!fresh) return fail(fresh.error());
    if (!*fresh) return {};
    auto names = read_names(raw, subscription, state);
    if (!names) return fail(names.error());
    const std::string text = kept_text(*names);
    Copy copy{tuf::sha256(text), names->size(), now};
    if (copy.sha256 != state.good.sha256) {
      auto status = files::write_atomic(copy_file(folder, copy.sha256), text);
      if (!status) return status;
    }
    // A last good list that is damaged is nothing to compare with.
    const auto before = state.good.sha256.empty()
                            ? Result<std::vector<KeptName>>(std::vector<KeptName>())
                            : read_kept(copy_file(folder, state.good.sha256), state.good.sha256);
    SubscriptionState next = state;
    next.reason = before ? why_held(*before, *names) : "";
    const bool waits = !next.reason.empty() && next.approved != copy.sha256;
    (waits ? next.held : next.good) = copy;
    if (!waits) {
      next.held = {};
      next.reason.clear();
    }
    next.etag = head.etag;
    next.last_modified = head.last_modified;
    next.format = subscription.format;
    next.url = subscription.url;
    state = std::move(next);
    return {};
  };
  auto status = attempt();
  std::error_code ignored;
  std::filesystem::remove(raw, ignored);
  state.asked = now;
  state.error = status ? std::nullopt : std::optional(status.error());
  return status;
}

Status take_held(SubscriptionState& state) {
  if (state.held.sha256.empty()) return fail("no list of it waits", {}, "see sluicectl site list");
  state.good = state.held;
  state.approved = state.held.sha256;
  state.held = {};
  state.reason.clear();
  return {};
}

std::string source_id(const schema::Subscription& subscription, const Copy& copy) {
  return copy.sha256 + ":" + std::to_string(subscription.category) + ":" +
         (subscription.enforce ? "enforce" : "monitor");
}

compile::LocalSource source_of(const schema::Subscription& subscription, const Copy& copy,
                               const std::filesystem::path& folder) {
  const std::string name = "subscription:" + subscription.name;
  const auto read = [=]() -> Result<compile::LocalContent> {
    auto names = read_kept(copy_file(folder, copy.sha256), copy.sha256);
    if (!names) return fail(names.error());
    const policy::Category* category = policy::find_category(subscription.category);
    compile::LocalContent content;
    content.provenance.push_back({.department = std::string(compile::kSite),
                                  .list = name,
                                  .order = category != nullptr ? std::string(category->name) : "",
                                  .listed_at = tuf::to_text(copy.fetched)});
    content.entries.reserve(names->size());
    for (KeptName& one : *names) {
      content.entries.push_back(
          {std::move(one.key),
           {0, subscription.enforce ? subscription.category : policy::kMonitored, one.scope,
            generation::Disposition::block, generation::Layer::subscription}});
    }
    return content;
  };
  return {name, source_id(subscription, copy), read};
}

std::optional<std::vector<std::string>> keys_of(const std::filesystem::path& folder,
                                                const std::string& id) {
  const std::string sha256 = id.substr(0, id.find(':'));
  if (!tuf::is_sha256(sha256)) return std::nullopt;
  auto names = read_kept(copy_file(folder, sha256), sha256);
  if (!names) return std::nullopt;
  std::vector<std::string> keys;
  keys.reserve(names->size());
  for (KeptName& one : *names) keys.push_back(std::move(one.key));
  return keys;
}

json to_json(const schema::Subscription& subscription, const SubscriptionState& state) {
  const policy::Category* category = policy::find_category(subscription.category);
  const bool has = !state.good.sha256.empty();
  json out = {{"name", subscription.name},
              {"category", category != nullptr ? category->name : ""},
              {"mode", subscription.enforce ? "enforce" : "monitor"},
              {"entries", state.good.entries},
              {"fetched", has ? json(tuf::to_text(state.good.fetched)) : json(nullptr)},
              {"asked", state.asked ? json(tuf::to_text(*state.asked)) : json(nullptr)},
              {"rejected", state.rejected},
              {"left_out", state.left_out}};
  if (!state.held.sha256.empty()) {
    out["held"] = {{"entries", state.held.entries}, {"reason", state.reason}};
  }
  if (state.error) out["error"] = state.error->text();
  return out;
}

}  // namespace sluice::site
