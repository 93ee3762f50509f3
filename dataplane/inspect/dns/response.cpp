#include "dataplane/inspect/dns/response.h"

#include <algorithm>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::dns {
namespace {

using packet::load16;
using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kMaxNameOctets = 255;
constexpr std::uint16_t kParameterEch = 5;
constexpr std::uint16_t kEchVersion = 0xfe0d;

/// Takes `octets` off the front of `bytes`; false where there are fewer.
bool skip(Bytes& bytes, std::size_t octets) {
  if (octets > bytes.size()) return false;
  bytes = bytes.subspan(octets);
  return true;
}

/// Takes a vector behind its length of 16 bits off the front of `bytes`.
bool take_vector(Bytes& bytes, Bytes& vector) {
  if (bytes.size() < 2) return false;
  const std::size_t length = load16(bytes.data());
  if (length > bytes.size() - 2) return false;
  vector = bytes.subspan(2, length);
  bytes = bytes.subspan(2 + length);
  return true;
}

/// ECHConfigContents: config_id, kem_id, public_key, cipher_suites, maximum_name_length,
/// public_name. False where it is broken; a client ignores it then.
bool read_ech_contents(Bytes contents, EchConfig& out) {
  if (contents.size() < 3) return false;
  out.config_id = contents[0];
  contents = contents.subspan(3);
  Bytes unused;
  if (!take_vector(contents, unused) || !take_vector(contents, unused)) return false;
  if (contents.size() < 2) return false;
  const std::size_t length = contents[1];
  if (length == 0 || length > contents.size() - 2) return false;
  out.public_name = {reinterpret_cast<const char*>(&contents[2]), length};
  return true;
}

void read_ech_list(Bytes value, Response& out) {
  Bytes list;
  if (!take_vector(value, list)) return;
  while (list.size() >= 4 && out.ech_count < kMaxEchConfigs) {
    const std::uint16_t version = load16(list.data());
    Bytes contents;
    list = list.subspan(2);
    if (!take_vector(list, contents)) return;
    EchConfig config;
    if (version == kEchVersion && read_ech_contents(contents, config)) {
      out.ech[out.ech_count++] = config;
    }
  }
}

void read_parameters(Bytes parameters, Response& out) {
  while (parameters.size() >= 4) {
    const std::uint16_t key = load16(parameters.data());
    Bytes value;
    (void)skip(parameters, 2);
    if (!take_vector(parameters, value)) return;  // a client ignores the record
    if (key != kParameterEch) continue;
    out.has_ech = true;
    read_ech_list(value, out);
  }
}

/// Collects names; each is expanded at the scratch's free part, and stays there if it is new.
class Chain {
 public:
  Chain(Bytes message, std::span<std::uint8_t> scratch, Response& out)
      : message_(message), free_(scratch), out_(out) {}

  /// The name at `at`, which has to end within `limit`, but counts where it does not: ldns, for
  /// one, does not compare it with RDLENGTH.
  Defect add(std::size_t at, std::size_t limit, std::size_t& end) {
    std::array<std::uint8_t, kMaxNameOctets> spare;  // where the scratch is used up
    const bool fits = out_.count < kMaxChain && free_.size() >= kMaxNameOctets;
    Bytes name;
    const Defect defect =
        expand_name(message_, at, fits ? free_ : std::span<std::uint8_t>(spare), name, end);
    if (defect != Defect::none) return defect;
    if (name.size() > 1 && !is_known(name)) keep(name, fits);
    return end > limit ? Defect::cut_record : Defect::none;
  }

 private:
  void keep(Bytes name, bool fits) {
    if (!fits) {
      out_.overflow = true;
      return;
    }
    out_.names[out_.count++] = name;
    free_ = free_.subspan(name.size());
  }
  bool is_known(Bytes name) const {
    return is_same_name(name, out_.question.name) ||
           std::any_of(out_.names.begin(), out_.names.begin() + out_.count,
                       [name](Bytes other) { return is_same_name(name, other); });
  }

  Bytes message_;
  std::span<std::uint8_t> free_;
  Response& out_;
};

Defect read_target(Bytes message, const Record& record, Chain& chain, Response& out) {
  const std::size_t limit = record.data + record.length;
  std::size_t end = 0;
  switch (record.type) {
    case kTypeCname:
    case kTypeDname:
      return chain.add(record.data, limit, end);
    case kTypeSvcb:
    case kTypeHttps: {
      if (record.length < 3) return Defect::cut_record;
      const Defect defect = chain.add(record.data + 2, limit, end);
      if (defect == Defect::none) read_parameters(message.subspan(end, limit - end), out);
      return defect;
    }
    default:
      return Defect::none;
  }
}

Defect walk_records(Bytes message, std::span<std::uint8_t> scratch, Response& out) {
  const unsigned answers = load16(&message[6]);
  const unsigned before = answers + load16(&message[8]);
  const unsigned records = before + load16(&message[10]);
  Chain chain(message, scratch, out);
  std::size_t at = out.question.question_end;
  for (unsigned i = 0; i < records; ++i) {
    Record record;
    Defect defect = read_record(message, at, record);
    if (defect != Defect::none) return defect;
    // A DNAME stands above the name asked for, and is not led through; nor is what it signs.
    if (i < answers && record.type != kTypeDname && record.type != kTypeRrsig) {
      std::size_t end = 0;
      defect = chain.add(record.owner, record.data, end);
      if (defect != Defect::none) return defect;
    }
    // Resolvers add what an alias leads to as additional records (RFC 9460 section 4.2).
    if (i < answers || i >= before) defect = read_target(message, record, chain, out);
    if (defect == Defect::none && i >= before) defect = read_opt(message, record, out.question);
    if (defect != Defect::none) return defect;
  }
  return Defect::none;
}

}  // namespace

Outcome parse_response(std::span<const std::uint8_t> message, std::span<std::uint8_t> scratch,
                       Response& out) {
  out = {};
  const auto refuse = [&out](Defect defect) {
    out.defect = defect;
    return Outcome::malformed;
  };
  if (message.size() < kHeaderOctets) return refuse(Defect::short_header);
  if ((message[2] & 0xf8) != 0x80) return Outcome::no_name;
  if (load16(&message[4]) != 1) return refuse(Defect::question_count);
  const std::size_t own = std::min(scratch.size(), kMaxNameOctets);
  Defect defect = read_questions(message, 1, out.question, scratch.first(own));
  if (defect == Defect::none) defect = walk_records(message, scratch.subspan(own), out);
  if (defect != Defect::none) return refuse(defect);
  return out.count > 0 ? Outcome::found : Outcome::no_name;
}

}  // namespace sluice::inspect::dns
