// Shows what a generation file lists.
#include <iostream>
#include <map>

#include "config/base/json.h"
#include "config/generation/reader.h"
#include "config/policy/policy.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using generation::Generation;
using generation::Record;
using nlohmann::ordered_json;

/// Provenances by id, each read once.
class Provenances {
 public:
  explicit Provenances(const Generation& generation) : generation_(generation) {}

  const generation::Provenance& get(std::uint32_t id) {
    const auto [at, fresh] = known_.try_emplace(id);
    if (fresh) {
      if (auto found = generation_.provenance(id)) at->second = std::move(*found);
    }
    return at->second;
  }

 private:
  const Generation& generation_;
  std::map<std::uint32_t, generation::Provenance> known_;
};

struct Row {
  std::string name, scope, disposition, category, layer, department, list, order, expires;
};

Row row_of(std::string_view key, const Record& record, Provenances& provenances) {
  const generation::Provenance& from = provenances.get(record.provenance);
  const policy::Category* category = policy::find_category(record.category);
  return {name::from_reversed_key(key),
          std::string(text(record.scope)),
          std::string(text(record.disposition)),
          category != nullptr ? std::string(category->name) : std::to_string(record.category),
          std::string(text(record.layer)),
          from.department,
          from.list,
          from.order,
          from.expires};
}

ordered_json json_of(const Row& row) {
  return {{"name", row.name},         {"scope", row.scope}, {"disposition", row.disposition},
          {"category", row.category}, {"layer", row.layer}, {"department", row.department},
          {"list", row.list},         {"order", row.order}, {"expires", row.expires}};
}

template <class Each>
void each_row(const Generation& generation, const std::string& under, Each&& each) {
  Provenances provenances(generation);
  generation.visit([&](std::string_view key, const std::vector<Record>& records) {
    // Keys ascend, so that those under a name are one range.
    if (!under.empty() && !key.starts_with(under)) return key < under;
    for (const Record& record : records) each(row_of(key, record, provenances));
    return true;
  });
}

void print_rows_json(const Generation& generation, const std::string& under) {
  const generation::Header& header = generation.header();
  // Written as it is read: a list may have millions of entries.
  std::cout << R"({"generation":)" << header.generation << R"(,"created":)"
            << nlohmann::json(header.created) << R"(,"digest":)"
            << nlohmann::json(header.content_digest) << ",\"entries\":[";
  const char* separator = "\n";
  each_row(generation, under, [&](const Row& row) {
    std::cout << separator << json_text(json_of(row));
    separator = ",\n";
  });
  std::cout << "\n]}\n";
}

void print_rows(const Generation& generation, const std::string& under) {
  constexpr std::size_t kBatch = 1000;  // columns are aligned within a batch
  const std::vector<std::string> heading = {"NAME",     "SCOPE", "DISPOSITION",
                                            "CATEGORY", "LAYER", "DEPARTMENT",
                                            "LIST",     "ORDER", "EXPIRES"};
  std::uint64_t count = 0;
  std::vector<std::vector<std::string>> rows{heading};
  each_row(generation, under, [&](const Row& row) {
    ++count;
    const auto shown = [](const std::string& text) { return text.empty() ? "-" : text; };
    rows.push_back({row.name, row.scope, row.disposition, row.category, row.layer,
                    shown(row.department), shown(row.list), shown(row.order), shown(row.expires)});
    if (rows.size() > kBatch) {
      std::cout << table(rows);
      rows.clear();
    }
  });
  std::cout << table(rows);
  const generation::Header& header = generation.header();
  std::cout << "\n"
            << count << " shown of " << header.records << " records in generation "
            << header.generation << " of " << header.created << " (" << generation.path().string()
            << ")\n";
}

}  // namespace

int show_list(const Context& context, const ListShowOptions& options) {
  const auto file = generation_file(context, options.generation);
  if (!file) return report(context, file.error());
  const auto generation = Generation::open(*file);
  if (!generation) return report(context, generation.error());
  std::string under;
  if (!options.under.empty()) {
    const auto name = name::canonical(options.under);
    if (!name) return report(context, name.error());
    under = name::reversed_key(*name);
  }
  if (context.json) {
    print_rows_json(**generation, under);
  } else {
    print_rows(**generation, under);
  }
  return kYes;
}

}  // namespace sluice::ctl
