// Connections of clients behind a policy that blocks gambling.
#pragma once

#include <algorithm>

#include "tests/unit/dataplane/pipeline_case.h"

namespace sluice::pipeline {

class PipelineFlowTest : public PipelineCase {
 protected:
  void use(bool strict) {
    policy::PolicySet set;
    set.policies = {{"pupils", policy::bit(policy::find_category("gambling")->id), 0, strict}};
    set.default_policy = "pupils";
    PipelineCase::use(set);
  }
  void SetUp() override { use(false); }
  Fate tcp(const Bytes& payload, std::uint16_t port, std::uint32_t sequence,
           std::uint8_t flags = 0x18, std::uint16_t to = 443) {
    return run(test::frame(payload, {.protocol = 6,
                                     .source_port = port,
                                     .destination_port = to,
                                     .sequence = sequence,
                                     .tcp_flags = flags}));
  }
  static Bytes part(const Bytes& of, std::size_t from, std::size_t to) {
    return {of.begin() + static_cast<long>(from), of.begin() + static_cast<long>(to)};
  }
  static Bytes request(std::string_view host, std::string_view fields = "") {
    Bytes out;
    test::put(out, "GET / HTTP/1.1\r\nHost: ");
    test::put(out, host);
    test::put(out, "\r\n");
    test::put(out, fields);
    test::put(out, "\r\n");
    return out;
  }
  /// A server's segment, from port 80.
  Fate answer(std::string_view text, std::uint16_t port, std::uint8_t flags = 0x18) {
    Bytes payload;
    test::put(payload, text);
    Bytes frame = test::frame(payload, {.protocol = 6,
                                        .source_port = 80,
                                        .destination_port = port,
                                        .sequence = 7,
                                        .tcp_flags = flags});
    std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);  // addresses
    return run(frame, false);
  }
  std::uint64_t count(stats::Id id) const { return counters_.value(id); }

  const Bytes bad_ = test::client_hello(test::server_name({"www.example.com"}));
  const Bytes good_ = test::client_hello(test::server_name({"www.permitted.org"}));
};

}  // namespace sluice::pipeline
