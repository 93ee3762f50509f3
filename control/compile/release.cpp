#include "control/compile/release.h"

#include <algorithm>

#include "control/tuf/digest.h"

namespace sluice::compile {
namespace {

/// "0.25" or 2: a ratio in millionths. Text, because canonical JSON knows no fractions.
Result<std::uint64_t> read_ratio(const tuf::Json& value, const std::string& where) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() <= kMillion) {
    return value.get<std::uint64_t>() * kMillion;
  }
  const std::string text = value.is_string() ? value.get<std::string>() : std::string();
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::string whole = text.substr(0, dot);
  std::string part = dot < text.size() ? text.substr(dot + 1) : "0";
  const auto digits = [](const std::string& t, std::size_t most) {
    return !t.empty() && t.size() <= most && t.find_first_not_of("0123456789") == t.npos;
  };
  if (!digits(whole, 6) || !digits(part, 6)) {
    return fail("a ratio is text such as \"0.25\"", where);
  }
  part.resize(6, '0');
  return std::stoull(whole) * kMillion + std::stoull(part);
}

std::string ratio_text(std::uint64_t ratio) {
  std::string part = std::to_string(ratio % kMillion);
  part.insert(0, 6 - part.size(), '0');
  return std::to_string(ratio / kMillion) + "." + part;
}

tuf::Json to_json(const BulkChange& bulk) {
  tuf::Json json = {{"kind", "bulk-change"},
                    {"min_ratio", ratio_text(bulk.min_ratio)},
                    {"order", bulk.order},
                    {"reason", bulk.reason}};
  if (bulk.max_ratio) json["max_ratio"] = ratio_text(*bulk.max_ratio);
  return json;
}

Result<BulkChange> read_bulk_change(const tuf::Json& json, const std::string& where) {
  tuf::FieldReader fields(json, where);
  BulkChange bulk;
  if (fields.text("kind") != "bulk-change") fields.fault("knows only the kind 'bulk-change'");
  bulk.order = fields.text("order");
  bulk.reason = fields.text("reason");
  if (!fields.good()) return fields.failure();
  if (json.contains("min_ratio")) {
    auto ratio = read_ratio(json["min_ratio"], where + ": min_ratio");
    if (!ratio) return fail(ratio.error());
    bulk.min_ratio = *ratio;
  }
  if (json.contains("max_ratio")) {
    auto ratio = read_ratio(json["max_ratio"], where + ": max_ratio");
    if (!ratio) return fail(ratio.error());
    bulk.max_ratio = *ratio;
  }
  return bulk;
}

tuf::Json to_json(const ListFile& file) {
  return {{"path", file.path},
          {"length", file.length},
          {"sha256", file.sha256},
          {"content_sha256", file.content_sha256}};
}

ListFile read_file(const tuf::Json& json, const std::string& where, tuf::FieldReader& outer) {
  tuf::FieldReader fields(json, where);
  ListFile file{fields.text("path"), fields.number("length"), fields.text("sha256"),
                fields.text("content_sha256")};
  if (!fields.good()) outer.fault(where + " is not whole");
  // The digest becomes part of a path.
  if (fields.good() && !tuf::is_sha256(file.sha256)) outer.fault(where + ": bad sha256");
  return file;
}

}  // namespace

std::string ListFile::stored_name() const {
  return sha256 + "." + path.substr(path.rfind('/') + 1);
}

std::string ListFile::remote_path() const {
  const std::size_t base = path.rfind('/') + 1;
  return "targets/" + path.substr(0, base) + sha256 + "." + path.substr(base);
}

const ReleaseList* Release::find(std::string_view department) const {
  const auto found = std::find_if(lists.begin(), lists.end(), [&](const ReleaseList& list) {
    return list.department == department;
  });
  return found == lists.end() ? nullptr : &*found;
}

Status read_custom(const tuf::Json& custom, const std::string& where, ReleaseList& into) {
  tuf::FieldReader outer(custom, where + ": custom");
  const tuf::Json& cpl = outer.object("cpl");
  if (!outer.good()) return outer.failure();
  tuf::FieldReader fields(cpl, where + ": custom.cpl");
  into.seq = fields.number("seq");
  into.entries = fields.number("entries");
  into.full.content_sha256 = fields.text("content_sha256");
  into.orders.content_sha256 = fields.text("orders_sha256");
  if (fields.good() && into.entries > kMaxEntries) fields.fault("has over 50 million entries");
  const tuf::Json& bulk = fields.object("override", false);
  if (!fields.good()) return fields.failure();
  if (bulk.empty()) return {};
  auto change = read_bulk_change(bulk, where + ": custom.cpl.override");
  if (!change) return fail(change.error());
  into.bulk_change = *change;
  return {};
}

