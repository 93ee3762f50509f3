#include "dataplane/inspect/tls/client_hello.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::tls {
namespace {

using packet::load16;
using packet::load24;

constexpr std::size_t kRecordHeaderOctets = 5;
constexpr std::size_t kMaxRecordOctets = (1 << 14) + 256;
constexpr std::size_t kMessageHeaderOctets = 4;
constexpr std::uint8_t kChangeCipherSpecRecord = 20;
constexpr std::uint8_t kAlertRecord = 21;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr unsigned kMaxOtherRecords = 32;  // on end, as many as OpenSSL takes empty ones
constexpr std::uint8_t kClientHelloMessage = 1;
/// Above it, servers of the Go library take a stream for none of TLS; others demand major
/// version 3.
constexpr std::uint8_t kMaxRecordMajor = 15;
constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kEncryptedClientHelloExtension = 0xfe0d;
constexpr std::uint8_t kHostName = 0;

/// Reads forward through what is there of a structure whose full length is known. Running out of
/// bytes and running over the stated length are told apart.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> there, std::size_t stated)
      : there_(there.first(std::min(there.size(), stated))), stated_(stated) {}

  [[nodiscard]] std::size_t left() const { return stated_ - at_; }
  [[nodiscard]] std::span<const std::uint8_t> there() const { return there_.subspan(at_); }
  [[nodiscard]] bool over() const { return over_; }       // asked past the stated length
  [[nodiscard]] bool short_of() const { return short_; }  // asked past the bytes there
  /// Where short_of(): octets of the structure that have to be there to go on.
  [[nodiscard]] std::size_t needed() const { return needed_; }

  std::span<const std::uint8_t> take(std::size_t octets) {
    if (octets > there_.size() - at_) return fail(octets);
    const auto taken = there_.subspan(at_, octets);
    at_ += octets;
    return taken;
  }

  std::size_t number8() {
    const auto octets = take(1);
    return octets.empty() ? 0 : octets[0];
  }
  std::size_t number16() {
    const auto octets = take(2);
    return octets.empty() ? 0 : load16(octets.data());
  }

  [[nodiscard]] bool good() const { return !over_ && !short_; }

 private:
  std::span<const std::uint8_t> fail(std::size_t octets) {
    if (good()) {
      (octets > left() ? over_ : short_) = true;
      needed_ = at_ + octets;
      there_ = there_.first(at_);  // nothing more can be taken
    }
    return {};
  }

  std::span<const std::uint8_t> there_;
  std::size_t stated_;
  std::size_t at_ = 0;
  std::size_t needed_ = 0;
  bool over_ = false;
  bool short_ = false;
};

/// Some servers take blanks off (Caddy does).
std::string_view trimmed(std::span<const std::uint8_t> name) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r";
  std::string_view text{reinterpret_cast<const char*>(name.data()), name.size()};
  if (name.empty() || (name.front() > ' ' && name.back() > ' ')) return text;
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  text.remove_suffix(text.size() - 1 - text.find_last_not_of(kBlanks));
  return text;
}

// The whole server_name extension is there.
Defect read_server_names(std::span<const std::uint8_t> extension, ClientHello& out) {
  if (extension.empty()) return Defect::none;  // what a server sends; a client's is harmless
  if (extension.size() < 2) return Defect::server_name;
  // A list length that disagrees with the extension is clamped to it, as servers do.
  Reader list(extension.subspan(2),
              std::min<std::size_t>(load16(extension.data()), extension.size() - 2));
  while (list.left() > 0) {
    const std::size_t type = list.number8();
    const auto name = list.take(list.number16());
    if (!list.good()) return Defect::server_name;
    if (type != kHostName) continue;
    if (out.name_count == kMaxNames) return Defect::too_many_names;
    out.names[out.name_count++] = trimmed(name);
  }
  return Defect::none;
}

// RFC 9849 section 5: type outer (0), KDF, AEAD, config_id, …
void read_ech(std::span<const std::uint8_t> extension, ClientHello& out) {
  if (extension.size() < 6 || extension[0] != 0) return;
  out.ech = {true, extension[5]};
}

