#include "config/generation/delta_writer.h"

#include <map>

#include "config/base/json.h"
#include "config/generation/codec.h"
#include "config/generation/flatten.h"
#include "config/generation/table_file.h"
#include "config/name/name.h"

namespace sluice::generation {
namespace {

constexpr std::uint64_t kMapBytes = std::uint64_t{16} << 30;

void read_records(std::string_view value, std::vector<Record>& records) {
  records.clear();
  const auto entry = EntryView::decode(value);
  for (std::size_t i = 0; entry && i < entry->record_count(); ++i) {
    records.push_back(entry->record(i));
  }
}

/// Absolute, without links.
std::filesystem::path resolved(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
}

}  // namespace

struct DeltaWriter::State {
  /// The records of one key from now on.
  struct Change {
    std::string key;
    std::vector<Record> records;
  };
  /// An entry of the new overlay; an empty value: the base's is no more.
  struct Changed {
    std::string key;
    std::string value;
  };

  class Collector;

  std::shared_ptr<const Generation> from;
  Cursor of_from;
  Cursor of_base;
  std::vector<std::string> provenance;  // all rows by id, the new ones at the end
  std::map<std::string, std::uint32_t, std::less<>> provenance_ids;
  std::vector<Change> changes;
  std::function<bool(const Record&)> left_out;
  std::string policy;
  std::string sources;
  std::uint64_t entries;
  std::uint64_t records;

  using EntryVisitor = std::function<bool(std::string_view key, std::span<const Record> records)>;
  Status walk_new(std::string_view first, std::size_t change, const EntryVisitor& visitor) const;
  template <class File>
  Status put_documents(File& file) const {
    if (!policy.empty()) {
      if (auto status = file.set_policy(policy); !status) return status;
    }
    return sources.empty() ? Status{} : file.set_sources(sources);
  }
  [[nodiscard]] bool differs(std::string_view key, std::string_view value) const;
  Result<DeltaSummary> write_overlay(const std::filesystem::path& path, std::uint64_t generation,
                                     std::string_view created,
                                     const std::vector<Changed>& changed) const;
  Result<DeltaSummary> write_whole(const std::filesystem::path& path, std::uint64_t generation,
                                   std::string_view created) const;
};

DeltaWriter::DeltaWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
DeltaWriter::DeltaWriter(DeltaWriter&&) noexcept = default;
DeltaWriter& DeltaWriter::operator=(DeltaWriter&&) noexcept = default;
DeltaWriter::~DeltaWriter() = default;

Result<DeltaWriter> DeltaWriter::create(std::shared_ptr<const Generation> from) {
  auto of_from = from->cursor();
  if (!of_from) return fail(of_from.error());
  auto of_base = from->base()->cursor();
  if (!of_base) return fail(of_base.error());
  auto rows = from->provenance_rows();
  if (!rows) return fail(rows.error());
  std::unique_ptr<State> state(new State{.from = from,
                                         .of_from = std::move(*of_from),
                                         .of_base = std::move(*of_base),
                                         .provenance = std::move(*rows),
                                         .policy = std::string(from->policy_json()),
                                         .sources = std::string(from->sources_json()),
                                         .entries = from->header().entries,
                                         .records = from->header().records});
  for (std::uint32_t id = 0; id < state->provenance.size(); ++id) {
    state->provenance_ids.emplace(state->provenance[id], id);
  }
  return DeltaWriter(std::move(state));
}

Result<std::uint32_t> DeltaWriter::add_provenance(const Provenance& provenance) {
  State& state = *state_;
  const std::string row = provenance_json(provenance);
  const auto next = static_cast<std::uint32_t>(state.provenance.size());
  const auto [at, fresh] = state.provenance_ids.emplace(row, next);
  if (fresh) state.provenance.push_back(row);
  return at->second;
}

std::vector<Record> DeltaWriter::records(std::string_view reversed_key) const {
  std::vector<Record> records;
  if (const auto value = state_->of_from.value(reversed_key)) read_records(*value, records);
  return records;
}

Status DeltaWriter::change(std::string_view reversed_key, std::span<const Record> records) {
  State& state = *state_;
  if (!records.empty()) {
    if (auto status = check_record_count(reversed_key, records.size()); !status) return status;
  }
  if (!state.changes.empty() && reversed_key <= state.changes.back().key) {
    return fail("changes are not in ascending order of reversed labels, or one is there twice",
                name::from_reversed_key(reversed_key), "sort them");
  }
  const std::size_t before = this->records(reversed_key).size();
  state.entries += (records.empty() ? 0 : 1);
  state.entries -= (before == 0 ? 0 : 1);
  state.records += records.size();
  state.records -= before;
  state.changes.push_back({std::string(reversed_key), {records.begin(), records.end()}});
  return {};
}

void DeltaWriter::leave_out(std::function<bool(const Record&)> which) {
  state_->left_out = std::move(which);
}

void DeltaWriter::set_policy(std::string_view json) { state_->policy = json; }
void DeltaWriter::set_sources(std::string_view json) { state_->sources = json; }

// Every key of the old generation and of the changes, with the records that it has in the new one,
// none where it is no more. From `first` and that change on.
Status DeltaWriter::State::walk_new(std::string_view first, std::size_t change,
                                    const EntryVisitor& visitor) const {
  bool enough = false;
  const auto tell_change = [&] {
    const Change& one = changes[change++];
    enough = !visitor(one.key, one.records);
  };
  std::vector<Record> unchanged;
  auto status = of_from.walk(first, [&](std::string_view key, std::string_view value) {
    while (!enough && change < changes.size() && changes[change].key < key) tell_change();
    if (enough) return false;
    if (change < changes.size() && changes[change].key == key) {
      tell_change();
    } else {
      read_records(value, unchanged);
      if (left_out) std::erase_if(unchanged, left_out);
      enough = !visitor(key, unchanged);
    }
    return !enough;
  });
  if (!status) return status;
  while (!enough && change < changes.size()) tell_change();
  return {};
}

bool DeltaWriter::State::differs(std::string_view key, std::string_view value) const {
  const auto before = of_base.value(key);
  return value.empty() ? before.has_value() : before != value;
}

/// The entries of the new overlay, as they are found in key order.
class DeltaWriter::State::Collector {
 public:
  Collector(const State& state, std::uint64_t most)
      : state_(state), older_(state.from->overlay()), most_(most) {}

