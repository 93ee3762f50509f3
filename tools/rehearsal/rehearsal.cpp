// Plays traffic of every common kind through the pipeline, for the compiler to count where it goes:
// the data path is then compiled by what it was seen to do (tools/cmake/rehearsal.cmake). Part of
// the build; no network, no list, no clock, and the same frames each time.
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/pipeline/pipeline.h"
#include "tests/fuzz/generation.h"
#include "tests/unit/dataplane/builder.h"
#include "tests/unit/dataplane/quic/initial_builder.h"

namespace sluice {
namespace {

using pipeline::kBurst;
using test::Bytes;

constexpr std::size_t kListed = 20'000;  // enough to lie in more memory than the caches hold
constexpr std::size_t kFrames = 1'024;   // of a scene; a multiple of a burst
static_assert(kFrames % kBurst == 0);

/// Always the same numbers (Knuth's MMIX).
class Numbers {
 public:
  std::uint32_t below(std::uint32_t limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::uint32_t>((state_ >> 32) * limit >> 32);
  }

 private:
  std::uint64_t state_ = 1;
};

std::string make_label(Numbers& numbers) {
  std::string label;
  for (std::uint32_t left = 4 + numbers.below(14); left > 0; --left) {
    label += static_cast<char>('a' + numbers.below(26));
  }
  return label;
}

/// As registered: two labels, of some three.
std::string make_name(Numbers& numbers) {
  constexpr std::array kEnds = {".com", ".com", ".com", ".net", ".org", ".cn", ".com.cn", ".xyz"};
  return make_label(numbers) + kEnds[numbers.below(kEnds.size())];
}

std::string reversed(std::string_view name) {
  std::string key;
  while (!name.empty()) {
    const std::size_t dot = name.rfind('.');
    key += std::string(name.substr(dot + 1)) + '.';
    name = name.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  return key;
}

/// What comes from inside, and what a server sends back, in step.
struct Scene {
  std::vector<Bytes> inside;
  std::vector<Bytes> outside;
  unsigned times;
};

class Rehearsal {
 public:
  Rehearsal() {
    std::map<std::string, std::uint8_t> entries;
    const auto id = [](std::string_view category) { return policy::find_category(category)->id; };
    while (listed_.size() < kListed) {
      std::string name = make_name(numbers_);
      if (numbers_.below(8) == 0) name.insert(0, make_label(numbers_) + '.');
      if (!entries.emplace(reversed(name), id(numbers_.below(8) == 0 ? "video" : "gambling"))
               .second)
        continue;
      listed_.push_back(std::move(name));
    }
    const auto generation = fuzz::make_generation_of([&](const auto& add) {
      for (const auto& [key, category] : entries) add(key, {{0, category}});
    });
    small_ = fuzz::make_snapshot(generation, policy::DnsAnswer::nxdomain);
    for (auto& [snapshot, set] : {std::pair(&plain_, plain()), std::pair(&school_, school())}) {
      auto built = index::Snapshot::build(generation, set, {}, 1);
      SLUICE_EXPECT(built);
      *snapshot = std::move(*built);
    }
  }

  /// Everybody's, as most networks have it; a few groups, by addresses and VLANs; and many devices,
  /// mostly by MAC addresses, with safe search.
  enum class Policy { plain, small, school };
  void set_policy(Policy policy) {
    snapshot_ = policy == Policy::plain   ? plain_.get()
                : policy == Policy::small ? small_.get()
                                          : school_.get();
  }

  /// A host's name, below a listed one or below none.
  std::string host(bool listed) {
    constexpr std::array kHosts = {"", "www.", "www.", "m.", "static.cdn."};
    const auto of = listed ? listed_[numbers_.below(kListed)] : make_name(numbers_);
    return kHosts[numbers_.below(kHosts.size())] + of;
  }
  /// Of some client: every eighth over IPv6, every eighth in a VLAN.
  test::FrameOptions any_client(std::size_t i) {
    test::FrameOptions options;
    options.source_port = static_cast<std::uint16_t>(1024 + i);
    options.last_source_octet = static_cast<std::uint8_t>(1 + numbers_.below(250));
    options.ipv6 = numbers_.below(8) == 0;
    if (numbers_.below(8) == 0) options.vlans = {{0x8100, 20}};
    return options;
  }
  /// Its server's side.
  static test::FrameOptions turned(test::FrameOptions options) {
    std::swap(options.source_port, options.destination_port);
    options.sequence = 2000;
    options.acknowledgement = 1000;
    return options;
  }

  Scene queries(bool listed, unsigned times) {
    constexpr std::array<std::uint16_t, 4> kTypes = {1, 1, 28, 65};
    Scene scene{{}, {}, times};
    for (std::size_t i = 0; i < kFrames; ++i) {
      const test::DnsOptions options{.type = kTypes[numbers_.below(4)],
                                     .opt = numbers_.below(2) == 0};
      scene.inside.push_back(test::frame(test::dns_query(host(listed), options), any_client(i)));
    }
    return scene;
  }
  /// An A record for what was asked, as servers send it.
  Scene responses(unsigned times) {
    Scene scene{{}, {}, times};
    for (std::size_t i = 0; i < kFrames; ++i) {
      Bytes message = test::dns_query(host(false), {.flags = 0x8180});
      message[7] = 1;
      test::put(message, Bytes{0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1});
      scene.outside.push_back(test::frame(message, turned(any_client(i))));
    }
    return scene;
  }
  template <class Payload>
  Scene streams(unsigned times, bool answered, std::uint16_t port, Payload payload) {
    Scene scene{{}, {}, times};
    for (std::size_t i = 0; i < kFrames; ++i) {
      test::FrameOptions options = any_client(i);
      options.protocol = 6;
      options.destination_port = port;
      const Bytes octets = payload();
      if (answered) {
        test::FrameOptions back = turned(options);
        back.acknowledgement = options.sequence + static_cast<std::uint32_t>(octets.size());
        scene.outside.push_back(test::frame(Bytes(120, 22), back));
      }
      scene.inside.push_back(test::frame(octets, options));
    }
    return scene;
  }
  Bytes hello(bool listed) {
    const std::string name = host(listed);
    return test::client_hello(
        test::joined({test::extension(0x0a0a, {}), test::server_name({name}),
                      test::extension(10, Bytes(10)), test::extension(13, Bytes(18)),
                      test::extension(16, Bytes(14)), test::extension(51, Bytes(43)),
                      test::extension(43, Bytes(7)), test::extension(21, Bytes(200))}));
  }
  Bytes request(bool listed) {
    const std::string text = "GET /index.html HTTP/1.1\r\nHost: " + host(listed) +
                             "\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n";
    return {text.begin(), text.end()};
  }
  /// Of so many clients, that each go on with connections of their own.
  Scene initials(unsigned times, std::size_t clients) {
    Scene scene{{}, {}, times};
    for (std::size_t i = 0; i < kFrames; ++i) {
      test::FrameOptions options;
      options.source_port = static_cast<std::uint16_t>(1024 + i % clients);
      options.destination_port = 443;
      Bytes id(8, static_cast<std::uint8_t>(i));
      id[1] = static_cast<std::uint8_t>(i >> 8);
      scene.inside.push_back(
          test::frame(test::protect(test::crypto_frame(0, test::handshake_hello(host(false), 200)),
                                    {.destination = id, .payload_least = 1165}),
                      options));
    }
    return scene;
  }

  void play(const Scene& scene) {
    const bool both = !scene.inside.empty() && !scene.outside.empty();
    const std::size_t frames = std::max(scene.inside.size(), scene.outside.size());
    for (unsigned time = 0; time < scene.times; ++time) {
      for (std::size_t at = 0; at < frames; at += kBurst) {
        if (!scene.inside.empty()) burst(scene.inside, at, true);
        if (both || scene.inside.empty()) burst(scene.outside, at, false);
      }
    }
  }
  [[nodiscard]] const stats::Counters& counters() const { return counters_; }

 private:
  static policy::PolicySet plain() {
    policy::PolicySet set;
    set.policies = {{"everyone", policy::bit(policy::find_category("gambling")->id), 0}};
    set.default_policy = "everyone";
    set.answer.dns = policy::DnsAnswer::nxdomain;
    return set;
  }
  static policy::PolicySet school() {
    policy::PolicySet set = plain();
    set.policies.push_back(set.policies[0]);
    set.policies[1].name = "pupils";
    set.policies[1].safe_search = policy::SafeSearch::strict;
    set.engines = {{"find", {"find.com", "www.find.com"}, "safe.find.com", ""}};
    set.groups = {{"by mac", "pupils", {}, {}, {}, {}}, {"by address", "pupils", {}, {}, {}, {}}};
    for (std::size_t i = 0; i < kFrames; ++i) {
      if (i % 8 < 5) set.groups[0].macs.push_back(mac_of(i));
    }
    for (unsigned i = 1; i < 250; ++i) {
      set.groups[1].prefixes.push_back(
          policy::parse_prefix("192.0.2." + std::to_string(i) + "/32").value());
    }
    set.groups[1].prefixes.push_back(policy::parse_prefix("192.0.2.0/24").value());
    return set;
  }
  static policy::Mac mac_of(std::size_t i) {
    return {2, 0, 0, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
  }

  void burst(const std::vector<Bytes>& frames, std::size_t at, bool inside) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      const Bytes& frame = frames[at + i];
      std::copy(frame.begin(), frame.end(), buffers_[i].begin());
      const policy::Mac mac = mac_of(at + i);
      std::copy(mac.begin(), mac.end(), buffers_[i].begin() + (inside ? 6 : 0));
      packets_[i] = {};
      packets_[i].data = buffers_[i].data();
      packets_[i].length = static_cast<std::uint32_t>(frame.size());
      packets_[i].capacity = buffers_[i].size();
      packets_[i].judge = inside;
      packets_[i].answers = !inside;
    }
    pipeline_->process(*snapshot_, packets_, ++now_ms_);
    stats::BlockEvent event;
    while (events_.pop(event)) {
    }
  }

  Numbers numbers_;
  std::vector<std::string> listed_;
  std::unique_ptr<const index::Snapshot> plain_;
  std::unique_ptr<const index::Snapshot> small_;
  std::unique_ptr<const index::Snapshot> school_;
  const index::Snapshot* snapshot_ = nullptr;
  stats::Counters counters_;
  stats::EventRing events_;
  std::unique_ptr<pipeline::Pipeline> pipeline_ =
      std::make_unique<pipeline::Pipeline>(0, 7, counters_, &events_);
  std::array<pipeline::Packet, kBurst> packets_;
  std::array<std::array<std::uint8_t, 2048>, kBurst> buffers_;
  std::uint64_t now_ms_ = 1;
};

// As often as it is seen on a wire, more or less; what is rare is there for its branches.
int run() {
  Rehearsal rehearsal;
  using enum Rehearsal::Policy;
  for (const Rehearsal::Policy policy : {plain, small, plain, school}) {
    rehearsal.set_policy(policy);
    const auto segment = [] { return Bytes(1200, 0x17); };
    rehearsal.play(rehearsal.streams(40, false, 443, segment));
    rehearsal.play(rehearsal.streams(40, false, 443, [] { return Bytes(); }));
    rehearsal.play(rehearsal.queries(false, 80));
    rehearsal.play(rehearsal.queries(true, 30));
    rehearsal.play(rehearsal.responses(20));
    rehearsal.play(rehearsal.streams(40, true, 443, [&] { return rehearsal.hello(false); }));
    rehearsal.play(rehearsal.streams(20, false, 443, [&] { return rehearsal.hello(false); }));
    rehearsal.play(rehearsal.streams(2, true, 443, [&] { return rehearsal.hello(true); }));
    rehearsal.play(rehearsal.streams(10, true, 80, [&] { return rehearsal.request(false); }));
    rehearsal.play(rehearsal.initials(8, 64));
    rehearsal.play(rehearsal.initials(8, kFrames));
  }
  // A rehearsal that misses its cues would have the compiler optimise for nothing.
  using stats::Id;
  for (const Id id : {Id::dns_blocked, Id::dns_queries, Id::dns_responses, Id::tls_client_hellos,
                      Id::tls_blocked, Id::http_requests, Id::quic_client_hellos}) {
    if (rehearsal.counters().value(id) > 0) continue;
    std::fprintf(stderr, "rehearsal: nothing of kind %u was seen\n", static_cast<unsigned>(id));
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace sluice

int main() { return sluice::run(); }
