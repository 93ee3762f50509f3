#include "control/tlog/note.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <span>

#include "control/tlog/base64.h"
#include "control/tlog/merkle.h"
#include "control/tuf/digest.h"

namespace sluice::tlog {
namespace {

constexpr std::string_view kDash = "\u2014 ";
constexpr std::size_t kIdOctets = 4;
constexpr std::size_t kTimeOctets = 8;
constexpr std::size_t kKeyOctets = 32;
constexpr const char* kNotUsed = "nothing of it is used";

std::uint64_t big_endian(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char c : octets) value = value << 8U | static_cast<std::uint8_t>(c);
  return value;
}

std::string to_big_endian(std::uint64_t value, std::size_t octets) {
  std::string out(octets, '\0');
  for (std::size_t i = 0; i < octets; ++i) {
    out[octets - 1 - i] = static_cast<char>(value >> (8 * i) & 255U);
  }
  return out;
}

std::span<const std::uint8_t> octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::uint32_t key_id(std::string_view name, KeyType type, std::string_view key) {
  std::string text(name);
  text += '\n';
  text += static_cast<char>(type);
  text += key;
  return static_cast<std::uint32_t>(big_endian(octets_of(sha256_of(text)).substr(0, kIdOctets)));
}

std::string cosigned(std::string_view text, std::uint64_t time) {
  return "cosignature/v1\ntime " + std::to_string(time) + "\n" + std::string(text);
}

/// Line feeds and what is printed; what is beyond ASCII is compared by its octets only.
bool is_clean(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\n' || (static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7F);
  });
}

std::string public_octets(const tuf::PrivateKey& key) {
  const auto value =
      tuf::from_hex(key.public_json()["keyval"]["public"].get_ref<const std::string&>());
  return {value->begin(), value->end()};
}

Result<NoteSignature> signature_over(std::string_view message, const std::string& prefix,
                                     std::string_view name, KeyType type,
                                     const tuf::PrivateKey& key) {
  if (key.scheme() != tuf::Scheme::ed25519) {
    return fail("logs and witnesses sign by Ed25519 alone", std::string(name));
  }
  auto hex = key.sign(message);
  if (!hex) return fail(hex.error());
  const auto raw = tuf::from_hex(*hex);
  return NoteSignature{std::string(name), key_id(name, type, public_octets(key)),
                       prefix + std::string(raw->begin(), raw->end())};
}

}  // namespace

Status check_key_name(std::string_view name) {
  const bool good =
      !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
        return static_cast<std::uint8_t>(c) > 0x20 && c != 0x7F && c != '+';
      });
  if (good) return {};
  return fail("is no name of a key", std::string(name), "write it as lists.example/log");
}

Result<NoteSignature> parse_signature_line(std::string_view line, std::string_view where) {
  const auto wrong = [&] {
    return fail("a line is no signature of a note", std::string(where), kNotUsed);
  };
  if (!line.starts_with(kDash)) return wrong();
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == line.npos || !check_key_name(line.substr(0, space))) return wrong();
  const auto decoded = from_base64(line.substr(space + 1));
  if (!decoded || decoded->size() <= kIdOctets) return wrong();
  return NoteSignature{std::string(line.substr(0, space)),
                       static_cast<std::uint32_t>(big_endian(decoded->substr(0, kIdOctets))),
                       decoded->substr(kIdOctets)};
}

Result<Note> parse_note(std::string_view text, std::string_view where) {
  const std::string place(where);
  if (text.size() > kMaxNoteOctets) {
    return fail("is longer than " + std::to_string(kMaxNoteOctets) + " octets", place, kNotUsed);
  }
  const std::size_t blank = text.rfind("\n\n");
  if (!is_clean(text) || blank == text.npos || blank == 0 || !text.ends_with('\n')) {
    return fail("is no signed note", place, kNotUsed);
  }
  Note note;
  note.text = text.substr(0, blank + 1);
  std::string_view rest = text.substr(blank + 2);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    auto signature = parse_signature_line(rest.substr(0, end), where);
    if (!signature) return fail(signature.error());
    note.signatures.push_back(std::move(*signature));
    rest.remove_prefix(end + 1);
    if (note.signatures.size() > kMaxNoteSignatures) {
      return fail("has over " + std::to_string(kMaxNoteSignatures) + " signatures", place,
                  kNotUsed);
    }
  }
  return note;
}

