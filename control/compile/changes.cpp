#include "control/compile/changes.h"

#include <algorithm>
#include <fstream>

#include "control/tuf/time.h"

namespace sluice::compile {
namespace {

constexpr const char* kNothingWritten = "nothing was written; check that the base is the right one";

struct NameChange {
  std::string key;
  std::string place;  // "file:line"
  bool adds = false;
};

std::string_view without_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t from = text.find_first_not_of(kSpace);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(kSpace) - from + 1);
}

/// By key; those of one key stay in the order of the file.
Result<std::vector<NameChange>> read_changes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) {
    return fail("cannot be read", path.string(), "give the path of a list of changes");
  }
  std::vector<NameChange> changes;
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    const std::string_view text = without_space(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    const std::string place = path.string() + ":" + std::to_string(number);
    if (text.front() != '+' && text.front() != '-') {
      return fail("a change is '+name' or '-name'", place, kNothingWritten);
    }
    name::LookupName name;
    if (auto status = read_plain_name(without_space(text.substr(1)), name); !status) {
      return fail(status.error().what + ": " + status.error().where, place, kNothingWritten);
    }
    changes.push_back({std::string(name.view()), place, text.front() == '+'});
  }
  if (in.bad()) return fail("reading stopped half-way", path.string(), "check the disk");
  std::stable_sort(changes.begin(), changes.end(),
                   [](const NameChange& a, const NameChange& b) { return a.key < b.key; });
  return changes;
}

/// Applies one change to the records of its key. `record` is what the list has for a name.
Status apply(const NameChange& change, const generation::Record& record,
             std::vector<generation::Record>& records) {
  const auto of_list =
      std::find_if(records.begin(), records.end(), [&record](const generation::Record& one) {
        return one.layer == record.layer && one.category == record.category &&
               one.provenance == record.provenance;
      });
  if (change.adds == (of_list != records.end())) {
    return fail("'" + name::from_reversed_key(change.key) +
                    (change.adds ? "' is listed already" : "' is not listed"),
                change.place, kNothingWritten);
  }
  if (change.adds) {
    records.push_back(record);
  } else {
    records.erase(of_list);
  }
  return {};
}

}  // namespace

Result<ChangesCompiled> compile_changes(std::shared_ptr<const generation::Generation> base,
                                        const std::filesystem::path& changes,
                                        std::string_view category,
                                        const std::filesystem::path& output,
                                        const PlainOptions& options, bool whole) {
  const auto known = find_category(category);
  if (!known) return fail(known.error());
  auto read = read_changes(changes);
  if (!read) return fail(read.error());
  auto writer = generation::DeltaWriter::create(std::move(base));
  if (!writer) return fail(writer.error());
  auto provenance = writer->add_provenance(options.provenance);
  if (!provenance) return fail(provenance.error());
  const generation::Record record = plain_record(**known, *provenance, options);

  ChangesCompiled compiled;
  for (auto at = read->begin(); at != read->end();) {
    const std::string& key = at->key;
    std::vector<generation::Record> records = writer->records(key);
    for (; at != read->end() && at->key == key; ++at) {
      if (auto status = apply(*at, record, records); !status) return fail(status.error());
      ++(at->adds ? compiled.added : compiled.removed);
    }
    if (auto status = writer->change(key, records); !status) return fail(status.error());
  }
  if (!options.policy_json.empty()) writer->set_policy(options.policy_json);
  const std::string created =
      options.created.empty() ? tuf::to_text(tuf::system_clock_now()) : options.created;
  auto summary =
      writer->finish(output, options.generation, created,
                     whole ? std::nullopt : std::optional(generation::kMaxOverlayEntries));
  if (!summary) return fail(summary.error());
  compiled.summary = std::move(*summary);
  return compiled;
}

}  // namespace sluice::compile
