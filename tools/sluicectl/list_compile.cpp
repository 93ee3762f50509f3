// Compiles plain lists, or changes to one, into a generation file.
#include <ctime>
#include <iostream>

#include "config/policy/policy.h"
#include "control/compile/changes.h"
#include "control/compile/plain_list.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;

Result<compile::PlainOptions> plain_options(const Context& context,
                                            const ListCompileOptions& options) {
  compile::PlainOptions plain;
  auto format = compile::parse_plain_format(options.format);
  if (!format) return fail(format.error());
  plain.format = *format;
  if (options.scope == "exact") plain.scope = generation::Scope::exact;
  if (options.scope == "subs") plain.scope = generation::Scope::subs;
  plain.generation = options.generation;
  if (context.config_given) {
    auto config = load_config(context);
    if (!config) return fail(config.error());
    const auto policy = schema::policy_at(*config, std::time(nullptr));
    if (!policy) return fail(policy.error());
    plain.policy_json = policy::to_json(*policy);
  }
  return plain;
}

void print_compiled(const compile::PlainCompiled& compiled, const std::string& category) {
  const compile::PlainReport& report = compiled.report;
  std::cout << compiled.summary.path.string() << ": generation " << compiled.summary.generation
            << ", " << compiled.summary.entries << " names, category " << category << ", "
            << compiled.summary.bytes << " octets\n"
            << report.lines << " lines read: " << report.accepted << " names, " << report.duplicates
            << " given twice, " << report.rejected << " rejected\n";
  for (const compile::Rejected& rejected : report.rejections) {
    std::cout << "  " << rejected.count << " × " << rejected.detail;
    const char* separator = ", at ";
    for (const std::string& place : rejected.first) {
      std::cout << separator << place;
      separator = ", ";
    }
    std::cout << (rejected.count > rejected.first.size() ? ", …\n" : "\n");
  }
}

ordered_json json_of(const compile::PlainCompiled& compiled) {
  const compile::PlainReport& report = compiled.report;
  ordered_json rejections = ordered_json::array();
  for (const compile::Rejected& rejected : report.rejections) {
    rejections.push_back({{"reason", rejected.reason},
                          {"detail", rejected.detail},
                          {"count", rejected.count},
                          {"first", rejected.first}});
  }
  return {{"ok", true},
          {"file", compiled.summary.path.string()},
          {"generation", compiled.summary.generation},
          {"entries", compiled.summary.entries},
          {"records", compiled.summary.records},
          {"bytes", compiled.summary.bytes},
          {"digest", compiled.summary.content_digest},
          {"lines", report.lines},
          {"accepted", report.accepted},
          {"duplicates", report.duplicates},
          {"rejected", report.rejected},
          {"rejections", std::move(rejections)}};
}

void print_changed(const compile::ChangesCompiled& compiled) {
  const generation::DeltaSummary& summary = compiled.summary;
  std::cout << summary.path.string() << ": generation " << summary.generation << ", "
            << summary.entries << " names, " << compiled.added << " added, " << compiled.removed
            << " removed, " << summary.bytes << " octets";
  if (summary.is_overlay) {
    std::cout << "; an overlay of " << summary.changed << " entries, to be kept beside its base\n";
  } else {
    std::cout << "; a whole generation\n";
  }
}

ordered_json json_of(const compile::ChangesCompiled& compiled) {
  const generation::DeltaSummary& summary = compiled.summary;
  return {{"ok", true},
          {"file", summary.path.string()},
          {"generation", summary.generation},
          {"entries", summary.entries},
          {"records", summary.records},
          {"bytes", summary.bytes},
          {"digest", summary.content_digest},
          {"added", compiled.added},
          {"removed", compiled.removed},
          {"overlay", summary.is_overlay},
          {"changed", summary.changed}};
}

int change_list(const Context& context, const ListCompileOptions& options,
                const compile::PlainOptions& plain) {
  auto base = options.verified_base ? generation::Generation::open_in_place(options.base)
                                    : generation::Generation::open(options.base);
  if (!base) return report(context, base.error());
  const auto compiled = compile::compile_changes(
      std::move(*base), options.changes, options.category, options.output, plain, options.whole);
  if (!compiled) return report(context, compiled.error(), kNo);
  if (context.json) {
    print_json(json_of(*compiled));
  } else {
    print_changed(*compiled);
  }
  return kYes;
}

}  // namespace

int compile_list(const Context& context, const ListCompileOptions& options) {
  const auto plain = plain_options(context, options);
  if (!plain) return report(context, plain.error());
  if (!options.changes.empty()) return change_list(context, options, *plain);
  const auto compiled =
      compile::compile_plain_lists(options.files, options.category, options.output, *plain);
  if (!compiled) return report(context, compiled.error(), kNo);
  if (context.json) {
    print_json(json_of(*compiled));
  } else {
    print_compiled(*compiled, options.category);
  }
  return kYes;
}

}  // namespace sluice::ctl
