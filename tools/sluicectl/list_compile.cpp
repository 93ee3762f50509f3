// Compiles plain lists into a generation file.
#include <iostream>

#include "config/policy/policy.h"
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
    plain.policy_json = policy::to_json(config->policy);
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

}  // namespace

int compile_list(const Context& context, const ListCompileOptions& options) {
  const auto plain = plain_options(context, options);
  if (!plain) return report(context, plain.error());
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