  Status collect();
  [[nodiscard]] bool fits() const { return out_.size() <= most_; }
  [[nodiscard]] const std::vector<Changed>& changed() const { return out_; }

 private:
  Status flatten_below();
  void add(std::string_view key, std::string_view value) {
    out_.push_back({std::string(key), std::string(value)});
  }
  [[nodiscard]] bool older_is_before(std::string_view key) const {
    return older_ != nullptr && at_ < older_->size() && (*older_)[at_].key < key;
  }
  [[nodiscard]] bool older_is_below(std::string_view top) const {
    return older_ != nullptr && at_ < older_->size() && (*older_)[at_].key.starts_with(top);
  }
  /// Passes an entry of the older overlay. One that lists nothing is in no walk, but holds on.
  void pass_older(bool keep) {
    const auto [key, value] = (*older_)[at_++];
    if (keep || value.empty()) add(key, value);
  }

  const State& state_;
  const Overlay* older_;
  std::uint64_t most_;
  std::size_t change_ = 0;
  std::size_t at_ = 0;  // in the older overlay
  std::vector<Changed> out_;
};

// What a change means for its own key and those below it, up to the next change that is not below.
Status DeltaWriter::State::Collector::flatten_below() {
  const std::string& top = state_.changes[change_].key;
  Flattener flattener;
  std::vector<Record> above;
  for (std::size_t end = top.find('.'); end + 1 < top.size(); end = top.find('.', end + 1)) {
    const std::string_view key(top.data(), end + 1);
    const auto value = state_.of_from.value(key);
    if (!value) continue;
    read_records(*value, above);
    (void)flattener.next(key, above);
  }
  auto status =
      state_.walk_new(top, change_, [&](std::string_view key, std::span<const Record> there) {
        if (!key.starts_with(top)) return false;
        while (older_is_before(key)) pass_older(false);
        if (older_is_below(key) && (*older_)[at_].key == key) ++at_;
        const std::string_view value = there.empty() ? "" : flattener.next(key, there);
        if (state_.differs(key, value)) add(key, value);
        return fits();
      });
  while (older_is_below(top)) pass_older(false);
  while (change_ < state_.changes.size() && state_.changes[change_].key.starts_with(top)) ++change_;
  return status;
}

Status DeltaWriter::State::Collector::collect() {
  while (change_ < state_.changes.size() && fits()) {
    while (older_is_before(state_.changes[change_].key)) pass_older(true);
    if (auto status = flatten_below(); !status) return status;
  }
  while (older_ != nullptr && at_ < older_->size() && fits()) pass_older(true);
  return {};
}

Result<DeltaSummary> DeltaWriter::State::write_overlay(const std::filesystem::path& path,
                                                       std::uint64_t generation,
                                                       std::string_view created,
                                                       const std::vector<Changed>& changed) const {
  auto file = TableFile::create(path, kMapBytes);
  if (!file) return fail(file.error());
  for (const Changed& one : changed) {
    if (auto status = file->append_entry(one.key, one.value); !status) return fail(status.error());
  }
  const Generation& base = *from->base();
  auto rows = base.provenance_rows();
  if (!rows) return fail(rows.error());
  for (std::size_t id = rows->size(); id < provenance.size(); ++id) {
    auto status = file->append_provenance(static_cast<std::uint32_t>(id), provenance[id]);
    if (!status) return fail(status.error());
  }
  if (auto status = put_documents(*file); !status) return fail(status.error());

  const std::string& base_digest = base.header().content_digest;
  DeltaSummary summary{{.path = path,
                        .generation = generation,
                        .entries = entries,
                        .records = records,
                        .content_digest = file->content_digest(base_digest)},
                       true,
                       changed.size()};
  const nlohmann::json header = {{"format", kOverlayFormatVersion},
                                 {"generation", generation},
                                 {"entries", entries},
                                 {"records", records},
                                 {"created", created},
                                 {"content_sha256", summary.content_digest},
                                 {"changed", changed.size()},
                                 {"base",
                                  {{"generation", base.header().generation},
                                   {"content_sha256", base_digest},
                                   {"file", resolved(base.path()).filename().string()}}}};
  auto octets = file->finish(json_text(header), kOverlayFormatVersion);
  if (!octets) return fail(octets.error());
  summary.bytes = *octets;
  return summary;
}

Result<DeltaSummary> DeltaWriter::State::write_whole(const std::filesystem::path& path,
                                                     std::uint64_t generation,
                                                     std::string_view created) const {
  auto writer = Writer::create(path);
  if (!writer) return fail(writer.error());
  // In the same order, so that records keep their ids.
  for (const std::string& row : provenance) {
    if (auto id = writer->add_provenance_row(row); !id) return fail(id.error());
  }
  Status appended;
  auto walked = walk_new({}, 0, [&](std::string_view key, std::span<const Record> of_key) {
    if (!of_key.empty()) appended = writer->append(key, of_key);
    return appended.has_value();
  });
  for (const Status& status : {walked, appended}) {
    if (!status) return fail(status.error());
  }
  if (auto status = put_documents(*writer); !status) return fail(status.error());
  auto summary = writer->finish(generation, created);
  if (!summary) return fail(summary.error());
  return DeltaSummary{std::move(*summary), false, 0};
}

Result<DeltaSummary> DeltaWriter::finish(const std::filesystem::path& path,
                                         std::uint64_t generation, std::string_view created,
                                         std::optional<std::uint64_t> max_changed) {
  const std::filesystem::path base = resolved(state_->from->base()->path());
  if (resolved(path) == base) {
    return fail("would replace the generation that it changes", path.string(),
                "write to another file");
  }
  if (max_changed && !state_->left_out && resolved(path).parent_path() == base.parent_path()) {
    State::Collector collector(*state_, *max_changed);
    if (auto status = collector.collect(); !status) return fail(status.error());
    if (collector.fits()) {
      return state_->write_overlay(path, generation, created, collector.changed());
    }
  }
  return state_->write_whole(path, generation, created);
}

}  // namespace sluice::generation
