#include "control/service/site_commands.h"

#include <algorithm>
#include <unistd.h>

#include "config/base/json.h"
#include "config/calendar/calendar.h"
#include "config/ipc/socket.h"
#include "config/name/name.h"
#include "control/compile/plain_list.h"

namespace sluice::service {
namespace {

using nlohmann::json;
using policy::CategoryMask;

/// What the running generation says of a name, the site's own entries left aside.
struct Said {
  CategoryMask categories = 0;
  bool emergency = false;
  bool is_protected = false;
};

Said said_of(const Running& running, const std::string& name) {
  Said said;
  const auto current = running.current();
  name::LookupName lookup;
  if (!current || name::from_text(name, lookup) != name::Defect::none) return said;
  for (const generation::Covering& one : current->covering(lookup)) {
    const generation::Record& record = one.record;
    if (record.disposition == generation::Disposition::protect) said.is_protected = true;
    const bool counts = record.disposition == generation::Disposition::block &&
                        record.layer != generation::Layer::site &&
                        record.category != policy::kMonitored;
    if (!counts) continue;
    said.categories |= policy::bit(record.category);
    said.emergency = said.emergency || record.layer == generation::Layer::emergency;
  }
  return said;
}

Result<CategoryMask> read_categories(const json& request) {
  CategoryMask mask = 0;
  const auto found = request.find("categories");
  if (found == request.end() || !found->is_array()) return mask;
  for (const json& one : *found) {
    const std::string word = one.is_string() ? one.get<std::string>() : "";
    auto category = compile::find_category(word);
    if (!category) return fail(category.error());
    if ((*category)->override_by == policy::Override::not_applicable) {
      return fail("nothing is blocked by this category", word, "name another one");
    }
    mask |= policy::bit((*category)->id);
  }
  return mask;
}

/// A day's first moment by the calendar's clock, or any moment.
Result<tuf::Time> read_until(const std::string& text, const std::string& time_zone) {
  constexpr std::size_t kDay = 10;  // 2027-01-31
  const auto moment =
      calendar::parse_moment(text.size() == kDay ? text + "T00:00" : text, time_zone);
  if (moment) return tuf::Time(std::chrono::seconds(*moment));
  return fail("is no day", text, "write it as 2027-01-31, or a moment of it as 2027-01-31T13:00");
}

Result<site::Entry> read_entry(const json& request, const Decision& decision, bool allow,
                               const std::string& time_zone) {
  site::Entry entry{.allow = allow,
                    .who = decision.who,
                    .uid = decision.uid,
                    .reason = decision.reason,
                    .at = decision.at};
  name::LookupName name;
  const std::string given = text_at(request, "name");
  if (auto status = compile::read_plain_name(given, name); !status) {
    return fail(status.error().what, given, "give one domain name, such as example.com");
  }
  entry.name = name::from_reversed_key(name.view());
  const std::string scope = text_at(request, "scope");
  if (scope == "exact") entry.scope = generation::Scope::exact;
  if (scope == "subs") entry.scope = generation::Scope::subs;
  if (const std::string until = text_at(request, "until"); !until.empty()) {
    auto time = read_until(until, time_zone);
    if (!time) return fail(time.error());
    entry.until = *time;
  }
  auto categories = read_categories(request);
  if (!categories) return fail(categories.error());
  entry.categories = *categories;
  return entry;
}

/// An allow without categories is for those that the name is listed in.
Status complete_allow(site::Entry& entry, const Said& said) {
  if (said.emergency) {
    return fail("is listed by an emergency order, which nobody can lift", entry.name,
                "if that is wrong, tell the authority");
  }
  if (entry.categories == 0) entry.categories = said.categories;
  if (entry.categories != 0) return {};
  return fail("is not listed, so that there is nothing to allow", entry.name,
              "give --category to allow it in advance");
}

Status complete_block(const site::Entry& entry, const Said& said) {
  if (said.is_protected) {
    return fail("is a protected name, which nobody can block", entry.name,
                "if that is wrong, tell the authority");
  }
  if (entry.categories != 0 && (entry.categories & (entry.categories - 1)) == 0) return {};
  return fail("a block is in one category", entry.name,
              "give --category; policies block names by it");
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string moment_text(tuf::Time moment, const std::string& time_zone) {
  return calendar::moment_text(moment.time_since_epoch().count(), time_zone);
}

std::string entry_text(const site::Entry& entry, const std::string& time_zone) {
  std::string out = entry.name;
  if (entry.scope == generation::Scope::tree) out += " and all below it";
  if (entry.scope == generation::Scope::subs) out = "all below " + out;
  out += entry.allow ? " allowed although in " : " blocked as ";
  out += joined(site::names_of(entry.categories));
  if (entry.until) out += " until " + moment_text(*entry.until, time_zone);
  return out;
}

Result<std::string> list_name(site::Site& site, const Running& running, const json& request,
                              const Decision& decision, bool allow, const std::string& time_zone) {
  auto entry = read_entry(request, decision, allow, time_zone);
  if (!entry) return fail(entry.error());
  const Said said = said_of(running, entry->name);
  auto status = allow ? complete_allow(*entry, said) : complete_block(*entry, said);
  if (!status) return fail(status.error());
  const bool is_admin = decision.uid == 0 || decision.uid == static_cast<std::int64_t>(::geteuid());
  status = site::check_entry(*entry, said.categories, is_admin, decision.at);
  if (!status) return fail(status.error());
  if (status = site.add(*entry); !status) return fail(status.error());
  return entry_text(*entry, time_zone);
}

Result<std::string> carry_out_site(site::Site& site, const Running& running, const json& request,
                                   const Decision& decision, const std::string& time_zone) {
  const std::string command = text_at(request, "command");
  if (command == "site-allow") return list_name(site, running, request, decision, true, time_zone);
  if (command == "site-block") return list_name(site, running, request, decision, false, time_zone);
  if (command == "site-approve") {
    const std::string name = text_at(request, "name");
    if (auto status = site.approve(name); !status) return fail(status.error());
    return "the list of subscription " + name + " is taken";
  }
  name::LookupName name;
  const std::string given = text_at(request, "name");
  if (auto status = compile::read_plain_name(given, name); !status) {
    return fail(status.error().what, given, "give one domain name, such as example.com");
  }
  auto removed = site.remove(name::from_reversed_key(name.view()));
  if (!removed) return fail(removed.error());
  return "no longer " + entry_text(*removed, time_zone);
}

}  // namespace

bool changes_site(std::string_view command) {
  return command == "site-allow" || command == "site-block" || command == "site-remove" ||
         command == "site-approve";
}

bool is_site_command(std::string_view command) {
  return changes_site(command) || command == "site-list";
}

/// With the ends by the calendar's clock, as they were given.
json lists_of(const site::Site& site, const std::string& time_zone) {
  json lists = site.to_json();
  for (json& entry : lists["entries"]) {
    const auto until = tuf::parse_time(text_at(entry, "until"));
    if (until) entry["until"] = moment_text(*until, time_zone);
  }
  return lists;
}

json answer_site(site::Site& site, const Running& running, const json& request,
                 const std::string& time_zone, tuf::Time now) {
  if (text_at(request, "command") == "site-list") return ipc::ok(lists_of(site, time_zone));
  auto decision = read_decision(request, now);
  if (!decision) return ipc::error(decision.error());
  auto done = carry_out_site(site, running, request, *decision, time_zone);
  if (!done) return ipc::error(done.error());
  audit("site: " + *done, *decision);
  return ipc::ok({{"done", *done}});
}

}  // namespace sluice::service
