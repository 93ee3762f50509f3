#include "dataplane/inspect/proxy/preamble.h"

#include <algorithm>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::proxy {
namespace {

using Bytes = std::span<const std::uint8_t>;
using std::string_view;

constexpr string_view kProxyLine = "PROXY ";
constexpr std::size_t kMaxProxyLine = 107;
constexpr string_view kProxySignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kProxyHeaderOctets = 16;

constexpr std::uint8_t kSocks4 = 4;
constexpr std::uint8_t kSocks5 = 5;
constexpr std::uint8_t kSocks5Password = 1;  // version of RFC 1929's message
constexpr std::uint8_t kMethodPassword = 2;
constexpr std::size_t kMaxText = 255;

string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool may_start_with(string_view text, string_view start) {
  const std::size_t common = std::min(text.size(), start.size());
  return text.substr(0, common) == start.substr(0, common);
}

class Reader {
 public:
  Reader(Bytes stream, Preamble& out) : stream_(stream), out_(out) {}

  Outcome read() {
    const string_view text = text_of(stream_);
    if (text.empty()) return wait(1);
    if (may_start_with(text, kProxyLine)) return read_proxy_line(text);
    if (may_start_with(text, kProxySignature)) return read_proxy_header();
    if (stream_[0] == kSocks4) return read_socks4();
    if (stream_[0] == kSocks5) return read_socks5();
    return Outcome::no_name;
  }

 private:
  Outcome wait(std::size_t octets) {
    out_.wanted = std::max(octets, stream_.size() + 1);
    return Outcome::need_more;
  }
  Outcome refuse(Kind kind, Defect defect) {
    out_.kind = kind;
    out_.defect = defect;
    return Outcome::malformed;
  }
  Outcome done(Kind kind, std::size_t skip, string_view name = {}) {
    out_.kind = kind;
    out_.skip = skip;
    out_.name = name;
    return name.empty() ? Outcome::no_name : Outcome::found;
  }
  [[nodiscard]] bool has(std::size_t octets) const { return stream_.size() >= octets; }

  Outcome read_proxy_line(string_view text) {
    if (text.size() < kProxyLine.size() + 1) return wait(kProxyLine.size() + 1);
    // Else it is a method: TCP4, TCP6 and UNKNOWN are all that may stand here.
    if (text[kProxyLine.size()] != 'T' && text[kProxyLine.size()] != 'U')
      return done(Kind::none, 0);
    const std::size_t end = text.substr(0, kMaxProxyLine).find("\r\n");
    if (end != string_view::npos) return done(Kind::proxy_v1, end + 2);
    return text.size() < kMaxProxyLine ? wait(0) : refuse(Kind::proxy_v1, Defect::proxy_line);
  }

  Outcome read_proxy_header() {
    if (!has(kProxyHeaderOctets)) return wait(kProxyHeaderOctets);
    const std::size_t size = kProxyHeaderOctets + packet::load16(&stream_[14]);
    // Version 2, and LOCAL or PROXY.
    if ((stream_[12] & 0xfe) != 0x20 || size > kMaxPreambleOctets) {
      return refuse(Kind::proxy_v2, Defect::proxy_header);
    }
    return has(size) ? done(Kind::proxy_v2, size) : wait(size);
  }

  /// A text up to its NUL; `at` moves behind it.
  Outcome read_text(std::size_t& at, string_view& text) {
    const string_view rest = text_of(stream_).substr(at);
    const std::size_t length = rest.substr(0, kMaxText + 1).find('\0');
    if (length == string_view::npos) {
      return rest.size() <= kMaxText ? wait(0) : refuse(Kind::socks4, Defect::socks_text);
    }
    text = rest.substr(0, length);
    at += length + 1;
    return Outcome::found;
  }

  /// Command, port, address, user; then the name, if the address is 0.0.0.x.
  Outcome read_socks4() {
    constexpr std::size_t kFixed = 8;
    if (!has(2)) return wait(kFixed + 1);
    if (stream_[1] != 1 && stream_[1] != 2) return Outcome::no_name;  // CONNECT, BIND
    if (!has(kFixed + 1)) return wait(kFixed + 1);
    const std::uint32_t address = packet::load32(&stream_[4]);
    std::size_t at = kFixed;
    string_view text;
    Outcome outcome = read_text(at, text);
    if (outcome != Outcome::found) return outcome;
    if (address == 0 || address > 0xff) return done(Kind::socks4, at);
    outcome = read_text(at, text);
    if (outcome != Outcome::found) return outcome;
    if (text.empty()) return refuse(Kind::socks4, Defect::socks_text);
    return done(Kind::socks4, at, text);
  }

  /// Greeting; user and password, if they were offered and are there; request.
  Outcome read_socks5() {
    if (!has(2)) return wait(2);
    const std::size_t methods = stream_[1];
    if (methods == 0) return Outcome::no_name;
    std::size_t at = 2 + methods;
    if (!has(at + 1)) return wait(at + 1);
    const Bytes offered = stream_.subspan(2, methods);
    if (stream_[at] == kSocks5Password &&
        std::find(offered.begin(), offered.end(), kMethodPassword) != offered.end()) {
      ++at;
      for (int i = 0; i < 2; ++i) {
        if (!has(at + 1)) return wait(at + 1);
        at += 1U + stream_[at];
      }
    }
    if (!has(at + 1)) return wait(at + 1);
    if (stream_[at] != kSocks5) return Outcome::no_name;
    return read_socks5_request(at);
  }

  Outcome read_socks5_request(std::size_t at) {
    constexpr std::size_t kPortOctets = 2;
    if (!has(at + 5)) return wait(at + 5);
    const std::uint8_t command = stream_[at + 1];
    if (command == 0 || command > 3 || stream_[at + 2] != 0) {
      return refuse(Kind::socks5, Defect::socks_request);
    }
    std::size_t length = 0;
    switch (stream_[at + 3]) {
      case 1:
        length = 4;
        break;
      case 3:
        length = 1U + stream_[at + 4];
        break;
      case 4:
        length = 16;
        break;
      default:
        return refuse(Kind::socks5, Defect::socks_request);
    }
    const std::size_t end = at + 4 + length + kPortOctets;
    if (!has(end)) return wait(end);
    if (stream_[at + 3] != 3) return done(Kind::socks5, end);
    if (length == 1) return refuse(Kind::socks5, Defect::socks_text);
    return done(Kind::socks5, end, text_of(stream_.subspan(at + 5, length - 1)));
  }

  Bytes stream_;
  Preamble& out_;
};

}  // namespace

Outcome parse_preamble(std::span<const std::uint8_t> stream, Preamble& out) {
  out = {};
  return Reader(stream, out).read();
}

}  // namespace sluice::inspect::proxy
