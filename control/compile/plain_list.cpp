#include "control/compile/plain_list.h"

#include "control/tuf/time.h"

namespace sluice::compile {
namespace {

constexpr std::size_t kKeysAhead = 16;  // keys that are fetched before they are read

}  // namespace

Result<const policy::Category*> find_category(std::string_view name) {
  if (const policy::Category* known = policy::find_category(name)) return known;
  const policy::Category* near = policy::nearest_category(name);
  return fail("not a category of the taxonomy", std::string(name),
              near != nullptr ? "did you mean '" + std::string(near->name) + "'?" : "");
}

generation::Record plain_record(const policy::Category& category, std::uint32_t provenance,
                                const PlainOptions& options) {
  return {.provenance = provenance,
          .category = category.id,
          .scope = options.scope,
          .disposition = category.name == "protected" ? generation::Disposition::protect
                                                      : generation::Disposition::block,
          .layer = options.layer};
}

Result<PlainCompiled> compile_plain_lists(std::span<const std::filesystem::path> files,
                                          std::string_view category,
                                          const std::filesystem::path& output,
                                          const PlainOptions& options) {
  const auto known = find_category(category);
  if (!known) return fail(known.error());
  auto names = read_plain_lists(files, options.format);
  if (!names) return fail(names.error());
  if (names->keys().empty()) {
    return fail("not one name was accepted; an empty list is never written", files[0].string(),
                "check --format, and that the file holds one name a line");
  }
  auto writer = generation::Writer::create(output);
  if (!writer) return fail(writer.error());
  auto provenance = writer->add_provenance(options.provenance);
  if (!provenance) return fail(provenance.error());
  generation::Record record = plain_record(**known, *provenance, options);
  const std::span<const std::string_view> keys = names->keys();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    // They lie in the order of the files, which is no order here.
    if (i + kKeysAhead < keys.size()) __builtin_prefetch(keys[i + kKeysAhead].data());
    record.scope = names->scope(i, options.scope);
    if (auto status = writer->append(keys[i], std::span(&record, 1)); !status) {
      return fail(status.error());
    }
  }
  if (!options.policy_json.empty()) {
    if (auto status = writer->set_policy(options.policy_json); !status) return fail(status.error());
  }
  const std::string created =
      options.created.empty() ? tuf::to_text(tuf::system_clock_now()) : options.created;
  auto summary = writer->finish(options.generation, created);
  if (!summary) return fail(summary.error());
  return PlainCompiled{names->report(), std::move(*summary)};
}

}  // namespace sluice::compile
