// Which logs and witnesses are believed (c2sp.org/tlog-policy): a checkpoint counts when one of the
// listed logs has signed it and the witnesses of the quorum have cosigned it.
//
// Thread safety: immutable after parse().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/tlog/checkpoint.h"
#include "control/tlog/note.h"

namespace sluice::tlog {

/// Among the targets of the top role.
inline constexpr std::string_view kPolicyFile = "policy/tlog-policy.txt";
inline constexpr std::size_t kMaxPolicyOctets = 65'536;
inline constexpr std::size_t kMaxPolicyLines = 256;

struct Cosigned {
  std::string witness;  // its name in the policy
  tuf::Time time{};
};

/// A checkpoint that the policy believes.
struct Believed {
  Checkpoint checkpoint;
  std::vector<Cosigned> witnesses;
  /// The earliest time among them: of a quorum with one honest witness, no later than the present.
  std::optional<tuf::Time> witnessed;
};

class LogPolicy {
 public:
  struct Witness {
    std::string name;
    VerifierKey key;
    std::string url;  // where it is asked (c2sp.org/tlog-witness); may be empty
  };
  struct Group {
    std::string name;
    std::size_t threshold = 0;
    std::vector<std::string> members;  // witnesses, or groups before this one
  };

  [[nodiscard]] static Result<LogPolicy> parse(std::string_view text, std::string_view where);

  /// Only signatures of listed keys are looked at; a wrong one of these spoils the note.
  [[nodiscard]] Result<Believed> check(const Note& note, std::string_view where) const;
  /// The same without the quorum: how far it got.
  [[nodiscard]] Result<Believed> check_log(const Note& note, std::string_view where) const;
  /// Whether the witnesses that cosigned are enough.
  [[nodiscard]] bool is_quorum(const std::vector<Cosigned>& witnesses) const;

  [[nodiscard]] const std::vector<VerifierKey>& logs() const { return logs_; }
  [[nodiscard]] const std::vector<Witness>& witnesses() const { return witnesses_; }
  /// False for `quorum none`: the log alone is believed.
  [[nodiscard]] bool asks_witnesses() const { return quorum_ != "none"; }

 private:
  [[nodiscard]] Status read_line(const std::vector<std::string>& words);
  [[nodiscard]] bool is_defined(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name, const std::vector<Cosigned>& witnesses) const;

  std::vector<VerifierKey> logs_;
  std::vector<Witness> witnesses_;
  std::vector<Group> groups_;
  std::string quorum_;
};

}  // namespace sluice::tlog
