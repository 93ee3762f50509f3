#include <algorithm>
#include <set>

#include "control/tuf/metadata.h"

namespace sluice::tuf {

Status verify(const Envelope& envelope, const KeyMap& keys, const RoleKeys& role,
              std::string_view where) {
  std::set<std::string> ids;
  std::set<std::string> values;
  unsigned foreign = 0;
  unsigned wrong = 0;
  unsigned repeated = 0;
  for (const Signature& signature : envelope.signatures) {
    const bool named =
        std::find(role.keyids.begin(), role.keyids.end(), signature.keyid) != role.keyids.end();
    const auto key = keys.find(signature.keyid);
    if (!named || key == keys.end()) {
      ++foreign;
    } else if (!key->second.verify(envelope.canonical, signature.octets)) {
      ++wrong;
    } else if (!ids.insert(signature.keyid).second || !values.insert(key->second.value()).second) {
      ++repeated;
    }
  }
  if (values.size() >= role.threshold) return {};
  std::string what = "has " + std::to_string(values.size()) + " of " +
                     std::to_string(role.threshold) + " signatures that it needs";
  const auto tell = [&](unsigned count, const char* text) {
    if (count != 0) what += ", " + std::to_string(count) + " " + text;
  };
  tell(wrong, "wrong");
  tell(foreign, "by keys that are not the role's");
  tell(repeated, "by the same key again");
  return fail(what, std::string(where), "nothing of it is used; tell the authority");
}

}  // namespace sluice::tuf
