#include "control/compile/public_suffix.h"

#include "config/files/file.h"
#include "control/compile/plain_list.h"

namespace sluice::compile {
namespace {

constexpr std::uint64_t kMaxOctets = 4 << 20;

/// The rule of a line (publicsuffix.org/list), or nothing: comments, exceptions.
std::string_view rule_of(std::string_view line) {
  line = line.substr(0, line.find_first_of(" \t\r"));
  if (line.starts_with("//") || line.starts_with('!')) return {};
  if (line.starts_with("*.")) line.remove_prefix(2);
  return line;
}

}  // namespace

Result<NameSet> read_public_suffixes(const std::filesystem::path& file) {
  auto bytes = files::read_bounded(file, kMaxOctets);
  if (!bytes) {
    Error error = bytes.error();
    error.advice = "install Debian's package publicsuffix";
    return fail(std::move(error));
  }
  std::vector<NameSet::Entry> entries;
  name::LookupName name;
  for (std::string_view rest = *bytes; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view rule = rule_of(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    // A top-level domain cannot be listed anyway.
    if (rule.find('.') == rule.npos || !read_plain_name(rule, name)) continue;
    entries.push_back({std::string(name.view()), generation::Scope::exact});
  }
  return NameSet(std::move(entries));
}

}  // namespace sluice::compile