Outcome refuse(Defect defect, ClientHello& out) {
  out.defect = defect;
  out.complete = true;
  // What was read before the fault is what a lenient server acts on.
  return out.name_count > 0 ? Outcome::found : Outcome::malformed;
}

Defect read_extension(std::size_t type, std::span<const std::uint8_t> data, ClientHello& out) {
  if (type == kServerNameExtension) return read_server_names(data, out);
  read_ech(data, out);
  return Defect::none;
}

Outcome read_extensions(Reader& body, ClientHello& out) {
  std::size_t left = body.number16();
  if (body.good() && left > body.left()) return refuse(Defect::extensions, out);
  // Those that are there as a whole, as mostly all are: one comparison tells.
  const auto there = body.there().first(std::min(body.there().size(), left));
  std::size_t at = 0;
  while (there.size() - at >= 4) {
    const std::uint32_t head = packet::load32(&there[at]);
    const std::size_t length = head & 0xffff;
    if (length > there.size() - at - 4) break;
    const std::size_t type = head >> 16;
    if (type == kServerNameExtension || type == kEncryptedClientHelloExtension) {
      const Defect defect = read_extension(type, there.subspan(at + 4, length), out);
      if (defect != Defect::none) return refuse(defect, out);
    }
    at += 4 + length;
  }
  body.take(at);
  left -= at;
  // One more that is not: cut off, or longer than there is room for.
  if (body.good() && left >= 4) {
    body.number16();
    const std::size_t length = body.number16();
    left -= 4;
    if (body.good() && length > left) return refuse(Defect::extensions, out);
    body.take(length);
  }
  if (body.over()) return refuse(Defect::extensions, out);
  if (body.short_of()) return out.name_count > 0 ? Outcome::found : Outcome::need_more;
  if (left != 0) return refuse(Defect::extensions, out);
  out.complete = true;
  return out.name_count > 0 ? Outcome::found : Outcome::no_name;
}

Outcome read_body(Reader& body, ClientHello& out, bool dtls) {
  const auto unreadable = [&](Defect defect) {
    return body.short_of() ? Outcome::need_more : refuse(defect, out);
  };
  // Servers ignore legacy_version where there are supported_versions (RFC 8446 4.2.1), and some
  // take a longer session id than the 32 octets of RFC 8446 4.1.2.
  body.take(2 + 32);
  if (!body.good()) return unreadable(Defect::random);
  body.take(body.number8());
  if (dtls) body.take(body.number8());
  if (!body.good()) return unreadable(Defect::session_id);
  const std::size_t suites = body.number16();
  if (body.good() && (suites == 0 || suites % 2 != 0)) return refuse(Defect::cipher_suites, out);
  body.take(suites);
  if (!body.good()) return unreadable(Defect::cipher_suites);
  const std::size_t compressions = body.number8();
  if (body.good() && compressions == 0) return refuse(Defect::compression, out);
  body.take(compressions);
  if (!body.good()) return unreadable(Defect::compression);
  if (body.left() == 0) {  // TLS 1.0 without extensions
    out.complete = true;
    return Outcome::no_name;
  }
  return read_extensions(body, out);
}

/// Handshake octets gathered over records: in place while one record holds them all, in scratch
/// from the second one on.
class Gatherer {
 public:
  explicit Gatherer(std::span<std::uint8_t> scratch) : scratch_(scratch) {}

  /// False where the scratch does not take it all.
  bool add(std::span<const std::uint8_t> fragment) {
    if (bytes_.empty()) {
      bytes_ = fragment;
      return true;
    }
    const std::size_t have = bytes_.size();
    if (have + fragment.size() > scratch_.size()) return false;
    if (bytes_.data() != scratch_.data()) std::memcpy(scratch_.data(), bytes_.data(), have);
    std::memcpy(&scratch_[have], fragment.data(), fragment.size());
    bytes_ = scratch_.first(have + fragment.size());
    return true;
  }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  std::span<std::uint8_t> scratch_;
  std::span<const std::uint8_t> bytes_;
};

