#include "control/tlog/checkpoint.h"

#include <charconv>

namespace sluice::tlog {
namespace {

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  const bool whole = !text.empty() && error == std::errc() && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text[0] == '0') || size > kMaxTreeSize) return std::nullopt;
  return size;
}

Result<Checkpoint> parse_checkpoint(std::string_view text, std::string_view where) {
  Checkpoint checkpoint;
  checkpoint.origin = take_line(text);
  const auto size = parse_size(take_line(text));
  const auto root = hash_from_base64(take_line(text));
  if (checkpoint.origin.empty() || !size || !root) {
    return fail("is no checkpoint of a log", std::string(where), "nothing of it is used");
  }
  checkpoint.size = *size;
  checkpoint.root = *root;
  return checkpoint;
}

std::string checkpoint_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
         to_base64(checkpoint.root) + "\n";
}

}  // namespace sluice::tlog
