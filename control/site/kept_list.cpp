#include "control/site/kept_list.h"

#include "config/files/file.h"
#include "control/tuf/digest.h"

namespace sluice::site {
namespace {

constexpr std::uint64_t kMaxKept = std::uint64_t{300} << 20;

}  // namespace

std::string kept_text(const std::vector<KeptName>& names) {
  std::string out;
  for (const KeptName& name : names) {
    out += name.key;
    out += '\t';
    out += static_cast<char>('0' + static_cast<int>(name.scope));
    out += '\n';
  }
  return out;
}

Result<std::vector<KeptName>> read_kept(const std::filesystem::path& file,
                                        const std::string& sha256) {
  auto text = files::read_bounded(file, kMaxKept);
  if (!text) return fail(text.error());
  if (tuf::sha256(*text) != sha256) {
    return fail("is damaged", file.string(), "the list is fetched again");
  }
  std::vector<KeptName> out;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = text->find('\n', at);
    if (end == text->npos || end < at + 3 || (*text)[end - 2] != '\t') {
      return fail("is no kept list", file.string(), "the list is fetched again");
    }
    out.push_back({text->substr(at, end - 2 - at),
                   static_cast<generation::Scope>(((*text)[end - 1] - '0') % 3)});
    at = end + 1;
  }
  return out;
}

std::uint64_t gone(const std::vector<KeptName>& before, const std::vector<KeptName>& after) {
  std::uint64_t out = 0;
  auto at = after.begin();
  for (const KeptName& name : before) {
    while (at != after.end() && at->key < name.key) ++at;
    if (at == after.end() || at->key != name.key) ++out;
  }
  return out;
}

}  // namespace sluice::site
