// The on-disk shapes of a generation, as docs/GENERATION.md specifies them for other programs.
// All integers are little-endian and unaligned.
//
// Thread safety: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/policy/taxonomy.h"

namespace sluice::generation {

inline constexpr std::uint32_t kFormatVersion = 1;
/// Of an overlay, which is nothing without its base; so that who knows only whole generations
/// refuses it.
inline constexpr std::uint32_t kOverlayFormatVersion = 2;

/// Generations' numbers are less: JSON has to hold each exactly.
inline constexpr std::uint64_t kMostGeneration = 999'999'999'999'999;

enum class Scope : std::uint8_t { tree = 0, exact = 1, subs = 2 };
enum class Disposition : std::uint8_t { block = 0, allow = 1, protect = 2 };
/// In the order of precedence of ownership: a lower layer may tighten, only the owner loosens.
enum class Layer : std::uint8_t {
  authority = 0,
  isp = 1,
  site = 2,
  subscription = 3,
  emergency = 4
};

/// One listed name of one source. `provenance` is a row of the provenance table.
struct Record {
  std::uint32_t provenance = 0;
  std::uint8_t category = 0;
  Scope scope = Scope::tree;
  Disposition disposition = Disposition::block;
  Layer layer = Layer::authority;

  friend bool operator==(const Record&, const Record&) = default;
};

/// What the flattened layers say of one name; the input of policy::decide.
struct Answer {
  policy::CategoryMask categories = 0;
  bool is_protected = false;
  bool emergency = false;           // an entry of the emergency role covers the name
  bool local_allow = false;         // a site allow covers the name
  std::uint8_t matched_labels = 0;  // labels of the longest listed suffix; 0: nothing listed
};

/// Who listed a name, under what reference, until when. Dates are RFC 3339 text; empty where the
/// source has none (a site's own entry).
struct Provenance {
  std::string department;  // "police", "site"
  std::string list;        // the list's own name: "gambling", "site"
  std::string order;       // notice reference: "PSB-2026-0117"
  std::string authority;   // "psb.example"
  std::string legal_basis;
  std::string listed_at;
  std::string review_by;
  std::string expires;
  std::string appeal_url;
};

/// The fields by the names that they have in the file, in the order in which a person reads them.
struct ProvenanceField {
  const char* name;
  std::string Provenance::*value;
};
inline constexpr std::array kProvenanceFields = {
    ProvenanceField{"department", &Provenance::department},
    ProvenanceField{"list", &Provenance::list},
    ProvenanceField{"order", &Provenance::order},
    ProvenanceField{"authority", &Provenance::authority},
    ProvenanceField{"legal_basis", &Provenance::legal_basis},
    ProvenanceField{"listed_at", &Provenance::listed_at},
    ProvenanceField{"review_by", &Provenance::review_by},
    ProvenanceField{"expires", &Provenance::expires},
    ProvenanceField{"appeal_url", &Provenance::appeal_url},
};

[[nodiscard]] std::string_view text(Scope scope);
[[nodiscard]] std::string_view text(Disposition disposition);
[[nodiscard]] std::string_view text(Layer layer);

}  // namespace sluice::generation
