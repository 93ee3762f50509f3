#include "control/compile/compile.h"

#include <algorithm>

#include "config/base/json.h"
#include "config/policy/taxonomy.h"
#include "control/compile/cpl.h"
#include "control/compile/emergency.h"
#include "control/compile/orders.h"
#include "control/compile/rollout.h"
#include "control/compile/rules.h"
#include "control/tuf/digest.h"

namespace sluice::compile {
namespace {

constexpr std::uint32_t kNoProvenance = UINT32_MAX;

/// One list while it is merged: its reader, one entry ahead.
struct Stream {
  std::string department;
  std::vector<Order> orders;
  std::vector<std::uint32_t> provenance;  // by order
  CplReader reader;
  CplEntry entry;
  bool done = false;
  ListCount count;
  const Rules* rules = nullptr;
  std::vector<std::string>* told = nullptr;

  [[nodiscard]] std::string_view key() const { return entry.name.view(); }

  /// To the next entry that applies now.
  Status advance(tuf::Time now) {
    for (;;) {
      auto more = reader.next(entry);
      if (!more) return fail(more.error());
      done = !*more;
      if (done) break;
      const Order& order = orders[entry.order];
      if (order.applies(now)) {
        const std::string_view reason = rules->drops(entry, order);
        if (!reason.empty()) {
          drop(reason);
          continue;
        }
        ++count.entries;
        return {};
      }
      ++counted_as(count, order, now);
    }
    count.urls = reader.skipped_urls();
    return {};
  }

  void drop(std::string_view reason) {
    ++count.dropped[std::string(reason)];
    if (told->size() < kMaxDroppedTold) {
      told->push_back(dropped_text(key(), reason, department));
    }
  }

