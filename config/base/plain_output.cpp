#include "config/base/plain_output.h"

#include <iostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace sluice {
namespace {

constexpr std::string_view kLayout = "\n\t";

}  // namespace

std::string plain_text(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
    // U+0080 to U+009F are two octets in UTF-8.
    const bool two = octet == 0xc2 && next >= 0x80 && next < 0xa0;
    const bool one = (octet < 0x20 || octet == 0x7f) && kept.find(text[i]) == kept.npos;
    out.push_back(two || one ? '?' : text[i]);
    if (two) ++i;
  }
  return out;
}

class PlainOutput::Buffer : public std::streambuf {
 public:
  explicit Buffer(std::streambuf* to) : to_(to) {}
  [[nodiscard]] std::streambuf* to() const { return to_; }

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char octet = traits_type::to_char_type(c);
    return to_->sputn(plain_text({&octet, 1}, kLayout).data(), 1) == 1 ? c : traits_type::eof();
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    const std::string out = plain_text({text, static_cast<std::size_t>(size)}, kLayout);
    const auto length = static_cast<std::streamsize>(out.size());
    return to_->sputn(out.data(), length) == length ? size : 0;
  }
  int sync() override { return to_->pubsync(); }

 private:
  std::streambuf* to_;
};

PlainOutput::PlainOutput() {
  streams_[0].stream = &std::cout;
  streams_[1].stream = &std::cerr;
  for (Stream& one : streams_) {
    one.buffer = std::make_unique<Buffer>(one.stream->rdbuf());
    one.stream->rdbuf(one.buffer.get());
  }
}

PlainOutput::~PlainOutput() {
  for (Stream& one : streams_) {
    one.stream->flush();
    one.stream->rdbuf(one.buffer->to());
  }
}

}  // namespace sluice
