#include "dataplane/inspect/dns/query.h"

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::dns {
namespace {

using packet::load16;

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

Defect read_questions(std::span<const std::uint8_t> message, unsigned count, Query& out) {
  std::size_t at = kHeaderOctets;
  for (unsigned i = 0; i < count; ++i) {
    std::span<const std::uint8_t> name;
    const Defect defect = read_question_name(message, at, name);
    if (defect != Defect::none) return defect;
    if (message.size() - at < 4) return Defect::cut_question;
    const std::uint16_t query_class = load16(&message[at + 2]);
    if (i == 0) {
      out.name = name;
      out.type = load16(&message[at]);
    }
    if (name.size() > 1 && (query_class == kClassIn || query_class == kClassAny)) {
      out.names[out.name_count++] = name;
    }
    at += 4;
  }
  out.question_count = static_cast<std::uint8_t>(count);
  out.question_end = static_cast<std::uint16_t>(at);
  return Defect::none;
}

Outcome parse_query(std::span<const std::uint8_t> message, Query& out) {
  out = {};
  const auto refuse = [&out](Defect defect) {
    out.defect = defect;
    return Outcome::malformed;
  };
  if (message.size() < kHeaderOctets) return refuse(Defect::short_header);
  // A response, or any opcode but QUERY: not a question that is asked here.
  if ((message[2] & 0xf8) != 0) return Outcome::no_name;
  const unsigned questions = load16(&message[4]);
  if (questions == 0 || questions > kMaxQuestions) return refuse(Defect::question_count);
  Defect defect = read_questions(message, questions, out);
  if (defect == Defect::none) defect = walk_records(message, out);
  if (defect != Defect::none) return refuse(defect);
  return out.name_count > 0 ? Outcome::found : Outcome::no_name;
}

}  // namespace sluice::inspect::dns