  Result<generation::Record> record(generation::Writer& writer) {
    std::uint32_t& row = provenance[entry.order];
    const Order& order = orders[entry.order];
    if (row == kNoProvenance) {
      auto added = writer.add_provenance(order.provenance(department));
      if (!added) return fail(added.error());
      row = *added;
    }
    return record_of(order, entry.scope, department, row);
  }
};

Result<Stream> open_stream(const ReleaseList& list, const std::filesystem::path& folder) {
  if (auto status = check_emergency_length(list); !status) return fail(status.error());
  auto orders = read_orders(list, folder);
  if (!orders) return fail(orders.error());
  auto reader = CplReader::open(list, folder, orders->size());
  if (!reader) return fail(reader.error());
  std::vector<std::uint32_t> rows(orders->size(), kNoProvenance);
  return Stream{list.department,
                std::move(*orders),
                std::move(rows),
                std::move(*reader),
                {},
                false,
                {.department = list.department},
                nullptr,
                nullptr};
}

generation::Record protect_record(const NameSet::Entry& entry, std::uint32_t provenance) {
  return {provenance, policy::find_category("protected")->id, entry.scope,
          generation::Disposition::protect, generation::Layer::authority};
}

Status merge(std::vector<Stream>& streams, const NameSet& protects, LocalStream& local,
             generation::Writer& writer, tuf::Time now) {
  for (Stream& stream : streams) {
    if (auto status = stream.advance(now); !status) return status;
  }
  auto protect = protects.entries().begin();
  std::string key;
  std::vector<generation::Record> records;
  for (;;) {
    const Stream* least = nullptr;
    for (const Stream& stream : streams) {
      if (!stream.done && (least == nullptr || stream.key() < least->key())) least = &stream;
    }
    const bool more = protect != protects.entries().end();
    const std::string* const of_site = local.key();
    if (least == nullptr && !more && of_site == nullptr) return {};
    key.assign(least != nullptr ? least->key()
               : more           ? std::string_view(protect->key)
                                : std::string_view(*of_site));
    if (more && protect->key < key) key = protect->key;
    if (of_site != nullptr && *of_site < key) key = *of_site;
    records.clear();
    for (Stream& stream : streams) {
      if (stream.done || stream.key() != key) continue;
      auto record = stream.record(writer);
      if (!record) return fail(record.error());
      records.push_back(*record);
      if (auto status = stream.advance(now); !status) return status;
    }
    if (more && protect->key == key) {
      auto row = writer.add_provenance(protected_provenance());
      if (!row) return fail(row.error());
      records.push_back(protect_record(*protect++, *row));
    }
    if (of_site != nullptr && *of_site == key) {
      if (auto status = local.take(writer, records); !status) return status;
    }
    if (auto status = writer.append(key, records); !status) return status;
  }
}

Stretch stretch_of(const std::vector<Stream>& streams, tuf::Time now) {
  Stretch out;
  for (const Stream& stream : streams) {
    for (const Order& order : stream.orders) out.consider(order, now);
  }
  return out;
}

std::string sources_json(const CompileInput& input, const Compiled& compiled,
                         const Emergency& emergency) {
  tuf::Json json = {{"lists", tuf::Json::array()}};
  put_stretch(json, compiled.orders);
  if (input.local != nullptr) put_local(json, *input.local);
  if (input.release == nullptr) return json_text(json);
  json["release"] = release_id(*input.release);
  json["snapshot"] = input.release->snapshot_version;
  json["targets"] = input.release->targets_version;
  for (const ListCount& count : compiled.lists) {
    json["lists"].push_back(to_json(count, *input.release->find(count.department)));
  }
  put_emergency(json, emergency);
  if (!compiled.dropped.empty()) json["dropped"] = compiled.dropped;
  return json_text(json);
}

}  // namespace

Result<Compiled> compile(const CompileInput& input) {
  std::vector<Stream> streams;
  if (input.release != nullptr) {
    for (const ReleaseList& list : input.release->lists) {
      auto stream = open_stream(list, input.lists_dir);
      if (!stream) return fail(stream.error());
      streams.push_back(std::move(*stream));
    }
  }
  auto rules = input.release == nullptr ? Result<Rules>(Rules())
                                        : read_rules(input.release->policy, input.lists_dir);
  if (!rules) return fail(rules.error());
  Compiled compiled;
  for (Stream& stream : streams) {
    auto status = check_categories(*rules, stream.orders, "lists/" + stream.department);
    if (!status) return fail(status.error());
    stream.rules = &*rules;
    stream.told = &compiled.dropped;
  }
  auto local = LocalStream::open(input.local != nullptr ? *input.local : LocalLayers{});
  if (!local) return fail(local.error());
  auto writer = generation::Writer::create(input.output);
  if (!writer) return fail(writer.error());
  auto status = merge(streams, rules->protected_names, *local, *writer, input.now);
  if (!status) return fail(status.error());
  for (const Stream& stream : streams) compiled.lists.push_back(stream.count);
  compiled.orders = stretch_of(streams, input.now);
  auto emergency = input.release == nullptr
                       ? Result<Emergency>(Emergency())
                       : read_emergency(*input.release, input.lists_dir, *rules, input.now);
  if (!emergency) return fail(emergency.error());
  status = writer->set_policy(input.policy_json);
  if (status) status = writer->set_sources(sources_json(input, compiled, *emergency));
  if (!status) return fail(status.error());
  auto summary = writer->finish(input.generation, tuf::to_text(input.now));
  if (!summary) return fail(summary.error());
  compiled.summary = std::move(*summary);
  return compiled;
}

generation::Record record_of(const Order& order, generation::Scope scope,
                             const std::string& department, std::uint32_t provenance) {
  // `learning` is a category like any other: it marks a name, and what the mark permits is the
  // policy's affair. Only `protected` changes what every policy may do.
  const auto disposition = order.category->name == "protected" ? generation::Disposition::protect
                                                               : generation::Disposition::block;
  const auto layer =
      department == kEmergency ? generation::Layer::emergency : generation::Layer::authority;
  return {provenance, order.category->id, scope, disposition, layer};
}

std::uint64_t& counted_as(ListCount& count, const Order& order, tuf::Time now) {
  return !order.active ? count.inactive : order.expires <= now ? count.expired : count.pending;
}

tuf::Json to_json(const ListCount& count, const ReleaseList& list) {
  tuf::Json out = {{"department", count.department},
                   {"role_version", list.role_version},
                   {"seq", list.seq},
                   {"entries", count.entries},
                   {"expired", count.expired},
                   {"pending", count.pending},
                   {"inactive", count.inactive},
                   {"urls", count.urls}};
  if (!count.dropped.empty()) out["dropped"] = count.dropped;
  return out;
}

Status check_emergency_length(const ReleaseList& list) {
  if (list.department != kEmergency || list.entries <= kMaxEmergencyEntries) return {};
  return fail("the emergency list holds " + std::to_string(list.entries) + " entries; " +
                  std::to_string(kMaxEmergencyEntries) + " are the most",
              list.full.path, "the release is refused; tell the authority");
}

std::string release_id(const Release& release) {
  // All that compile() depends on, and nothing else: the timestamp and the expiry of roles change
  // hourly without a word of the lists changing.
  tuf::Json files = tuf::Json::array();
  for (const ReleaseList& list : release.lists) {
    files.push_back({list.department, list.seq, list.entries, list.full.sha256,
                     list.full.content_sha256, list.orders.sha256, list.orders.content_sha256});
  }
  for (const ListFile& file : release.policy) {
    if (file.path != kRolloutFile) files.push_back({file.path, file.sha256});
  }
  return tuf::sha256(tuf::canonical(files));
}

std::string dropped_text(std::string_view reversed_key, std::string_view reason,
                         const std::string& department) {
  return name::from_reversed_key(reversed_key) + " (" + std::string(reason) + ", " + department +
         ")";
}

generation::Provenance protected_provenance() {
  return {.department = "policy", .list = "protected"};
}

}  // namespace sluice::compile
