#include "control/tlog/witness_request.h"

#include <optional>

#include "control/tlog/base64.h"
#include "control/tlog/checkpoint.h"

namespace sluice::tlog {
namespace {

constexpr std::string_view kOld = "old ";

/// A line, its line feed taken off the text; nullopt where there is none.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

Result<WitnessRequest> parse_witness_request(std::string_view text) {
  WitnessRequest out;
  const auto first = take_line(text);
  if (!first || !first->starts_with(kOld)) return fail("begins with no old size");
  const auto size = parse_size(first->substr(kOld.size()));
  if (!size) return fail("the old size is no number");
  out.old_size = *size;
  for (;;) {
    const auto line = take_line(text);
    if (!line) return fail("has no empty line before the checkpoint");
    if (line->empty()) break;
    const auto hash = hash_from_base64(*line);
    if (!hash) return fail("a line of the proof is no hash in base64");
    if (out.proof.size() == kMaxProofHashes) return fail("the proof has too many lines");
    out.proof.push_back(*hash);
  }
  auto note = parse_note(text, "the checkpoint");
  if (!note) return fail(note.error());
  out.note = std::move(*note);
  return out;
}

std::string witness_request_text(const WitnessRequest& request) {
  std::string text = std::string(kOld) + std::to_string(request.old_size) + "\n";
  for (const Hash& hash : request.proof) text += to_base64(hash) + "\n";
  return text + "\n" + note_text(request.note);
}

}  // namespace sluice::tlog
