// A client behind a policy with safe search, and what it sends and gets, octet by octet.
#pragma once

#include <algorithm>

#include "tests/unit/dataplane/pipeline_case.h"

namespace sluice::pipeline {

inline constexpr std::uint16_t kA = 1;
inline constexpr std::uint16_t kCname = 5;
inline constexpr std::uint16_t kAaaa = 28;
inline constexpr std::uint16_t kHttps = 65;

struct Answer {
  Bytes owner;
  std::uint16_t type = kA;
  std::uint32_t ttl = 300;
  Bytes data;
};

/// A response with these answers, and `behind` them.
inline Bytes dns_response(const Bytes& question, std::uint16_t flags,
                          const std::vector<Answer>& answers, const Bytes& behind = {},
                          unsigned authority = 0, unsigned additional = 0) {
  Bytes out;
  test::put16(out, 0x1234);
  test::put16(out, flags);
  test::put16(out, question.empty() ? 0 : 1);
  test::put16(out, static_cast<unsigned>(answers.size()));
  test::put16(out, authority);
  test::put16(out, additional);
  test::put(out, question);
  for (const Answer& answer : answers) {
    test::put(out, answer.owner);
    test::put16(out, answer.type);
    test::put16(out, 1);
    test::put32(out, answer.ttl);
    test::put16(out, static_cast<unsigned>(answer.data.size()));
    test::put(out, answer.data);
  }
  test::put(out, behind);
  return out;
}

/// A pointer to a name in the message.
inline Bytes packed(std::uint16_t at) {
  Bytes out;
  test::put16(out, 0xc000U | at);
  return out;
}

inline Bytes question(std::string_view name, std::uint16_t type = kA) {
  Bytes out = test::wire_name(name);
  test::put16(out, type);
  test::put16(out, 1);
  return out;
}

inline Bytes opt(std::uint16_t size, bool dnssec_ok, const Bytes& options = {}) {
  Bytes out = {0, 0, 41};
  test::put16(out, size);
  test::put16(out, 0);
  test::put16(out, dnssec_ok ? 0x8000 : 0);
  test::put16(out, static_cast<unsigned>(options.size()));
  test::put(out, options);
  return out;
}

/// The error that tells why: RFC 8914, Forged Answer or Other.
inline Bytes extended_error(std::uint16_t code) {
  Bytes out = {0, 15, 0, 13};
  test::put16(out, code);
  test::put(out, std::string_view("safe search"));
  return out;
}

class SafeSearchCase : public PipelineCase {
 protected:
  void SetUp() override { use_level(policy::SafeSearch::strict); }
  void use_level(policy::SafeSearch level) {
    policy::PolicySet set;
    set.engines = {{"find",
                    {"www.find.net", "find.net", "www.bets.example"},
                    "safe.find.net",
                    "moderate.find.net"}};
    set.curated = {{"lessons", {"find.net"}, {}, {}}};
    const auto gambling = policy::bit(policy::find_category("gambling")->id);
    const auto video = policy::bit(policy::find_category("video")->id);
    set.policies = {{.name = "pupils", .blocked = gambling, .watched = video, .safe_search = level},
                    {.name = "open"},
                    {.name = "lesson", .only = policy::Only{.lists = 1}, .safe_search = level}};
    set.default_policy = "pupils";
    set.groups = {
        {"teachers", "open", {}, {policy::parse_prefix("192.0.2.200/32").value()}, {}, {}},
        {"lesson", "lesson", {}, {policy::parse_prefix("192.0.2.64/26").value()}, {}, {}}};
    use(set);
    (void)snapshot_->set_time(0);
  }
  Fate send(Bytes frame, bool inside = true) {
    const std::size_t length = frame.size();
    frame.resize(length + 1600);
    Packet packet{.data = frame.data(),
                  .length = static_cast<std::uint32_t>(length),
                  .capacity = static_cast<std::uint32_t>(frame.size()),
                  .judge = inside,
                  .answers = !inside};
    pipeline_->process(*snapshot_, {&packet, 1}, now_ms_);
    frame.resize(packet.length);
    out_ = frame;
    return packet.fate;
  }
  Fate ask(const Bytes& message, const test::FrameOptions& options = {}) {
    return send(test::frame(message, options));
  }
  /// From the server of such a frame.
  static Bytes turned(Bytes frame, bool ipv6 = false, std::size_t tags = 0) {
    const std::size_t at = 14 + tags * 4 + (ipv6 ? 8 : 12);
    const std::size_t octets = ipv6 ? 16 : 4;
    const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(at);
    std::swap_ranges(begin, begin + static_cast<std::ptrdiff_t>(octets),
                     begin + static_cast<std::ptrdiff_t>(octets));
    std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
    return frame;
  }
  Fate answer(const Bytes& message, test::FrameOptions options = {}) {
    std::swap(options.source_port, options.destination_port);
    return send(turned(test::frame(message, options), options.ipv6, options.vlans.size()), false);
  }
  /// The payload of what left, whose headers have to be right.
  [[nodiscard]] Bytes payload() const { return payload_of(out_, packet::FrameKind::udp); }
  static Bytes payload_of(std::span<const std::uint8_t> bytes, packet::FrameKind kind) {
    const packet::Frame frame = fuzz::check_made_frame(bytes, kind);
    const auto at = bytes.begin() + frame.payload_offset;
    return {at, at + frame.payload_length};
  }
  [[nodiscard]] std::uint64_t count(stats::Id id) const { return counters_.value(id); }

  static constexpr std::uint16_t kAnswered = 0x8180;
  Bytes address_ = {198, 51, 100, 7};
  Bytes unsafe_ = {203, 0, 113, 66};
  Bytes out_;
};

}  // namespace sluice::pipeline