std::string signature_line(const NoteSignature& signature) {
  return std::string(kDash) + signature.name + " " +
         to_base64(to_big_endian(signature.id, kIdOctets) + signature.octets) + "\n";
}

std::string note_text(const Note& note) {
  std::string out = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) out += signature_line(signature);
  return out;
}

Result<VerifierKey> VerifierKey::parse(std::string_view text, std::string_view where) {
  const auto wrong = [&](const char* what) {
    return fail(std::string("'") + std::string(text) + "' " + what, std::string(where),
                "write it as NAME+ID+BASE64, as sluice-authority log status shows it");
  };
  const std::size_t first = text.find('+');
  const std::size_t second = first == text.npos ? first : text.find('+', first + 1);
  if (second == text.npos) return wrong("is no key of a log or witness");
  const std::string_view name = text.substr(0, first);
  const std::string_view hex = text.substr(first + 1, second - first - 1);
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), id, 16);
  const auto key = from_base64(text.substr(second + 1));
  const bool shape = check_key_name(name) && hex.size() == 8 && error == std::errc() &&
                     end == hex.data() + hex.size() && key && key->size() == 1 + kKeyOctets;
  if (!shape) return wrong("is no key of a log or witness");
  const auto type = static_cast<KeyType>((*key)[0]);
  if (type != KeyType::log && type != KeyType::witness) return wrong("is of another type");
  const std::string raw = key->substr(1);
  if (key_id(name, type, raw) != id) return wrong("has an id that is not its key's");
  auto verifier = tuf::PublicKey::from_value(tuf::to_hex(octets(raw)), where);
  if (!verifier) return fail(verifier.error());
  return VerifierKey(std::string(name), id, type, std::move(*verifier));
}

std::optional<tuf::Time> VerifierKey::verify(std::string_view text,
                                             const NoteSignature& signature) const {
  const std::string_view all = signature.octets;
  if (type_ == KeyType::log) {
    return key_.verify(text, octets(all)) ? std::optional(tuf::Time{}) : std::nullopt;
  }
  if (all.size() <= kTimeOctets) return std::nullopt;
  const std::uint64_t time = big_endian(all.substr(0, kTimeOctets));
  // Beyond the year 9999 a time cannot be told, and nobody signed it honestly.
  constexpr std::uint64_t kLast = 253'402'300'799;
  if (time > kLast) return std::nullopt;
  if (!key_.verify(cosigned(text, time), octets(all.substr(kTimeOctets)))) return std::nullopt;
  return tuf::Time(std::chrono::seconds(time));
}

std::string vkey(std::string_view name, KeyType type, const tuf::PrivateKey& key) {
  const std::string raw = public_octets(key);
  std::array<char, 16> id{};
  std::snprintf(id.data(), id.size(), "+%08x+", key_id(name, type, raw));
  return std::string(name) + id.data() + to_base64(std::string(1, static_cast<char>(type)) + raw);
}

Result<NoteSignature> sign_note(std::string_view text, std::string_view name,
                                const tuf::PrivateKey& key) {
  return signature_over(text, "", name, KeyType::log, key);
}

Result<NoteSignature> cosign_note(std::string_view text, std::string_view name,
                                  const tuf::PrivateKey& key, tuf::Time time) {
  const auto seconds = static_cast<std::uint64_t>(time.time_since_epoch().count());
  return signature_over(cosigned(text, seconds), to_big_endian(seconds, kTimeOctets), name,
                        KeyType::witness, key);
}

}  // namespace sluice::tlog
