#include "dataplane/inspect/dns/query.h"

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::dns {
namespace {

using packet::load16;

constexpr std::array<std::uint8_t, 1> kRoot = {0};

Defect walk_records(std::span<const std::uint8_t> message, Query& out) {
  const unsigned before = load16(&message[6]) + load16(&message[8]);
  const unsigned records = before + load16(&message[10]);
  std::size_t at = out.question_end;
  for (unsigned i = 0; i < records; ++i) {
    Record record;
    Defect defect = read_record(message, at, record);
    if (defect == Defect::none && i >= before) defect = read_opt(message, record, out);
    if (defect != Defect::none) return defect;
  }
  return Defect::none;
}

}  // namespace

Defect read_questions(std::span<const std::uint8_t> message, unsigned count, Query& out,
                      std::span<std::uint8_t> scratch) {
  std::size_t at = kHeaderOctets;
  for (unsigned i = 0; i < count; ++i) {
    std::span<const std::uint8_t> name;
    const std::size_t start = at;
    Defect defect = read_question_name(message, at, name);
    const bool packed = defect == Defect::pointer && !scratch.empty();
    if (packed) {
      defect = expand_name(message, start, scratch, name, at);
      scratch = scratch.subspan(name.size());
    }
    if (defect != Defect::none) return defect;
    if (message.size() - at < 4) return Defect::cut_question;
    if (i == kMaxQuestions) return Defect::question_count;
    const std::uint16_t query_class = load16(&message[at + 2]);
    if (i == 0) {
      out.name = packed ? std::span<const std::uint8_t>(kRoot) : name;
      out.type = load16(&message[at]);
    }
    if (name.size() > 1 && (query_class == kClassIn || query_class == kClassAny)) {
      out.names[out.name_count++] = name;
    }
    at += 4;
    out.question_count = static_cast<std::uint8_t>(i + 1);
    out.question_end = static_cast<std::uint16_t>(at);
  }
  return Defect::none;
}

bool parse_plain_query(std::span<const std::uint8_t> message, Query& out, name::FoldedName& name) {
  if (message.size() < kHeaderOctets || (message[2] & 0xf8) != 0) return false;
  // QDCOUNT 1, ANCOUNT and NSCOUNT 0, ARCOUNT 0 or 1.
  const unsigned additional = load16(&message[10]);
  if (packet::load32(&message[4]) != 0x10000 || load16(&message[8]) != 0 || additional > 1) {
    return false;
  }
  std::size_t at = kHeaderOctets;
  if (name::fold_wire(message, at, name) != name::WireEnd::root) return false;
  if (name.label_count == 0 || message.size() - at < 4) return false;
  const std::uint16_t query_class = load16(&message[at + 2]);
  if (query_class != kClassIn && query_class != kClassAny) return false;
  out.clear();
  const auto wire = message.subspan(kHeaderOctets, at - kHeaderOctets);
  out.name = wire;
  out.names[0] = wire;
  out.name_count = 1;
  out.type = load16(&message[at]);
  out.question_count = 1;
  out.question_end = static_cast<std::uint16_t>(at + 4);
  return additional == 0 || walk_records(message, out) == Defect::none;
}

Outcome parse_query(std::span<const std::uint8_t> message, Query& out,
                    std::span<std::uint8_t> scratch) {
  out.clear();
  if (message.size() < kHeaderOctets) {
    out.defect = Defect::short_header;
    return Outcome::malformed;
  }
  // A response, or any opcode but QUERY: not a question that is asked here.
  if ((message[2] & 0xf8) != 0) return Outcome::no_name;
  const unsigned questions = load16(&message[4]);
  out.defect =
      questions == 0 ? Defect::question_count : read_questions(message, questions, out, scratch);
  if (out.defect == Defect::none) out.defect = walk_records(message, out);
  // What a lenient server acts on is what could be read.
  if (out.name_count > 0) return Outcome::found;
  return out.defect == Defect::none ? Outcome::no_name : Outcome::malformed;
}

}  // namespace sluice::inspect::dns
