#include "tools/sluice-authority/log_ask.h"

#include <algorithm>

#include "control/sync/http.h"
#include "control/tlog/witness_request.h"

namespace sluice::authority {
namespace {

using Witness = tlog::LogPolicy::Witness;

constexpr std::size_t kMaxAnswer = 65'536;
// A release may be urgent, and there are other witnesses.
constexpr std::chrono::seconds kPatience{10};

struct Answer {
  long status = 0;
  std::string body;
};

Result<Answer> post(sync::Http& http, const std::string& url, std::string body) {
  Answer answer;
  const sync::HttpRequest request{.url = url, .limit = kPatience, .post = std::move(body)};
  auto head = http.get(
      request,
      [&](const sync::HttpHead&, std::string_view bytes) {
        answer.body.append(bytes);
        return answer.body.size() <= kMaxAnswer;
      },
      "answers with more than " + std::to_string(kMaxAnswer) + " octets");
  if (!head) {
    Error error = head.error();
    // What mirrors are told of is configured elsewhere.
    if (answer.body.size() <= kMaxAnswer) {
      error.advice = "see that the witness is there under its URL in policy/tlog-policy.txt";
    }
    return fail(std::move(error));
  }
  answer.status = head->status;
  return answer;
}

/// The lines of the answer that are this witness's, and right. It may have keys that nobody here
/// knows.
std::vector<std::string> cosignatures(const Answer& answer, const Witness& witness,
                                      const tlog::Note& note) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < answer.body.size();) {
    const std::size_t end = std::min(answer.body.find('\n', begin), answer.body.size());
    const std::string line = answer.body.substr(begin, end - begin);
    begin = end + 1;
    auto signature = tlog::parse_signature_line(line, witness.name);
    if (signature && witness.key.made(*signature) && witness.key.verify(note.text, *signature)) {
      out.push_back(line);
    }
  }
  return out;
}

/// What the witness has cosigned last, of an answer with status 409.
Result<std::uint64_t> size_seen(const Answer& answer, const LogHead& head, const Witness& witness) {
  const bool ends = answer.body.ends_with('\n');
  const auto size =
      tlog::parse_size(std::string_view(answer.body).substr(0, answer.body.size() - ends));
  if (!ends || !size) return fail("answers 409 without the size that it has seen", witness.url);
  if (*size <= head.checkpoint.size) return *size;
  return fail("has cosigned a log of " + std::to_string(*size) + " entries, where this one has " +
                  std::to_string(head.checkpoint.size),
              witness.url,
              "nobody has signed this answer; ask the witness, and compare repo/log with another "
              "copy of it, before anything is brought back or published");
}

Result<std::vector<std::string>> ask(const Workspace& workspace, const LogHead& head,
                                     const Witness& witness, sync::Http& http) {
  if (!witness.url.starts_with("https://") && !witness.url.starts_with("http://")) {
    return fail("is no http:// or https:// URL", witness.url);
  }
  const std::string url = witness.url + (witness.url.ends_with('/') ? "" : "/") + "add-checkpoint";
  // It has cosigned the release before, as a rule; otherwise it says what it has.
  std::uint64_t old_size = head.checkpoint.size - 1;
  for (bool again = false;; again = true) {
    auto proof = consistency_proof(workspace, head, old_size);
    if (!proof) return fail(proof.error());
    auto answer = post(http, url, tlog::witness_request_text({old_size, *proof, head.note}));
    if (!answer) return fail(answer.error());
    if (answer->status == 409 && !again) {
      auto seen = size_seen(*answer, head, witness);
      if (!seen) return fail(seen.error());
      old_size = *seen;
      continue;
    }
    if (answer->status != 200) {
      return fail("answers with status " + std::to_string(answer->status), witness.url);
    }
    auto lines = cosignatures(*answer, witness, head.note);
    if (lines.empty()) return fail("gives no cosignature of its key", witness.url);
    return lines;
  }
}

}  // namespace

Result<std::vector<std::string>> ask_witnesses(const Workspace& workspace, LogHead& head,
                                               const std::vector<tlog::LogPolicy>& policies) {
  std::vector<std::string> told;
  auto http = sync::Http::create({.plain_http = true, .connect_timeout = kPatience});
  if (!http) return fail(http.error());
  for (const tlog::LogPolicy& policy : policies) {
    for (const Witness& witness : policy.witnesses()) {
      auto believed = policy.check_log(head.note, "log/checkpoint");
      if (!believed) return fail(believed.error());
      const auto& all = believed->witnesses;
      if (policy.is_quorum(all)) break;
      const bool has = std::any_of(all.begin(), all.end(), [&](const tlog::Cosigned& one) {
        return one.witness == witness.name;
      });
      if (has || witness.url.empty()) continue;
      auto lines = ask(workspace, head, witness, *http);
      if (!lines) {
        told.push_back(witness.name + ": " + lines.error().text());
        continue;
      }
      auto added = add_cosignatures(workspace, head, policies, *lines);
      if (!added) return fail(added.error());
    }
  }
  return told;
}

}  // namespace sluice::authority