Result<DeltaFile> read_delta_custom(const tuf::Json& custom, const std::string& where) {
  tuf::FieldReader outer(custom, where + ": custom");
  const tuf::Json& cpl = outer.object("cpl");
  if (!outer.good()) return outer.failure();
  tuf::FieldReader fields(cpl, where + ": custom.cpl");
  DeltaFile delta;
  delta.from = fields.number("from");
  delta.to = fields.number("to");
  delta.from_sha256 = fields.text("from_content_sha256");
  delta.to_sha256 = fields.text("to_content_sha256");
  delta.added = fields.number("added");
  delta.removed = fields.number("removed");
  if (fields.good() && delta.from >= delta.to) fields.fault("leads to no later list");
  if (fields.good() && (delta.added > kMaxEntries || delta.removed > kMaxEntries)) {
    fields.fault("has over 50 million changes");
  }
  if (!fields.good()) return fields.failure();
  return delta;
}

tuf::Json to_json(const Release& release) {
  tuf::Json lists = tuf::Json::array();
  for (const ReleaseList& list : release.lists) {
    tuf::Json json = {{"department", list.department},
                      {"role_version", list.role_version},
                      {"role_expires", tuf::to_text(list.role_expires)},
                      {"seq", list.seq},
                      {"entries", list.entries},
                      {"full", to_json(list.full)},
                      {"orders", to_json(list.orders)}};
    if (list.bulk_change) json["override"] = to_json(*list.bulk_change);
    if (!list.made_file.empty()) json["made_file"] = list.made_file;
    lists.push_back(std::move(json));
  }
  tuf::Json policy = tuf::Json::array();
  for (const ListFile& file : release.policy) policy.push_back(to_json(file));
  return {{"root", release.root_version},
          {"timestamp", release.timestamp_version},
          {"snapshot", release.snapshot_version},
          {"snapshot_sha256", release.snapshot_sha256},
          {"targets", release.targets_version},
          {"may_have_emergencies", release.may_have_emergencies},
          {"expires", tuf::to_text(release.expires)},
          {"lists", std::move(lists)},
          {"policy", std::move(policy)}};
}

Result<Release> release_from_json(std::string_view bytes, const std::string& where) {
  auto json = tuf::parse_strict(bytes, where);
  if (!json) return fail(json.error());
  tuf::FieldReader fields(*json, where);
  Release release;
  release.root_version = fields.number("root");
  release.timestamp_version = fields.number("timestamp");
  release.snapshot_version = fields.number("snapshot");
  release.snapshot_sha256 = fields.text("snapshot_sha256");
  release.targets_version = fields.number("targets");
  // An older version told nothing of it.
  const auto may = json->find("may_have_emergencies");
  release.may_have_emergencies = may != json->end() && may->is_boolean() && may->get<bool>();
  release.expires = tuf::parse_time(fields.text("expires")).value_or(tuf::Time{});
  for (const tuf::Json& item : fields.array("lists")) {
    tuf::FieldReader one(item, where + ": lists");
    ReleaseList list;
    list.department = one.text("department");
    list.role_version = one.number("role_version");
    list.role_expires = tuf::parse_time(one.text("role_expires")).value_or(tuf::Time{});
    list.seq = one.number("seq");
    list.entries = one.number("entries");
    list.full = read_file(one.object("full"), where + ": full", one);
    list.orders = read_file(one.object("orders"), where + ": orders", one);
    list.made_file = one.text_or("made_file", "");
    // It becomes part of a path.
    if (list.made_file.find('/') != std::string::npos) one.fault("made_file: is no file's name");
    if (!one.good()) return one.failure();
    release.lists.push_back(std::move(list));
  }
  // A release that an older version kept has none.
  if (json->contains("policy")) {
    for (const tuf::Json& item : fields.array("policy")) {
      release.policy.push_back(read_file(item, where + ": policy", fields));
    }
  }
  if (!fields.good()) return fields.failure();
  return release;
}

}  // namespace sluice::compile
