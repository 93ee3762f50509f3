// What differs between two generations: counts by category, and a few names of each kind.
#include <algorithm>
#include <iostream>
#include <map>

#include "config/generation/codec.h"
#include "config/generation/reader.h"
#include "config/ipc/socket.h"
#include "control/compile/what_if.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using generation::Generation;
using generation::Record;
using nlohmann::ordered_json;

struct Difference {
  std::uint64_t count = 0;
  std::vector<std::string> sample;
};

/// By category, then "added", "removed" or "changed".
using Differences = std::map<std::string, std::map<std::string, Difference>>;

struct Entry {
  std::string_view key;
  std::string_view value;
};

/// Provenance rows are numbered anew by each compilation, so that equal ones are found by content.
class Rows {
 public:
  Status read(const Generation& from, const Generation& to) {
    auto old_rows = from.provenance_rows();
    if (!old_rows) return fail(old_rows.error());
    auto rows = to.provenance_rows();
    if (!rows) return fail(rows.error());
    std::map<std::string_view, std::uint32_t> ids;
    for (std::uint32_t id = 0; id < rows->size(); ++id) ids.emplace((*rows)[id], id);
    for (const std::string& row : *old_rows) {
      const auto found = ids.find(row);
      new_id_.push_back(found == ids.end() ? UINT32_MAX : found->second);
    }
    return {};
  }
  [[nodiscard]] Record as_in_new(Record record) const {
    record.provenance =
        record.provenance < new_id_.size() ? new_id_[record.provenance] : UINT32_MAX;
    return record;
  }

 private:
  std::vector<std::uint32_t> new_id_;
};

std::vector<Record> records_of(std::string_view value) {
  std::vector<Record> records;
  const auto entry = generation::EntryView::decode(value);
  for (std::size_t i = 0; entry && i < entry->record_count(); ++i) {
    records.push_back(entry->record(i));
  }
  return records;
}

class Comparison {
 public:
  Comparison(Rows rows, std::size_t most) : rows_(std::move(rows)), most_(most) {}

  void gone(const Entry& entry) {
    for (const Record& record : records_of(entry.value)) tell(record, "removed", entry.key);
  }
  void come(const Entry& entry) {
    for (const Record& record : records_of(entry.value)) tell(record, "added", entry.key);
  }
  /// What both have alike is no difference; what is left of one category has changed.
  void both(const Entry& before, const Entry& after) {
    std::vector<Record> old = records_of(before.value);
    std::vector<Record> fresh = records_of(after.value);
    for (Record& record : old) record = rows_.as_in_new(record);
    std::erase_if(old, [&](const Record& one) {
      return take(fresh, [&](const Record& other) { return one == other; });
    });
    for (const Record& one : old) {
      const bool changed =
          take(fresh, [&](const Record& other) { return one.category == other.category; });
      tell(one, changed ? "changed" : "removed", before.key);
    }
    for (const Record& one : fresh) tell(one, "added", before.key);
  }

  [[nodiscard]] const Differences& found() const { return found_; }

 private:
  template <class Same>
  static bool take(std::vector<Record>& from, const Same& same) {
    const auto at = std::find_if(from.begin(), from.end(), same);
    if (at == from.end()) return false;
    from.erase(at);
    return true;
  }

  void tell(const Record& record, const char* kind, std::string_view key) {
    const policy::Category* category = policy::find_category(record.category);
    const std::string name =
        category != nullptr ? std::string(category->name) : std::to_string(record.category);
    Difference& difference = found_[name][kind];
    ++difference.count;
    if (difference.sample.size() < most_) {
      difference.sample.push_back(name::from_reversed_key(key));
    }
  }

  Rows rows_;
  std::size_t most_;
  Differences found_;
};

Result<std::vector<Entry>> entries_of(const Generation& generation) {
  std::vector<Entry> out;
  out.reserve(generation.header().entries);
  auto status = generation.for_each_entry([&](std::string_view key, std::string_view value) {
    out.push_back({key, value});
  });
  if (!status) return fail(status.error());
  return out;
}