void reset(ClientHello& out) {
  out.defect = Defect::none;
  out.complete = false;
  out.name_count = 0;
  out.ech = {};
  out.wanted = 0;
  out.consumed = 0;
}

}  // namespace

bool may_be_tls(std::span<const std::uint8_t> start) {
  if (start.empty() || (start.size() > 1 && start[1] > kMaxRecordMajor)) return false;
  const bool usual = start.size() == 1 || start[1] == 3;
  if (start[0] == kHandshakeRecord) {
    return usual || start.size() < kStartOctets ||
           start[kRecordHeaderOctets] == kClientHelloMessage;
  }
  if (!usual) return false;
  // A plain alert or ChangeCipherSpec before the ClientHello is skipped by tolerant servers.
  const bool alert = start[0] == kAlertRecord;
  return start.size() >= kRecordHeaderOctets && (alert || start[0] == kChangeCipherSpecRecord) &&
         load16(&start[3]) == (alert ? 2 : 1);
}

Outcome parse_handshake(std::span<const std::uint8_t> message, ClientHello& out, bool dtls) {
  reset(out);
  if (!message.empty() && message[0] != kClientHelloMessage) {
    return refuse(Defect::not_client_hello, out);
  }
  if (message.size() < kMessageHeaderOctets) {
    out.wanted = kMessageHeaderOctets;
    return Outcome::need_more;
  }
  const std::size_t length = load24(&message[1]);
  Reader body(message.subspan(kMessageHeaderOctets), length);
  const Outcome outcome = read_body(body, out, dtls);
  if (out.complete) {
    out.consumed = kMessageHeaderOctets + length;
  } else {
    out.wanted = kMessageHeaderOctets + body.needed();
  }
  return outcome;
}

Outcome parse_client_hello(std::span<const std::uint8_t> stream, std::span<std::uint8_t> scratch,
                           ClientHello& out) {
  reset(out);
  Gatherer message(scratch);
  std::size_t at = 0;
  std::size_t others = 0;
  std::size_t message_octets = 0;  // of the whole message, once known
  std::size_t end = 0;             // of the message in the stream, once known
  while (stream.size() - at >= kRecordHeaderOctets) {
    const std::uint8_t type = stream[at];
    const std::size_t length = load16(&stream[at + 3]);
    if (stream[at + 1] > kMaxRecordMajor || type < kChangeCipherSpecRecord ||
        type > kHandshakeRecord) {
      return refuse(Defect::not_client_hello, out);
    }
    if (length > kMaxRecordOctets) return refuse(Defect::record_length, out);
    if (type != kHandshakeRecord || length == 0) {
      if (++others > kMaxOtherRecords) return refuse(Defect::too_many_records, out);
    } else {
      others = 0;
      const auto rest = stream.subspan(at + kRecordHeaderOctets);
      if (!message.add(rest.first(std::min(rest.size(), length)))) {
        return refuse(Defect::message_too_long, out);
      }
      const auto bytes = message.bytes();
      if (message_octets == 0 && bytes.size() >= kMessageHeaderOctets) {
        message_octets = kMessageHeaderOctets + load24(&bytes[1]);
      }
      if (message_octets != 0 && bytes.size() >= message_octets) {
        // Records may hold further messages behind it; none is a client's to send.
        end = at + kRecordHeaderOctets + std::min(rest.size(), length) -
              (bytes.size() - message_octets);
        break;
      }
    }
    if (length + kRecordHeaderOctets > stream.size() - at) {
      at = stream.size();
      break;
    }
    at += kRecordHeaderOctets + length;
  }
  const Outcome outcome = parse_handshake(message.bytes(), out);
  if (outcome == Outcome::malformed) return outcome;
  if (out.complete) {
    out.consumed = end;
    return outcome;
  }
  // Each missing octet of the message is an octet of the stream, and the rest of a header, if the
  // stream ends in one, is too.
  const std::size_t missing = out.wanted - std::min(out.wanted, message.bytes().size());
  out.wanted = stream.size() + std::max<std::size_t>(missing, 1);
  return outcome;
}

}  // namespace sluice::inspect::tls
