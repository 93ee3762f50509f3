#include "dataplane/act/http_page.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace sluice::act {
namespace {

/// Appends text to a buffer of fixed size, and drops what does not fit.
template <std::size_t N>
class Text {
 public:
  void put(std::string_view text) {
    const std::size_t octets = std::min(text.size(), N - size_);
    std::memcpy(buffer_.data() + size_, text.data(), octets);
    size_ += octets;
  }
  [[nodiscard]] std::string_view view() const { return {buffer_.data(), size_}; }

 private:
  std::array<char, N> buffer_;
  std::size_t size_ = 0;
};

constexpr std::size_t kMaxShownName = 253;

}  // namespace

std::size_t write_http_page(const HttpBlock& block, std::span<std::uint8_t, kMaxHttpPage> out) {
  Text<900> content;
  content.put(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Blocked</title>"
      "<body style=\"font-family:sans-serif;max-width:36em;margin:3em auto\"><h1>This site is "
      "blocked here</h1><p><b>");
  content.put(block.name.substr(0, kMaxShownName));
  if (block.reason == policy::Reason::paused) {
    content.put("</b> cannot be reached while the network is paused for this device.");
  } else if (block.reason == policy::Reason::not_curated) {
    content.put("</b> is not on the list of sites that may be used now.");
  } else {
    content.put("</b> is listed as <b>");
    content.put(block.category);
    content.put(block.reason == policy::Reason::budget ? "</b>, and the time for that is used up."
                : block.ordered                        ? "</b>, by order of a public authority."
                                                       : "</b> by this network.");
  }
  content.put(
      "<p>If this is a mistake, tell the network's administrator or your guardian this number: "
      "<b>");
  content.put(view(block.incident.text()));
  content.put("</b></html>\n");

  std::array<char, 8> length;
  const auto end =
      std::to_chars(length.data(), length.data() + length.size(), content.view().size());
  Text<kMaxHttpPage> page;
  page.put(block.ordered ? "HTTP/1.1 451 Unavailable For Legal Reasons\r\n"
                         : "HTTP/1.1 403 Forbidden\r\n");
  page.put("Content-Type: text/html; charset=utf-8\r\nContent-Length: ");
  page.put({length.data(), static_cast<std::size_t>(end.ptr - length.data())});
  page.put("\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  if (!block.head) page.put(content.view());
  std::memcpy(out.data(), page.view().data(), page.view().size());
  return page.view().size();
}

}  // namespace sluice::act