Result<Differences> compare(const Generation& from, const Generation& to, std::size_t most) {
  Rows rows;
  if (auto status = rows.read(from, to); !status) return fail(status.error());
  auto before = entries_of(from);
  if (!before) return fail(before.error());
  auto after = entries_of(to);
  if (!after) return fail(after.error());
  Comparison comparison(std::move(rows), most);
  auto old = before->begin();
  auto fresh = after->begin();
  while (old != before->end() || fresh != after->end()) {
    if (fresh == after->end() || (old != before->end() && old->key < fresh->key)) {
      comparison.gone(*old++);
    } else if (old == before->end() || fresh->key < old->key) {
      comparison.come(*fresh++);
    } else {
      // Two generations of one base share the memory of what neither has changed.
      if (old->value.data() != fresh->value.data()) comparison.both(*old, *fresh);
      ++old;
      ++fresh;
    }
  }
  return comparison.found();
}

/// What the newer one would have let through of this gateway's last blocks, and would block of what
/// passed lately; nothing where the gateway cannot be asked.
std::optional<compile::WhatIf> ask_what_if(const Context& context, const Generation& to) {
  const auto config = load_config(context);
  if (!config) return std::nullopt;
  const auto reply = ipc::call(config->dataplane_socket(), {{"command", "events"}}, kPatience);
  if (!reply) return std::nullopt;
  auto found = compile::what_if(compile::past_blocks(*reply), to);
  const auto path = std::filesystem::absolute(to.path());
  const auto tried =
      ipc::call(config->dataplane_socket(), {{"command", "trial"}, {"path", path.string()}},
                std::chrono::seconds(60));
  // Of what runs itself there is nothing to tell.
  if (tried && tried->contains("running") && (*tried)["running"] != to.header().generation) {
    found.passed = compile::passed_names(*tried);
  }
  return found;
}

ordered_json json_of(const Generation& from, const Generation& to, const Differences& found) {
  ordered_json categories = ordered_json::array();
  for (const auto& [category, kinds] : found) {
    for (const auto& [kind, difference] : kinds) {
      categories.push_back({{"category", category},
                            {"kind", kind},
                            {"count", difference.count},
                            {"sample", difference.sample}});
    }
  }
  return {{"ok", true},
          {"from", from.header().generation},
          {"to", to.header().generation},
          {"differences", std::move(categories)}};
}

void print(const Generation& from, const Generation& to, const Differences& found) {
  std::cout << "from generation " << from.header().generation << " of " << from.header().created
            << ", " << from.header().records << " records\n  to generation "
            << to.header().generation << " of " << to.header().created << ", "
            << to.header().records << " records\n";
  if (found.empty()) std::cout << "they list the same\n";
  for (const auto& [category, kinds] : found) {
    for (const auto& [kind, difference] : kinds) {
      std::cout << "\n" << category << ": " << difference.count << " " << kind << "\n";
      for (const std::string& name : difference.sample) std::cout << "  " << name << "\n";
      if (difference.count > difference.sample.size()) {
        std::cout << "  … and " << difference.count - difference.sample.size() << " more\n";
      }
    }
  }
}

}  // namespace

int diff_lists(const Context& context, const ListDiffOptions& options) {
  const auto from_file = kept_generation_file(context, options.from);
  if (!from_file) return report(context, from_file.error());
  const auto to_file = kept_generation_file(context, options.to);
  if (!to_file) return report(context, to_file.error());
  const auto from = Generation::open(*from_file);
  if (!from) return report(context, from.error());
  const auto to = Generation::open(*to_file, *from);
  if (!to) return report(context, to.error());
  const auto found = compare(**from, **to, options.sample);
  if (!found) return report(context, found.error());
  const auto lifted = ask_what_if(context, **to);
  if (context.json) {
    ordered_json document = json_of(**from, **to, *found);
    if (lifted) document["what_if"] = compile::to_json(*lifted);
    print_json(document);
  } else {
    print(**from, **to, *found);
    if (lifted) {
      std::cout << "\nof the last " << lifted->all.blocks << " blocks by the authority's lists, "
                << lifted->all.lifted << " would pass\n";
      if (lifted->passed) {
        std::cout << "of the last " << lifted->passed->names
                  << " names that were kept of those that passed, " << lifted->passed->blocked
                  << " would be blocked\n";
      }
    }
  }
  return kYes;
}

}  // namespace sluice::ctl
