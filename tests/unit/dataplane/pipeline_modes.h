// A device behind a policy of curated names or with budgets, and what it sends and gets.
#pragma once

#include <algorithm>

#include "tests/unit/dataplane/pipeline_case.h"

namespace sluice::pipeline {

inline constexpr std::int64_t kEnd = 1000;
inline constexpr std::uint8_t kSyn = 0x02;

class PipelineModesTest : public PipelineCase {
 protected:
  void SetUp() override {
    use({.word = "study", .group = "default", .policy = "lesson", .until = kEnd});
  }
  void use(const policy::Mode& mode, bool refuse_unnamed = true) {
    policy::PolicySet set;
    set.curated = {{"lessons", {"learn.org"}, {"cdn.net"}, {"game.learn.org"}},
                   {"exam", {"paper.net"}, {}, {}}};
    set.policies = {
        {.name = "open"},
        {.name = "lesson", .only = policy::Only{.lists = 1, .refuse_unnamed = refuse_unnamed}},
        {.name = "exam", .only = policy::Only{.lists = 2}}};
    set.default_policy = "open";
    set.modes = {mode};
    PipelineCase::use(set);
    (void)snapshot_->set_time(0);
  }
  static Bytes turned(Bytes frame) {
    std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);  // addresses
    std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
    return frame;
  }
  Fate tcp(const Bytes& payload, std::uint16_t port, std::uint8_t flags = 0x18,
           std::uint32_t sequence = 100) {
    return run(test::frame(payload, {.protocol = 6,
                                     .source_port = port,
                                     .destination_port = 443,
                                     .sequence = sequence,
                                     .tcp_flags = flags}));
  }
  Fate tcp_answer(std::string_view text, std::uint16_t port, std::uint8_t flags = 0x18) {
    Bytes payload;
    test::put(payload, text);
    return run(turned(test::frame(payload, {.protocol = 6,
                                            .source_port = 443,
                                            .destination_port = port,
                                            .sequence = 7,
                                            .tcp_flags = flags})),
               false);
  }
  Fate udp(const Bytes& payload, std::uint16_t to, std::uint8_t destination = 0) {
    return run(
        test::frame(payload, {.destination_port = to, .first_destination_octet = destination}));
  }
  /// A server's answer for www.learn.org: so many aliases of it, each edgeN.elsewhere.net.
  static Bytes aliases(unsigned count) {
    Bytes response;
    test::put16(response, 0x1234);
    test::put16(response, 0x8180);
    for (const unsigned records : {1U, count, 0U, 0U}) test::put16(response, records);
    test::put(response, test::wire_name("www.learn.org"));
    test::put16(response, 1);
    test::put16(response, 1);
    for (unsigned i = 0; i < count; ++i) {
      const Bytes target = test::wire_name("edge" + std::to_string(i) + ".elsewhere.net");
      test::put16(response, 0xc00c);
      test::put16(response, 5);
      test::put16(response, 1);
      test::put32(response, 60);
      test::put16(response, static_cast<unsigned>(target.size()));
      test::put(response, target);
    }
    return turned(test::frame(response, {.source_port = 53, .destination_port = 50000}));
  }
  static Bytes dhcp() {
    Bytes message(240, 0);
    message[0] = 1;
    const std::array<std::uint8_t, 4> cookie = {0x63, 0x82, 0x53, 0x63};
    std::copy(cookie.begin(), cookie.end(), message.begin() + 236);
    message.insert(message.end(), {53, 1, 1, 255});
    return message;
  }
  static Bytes ntp() {
    Bytes message(48, 0);
    message[0] = 0x23;
    return message;
  }
  Fate ask(std::string_view name) { return udp(test::dns_query(name, {.opt = true}), 53); }
  Fate hello(std::string_view name, std::uint16_t port) {
    return tcp(test::client_hello(test::server_name({name})), port);
  }
  [[nodiscard]] const policy::Verdict& verdict() const { return pipeline_->findings()[0].verdict; }
};

}  // namespace sluice::pipeline
