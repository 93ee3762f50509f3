// Signed notes (c2sp.org/signed-note) with Ed25519: what a log signs, type 0x01, and what a witness
// cosigns with its time, type 0x04 (c2sp.org/tlog-cosignature).
//
// Thread safety: plain values; keys are immutable and may be shared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/tuf/key.h"
#include "control/tuf/time.h"

namespace sluice::tlog {

inline constexpr std::size_t kMaxNoteOctets = 32'768;
inline constexpr std::size_t kMaxNoteSignatures = 64;

enum class KeyType : std::uint8_t { log = 1, witness = 4 };

struct NoteSignature {
  std::string name;
  std::uint32_t id = 0;
  std::string octets;  // without the id
};

struct Note {
  std::string text;  // with its last line feed
  std::vector<NoteSignature> signatures;
};

/// `where` names the note in errors, here and below.
[[nodiscard]] Result<Note> parse_note(std::string_view octets, std::string_view where);
[[nodiscard]] std::string note_text(const Note& note);
/// "— NAME BASE64" with a line feed, as a witness hands it out.
[[nodiscard]] std::string signature_line(const NoteSignature& signature);
[[nodiscard]] Result<NoteSignature> parse_signature_line(std::string_view line,
                                                         std::string_view where);

/// A key that verifies: "NAME+ID+BASE64", a vkey of the specification.
class VerifierKey {
 public:
  [[nodiscard]] static Result<VerifierKey> parse(std::string_view vkey, std::string_view where);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] KeyType type() const { return type_; }
  /// What makes two keys the same key.
  [[nodiscard]] const std::string& value() const { return key_.value(); }
  [[nodiscard]] bool made(const NoteSignature& signature) const {
    return signature.name == name_ && signature.id == id_;
  }
  /// Of a witness's signature the time that it signed; of a log's a time of 0. nullopt where the
  /// signature is wrong.
  [[nodiscard]] std::optional<tuf::Time> verify(std::string_view text,
                                                const NoteSignature& signature) const;

 private:
  VerifierKey(std::string name, std::uint32_t id, KeyType type, tuf::PublicKey key)
      : name_(std::move(name)), id_(id), type_(type), key_(std::move(key)) {}

  std::string name_;
  std::uint32_t id_;
  KeyType type_;
  tuf::PublicKey key_;
};

/// A schema-less URL such as "lists.example/log": no white space, no '+', not empty.
[[nodiscard]] Status check_key_name(std::string_view name);

[[nodiscard]] std::string vkey(std::string_view name, KeyType type, const tuf::PrivateKey& key);

/// The signature of a log.
[[nodiscard]] Result<NoteSignature> sign_note(std::string_view text, std::string_view name,
                                              const tuf::PrivateKey& key);
/// The signature of a witness, who says by it that the log was consistent at that time.
[[nodiscard]] Result<NoteSignature> cosign_note(std::string_view text, std::string_view name,
                                                const tuf::PrivateKey& key, tuf::Time time);

}  // namespace sluice::tlog
