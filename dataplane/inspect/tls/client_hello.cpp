#include "dataplane/inspect/tls/client_hello.h"

#include <algorithm>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::tls {
namespace {

using packet::load16;
using packet::load24;

constexpr std::size_t kRecordHeaderOctets = 5;
constexpr std::size_t kMaxRecordOctets = (1 << 14) + 256;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint8_t kHostName = 0;

/// Reads forward through what is there of a structure whose full length is known. Running out of
/// bytes and running over the stated length are told apart.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> there, std::size_t stated)
      : there_(there.first(std::min(there.size(), stated))), stated_(stated) {}

  [[nodiscard]] std::size_t left() const { return stated_ - at_; }
  [[nodiscard]] bool over() const { return over_; }       // asked past the stated length
  [[nodiscard]] bool short_of() const { return short_; }  // asked past the bytes there

  std::span<const std::uint8_t> take(std::size_t octets) {
    if (over_ || short_ || octets > left()) {
      over_ = over_ || !short_;
      return {};
    }
    if (octets > there_.size() - at_) {
      short_ = true;
      return {};
    }
    const auto taken = there_.subspan(at_, octets);
    at_ += octets;
    return taken;
  }

  std::size_t number(std::size_t octets) {
    std::size_t value = 0;
    for (const std::uint8_t octet : take(octets)) value = value << 8 | octet;
    return value;
  }

  [[nodiscard]] bool good() const { return !over_ && !short_; }

 private:
  std::span<const std::uint8_t> there_;
  std::size_t stated_;
  std::size_t at_ = 0;
  bool over_ = false;
  bool short_ = false;
};

// The whole server_name extension is there.
Defect read_server_names(std::span<const std::uint8_t> extension, ClientHello& out) {
  if (extension.empty()) return Defect::none;  // what a server sends; a client's is harmless
  if (extension.size() < 2) return Defect::server_name;
  // A list length that disagrees with the extension is clamped to it, as servers do.
  Reader list(extension.subspan(2),
              std::min<std::size_t>(load16(extension.data()), extension.size() - 2));
  while (list.left() > 0) {
    const std::size_t type = list.number(1);
    const auto name = list.take(list.number(2));
    if (!list.good()) return Defect::server_name;
    if (type != kHostName) continue;
    if (out.name_count == kMaxNames) return Defect::too_many_names;
    out.names[out.name_count++] = {reinterpret_cast<const char*>(name.data()), name.size()};
  }
  return Defect::none;
}

Outcome read_body(Reader body, ClientHello& out) {
  const auto refuse = [&out](Defect defect) {
    out.defect = defect;
    return Outcome::malformed;
  };
  const auto unreadable = [&](Defect defect) {
    return body.short_of() ? Outcome::need_more : refuse(defect);
  };
  const std::size_t version = body.number(2);
  body.take(32);
  if (!body.good()) return unreadable(Defect::version);
  if (version >> 8 != 3) return refuse(Defect::version);
  const std::size_t session = body.number(1);
  if (body.good() && session > 32) return refuse(Defect::session_id);
  body.take(session);
  if (!body.good()) return unreadable(Defect::session_id);
  const std::size_t suites = body.number(2);
  if (body.good() && (suites == 0 || suites % 2 != 0)) return refuse(Defect::cipher_suites);
  body.take(suites);
  if (!body.good()) return unreadable(Defect::cipher_suites);
  const std::size_t compressions = body.number(1);
  if (body.good() && compressions == 0) return refuse(Defect::compression);
  body.take(compressions);
  if (!body.good()) return unreadable(Defect::compression);
  if (body.left() == 0) return Outcome::no_name;  // TLS 1.0 without extensions

  const std::size_t extensions = body.number(2);
  if (body.good() && extensions > body.left()) return refuse(Defect::extensions);
  std::size_t left = extensions;
  while (body.good() && left >= 4) {
    const std::size_t type = body.number(2);
    const std::size_t length = body.number(2);
    left -= 4;
    if (body.good() && length > left) return refuse(Defect::extensions);
    const auto data = body.take(length);
    if (!body.good()) break;
    left -= length;
    if (type != kServerNameExtension) continue;
    if (const Defect defect = read_server_names(data, out); defect != Defect::none) {
      return refuse(defect);
    }
  }
  if (out.name_count > 0) return Outcome::found;
  if (!body.good()) return unreadable(Defect::extensions);
  return left == 0 ? Outcome::no_name : refuse(Defect::extensions);
}

}  // namespace

bool may_be_tls(std::span<const std::uint8_t> start) {
  return !start.empty() && start[0] == kHandshakeRecord && (start.size() < 2 || start[1] == 3);
}

Outcome parse_client_hello(std::span<const std::uint8_t> stream, ClientHello& out) {
  out.defect = Defect::none;
  out.name_count = 0;
  const auto refuse = [&out](Defect defect) {
    out.defect = defect;
    return Outcome::malformed;
  };
  if (stream.size() < kRecordHeaderOctets + 4) return Outcome::need_more;
  const std::size_t record = load16(&stream[3]);
  if (record == 0 || record > kMaxRecordOctets) return refuse(Defect::record_length);
  if (stream[kRecordHeaderOctets] != kClientHelloMessage) return refuse(Defect::not_client_hello);
  if (record < 4) return Outcome::need_more;  // the message header is cut over two records
  const std::size_t message = load24(&stream[kRecordHeaderOctets + 1]);
  // What of the message this record holds; the rest of a longer message is in later records.
  auto body = stream.subspan(kRecordHeaderOctets);
  body = body.first(std::min(body.size(), record)).subspan(4);
  return read_body(Reader(body, message), out);
}

}  // namespace sluice::inspect::tls
