// What holds for any cut, order and repetition of a ClientHello: its name is found, once the last
// octet of it is there. rapidcheck makes the cases and shrinks those that fail; RC_PARAMS in the
// environment repeats one.
#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <string>
#include <unistd.h>
#include <utility>

#include "config/generation/writer.h"
#include "dataplane/flow/assembly.h"
#include "dataplane/inspect/tls/client_hello.h"
#include "dataplane/inspect/tls/dtls.h"
#include "dataplane/pipeline/pipeline.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice {
namespace {

using test::Bytes;

constexpr std::uint32_t kInitialSequence = 0xffffff80;  // wraps within every ClientHello

/// Octets [first, second) of a stream.
using Piece = std::pair<std::size_t, std::size_t>;

rc::Gen<std::string> host_name() {
  const auto label = rc::gen::mapcat(rc::gen::inRange<std::size_t>(1, 20), [](std::size_t octets) {
    return rc::gen::container<std::string>(
        octets, rc::gen::elementOf(std::string("abcdefghijklmnopqrstuvwxyz0123456789")));
  });
  return rc::gen::apply([](const std::string& one,
                           const std::string& other) { return one + "." + other + ".example"; },
                        label, label);
}

/// With an extension of any octets before the name, zeros among them.
rc::Gen<Bytes> hello_for(const std::string& name) {
  const auto filler = rc::gen::container<Bytes>(rc::gen::weightedOneOf<std::uint8_t>(
      {{1, rc::gen::just<std::uint8_t>(0)}, {1, rc::gen::arbitrary<std::uint8_t>()}}));
  return rc::gen::map(filler, [name](const Bytes& octets) {
    Bytes extensions = test::extension(0xabcd, octets);
    test::put(extensions, test::server_name({name}));
    return test::client_hello(extensions);
  });
}

/// All of a stream's octets in pieces, each of them once or twice, in any order; some overlap.
rc::Gen<std::vector<Piece>> pieces_of(std::size_t octets) {
  const auto cuts =
      rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, octets));
  const auto seed = rc::gen::arbitrary<std::uint32_t>();
  const auto reach = rc::gen::inRange<std::size_t>(0, 40);  // octets beyond the piece's own
  return rc::gen::apply(
      [octets](std::vector<std::size_t> at, std::uint32_t order, std::size_t more) {
        at.push_back(0);
        at.push_back(octets);
        std::sort(at.begin(), at.end());
        std::vector<Piece> pieces;
        for (std::size_t i = 0; i + 1 < at.size(); ++i) {
          if (at[i] == at[i + 1]) continue;
          pieces.emplace_back(at[i], std::min(octets, at[i + 1] + (order >> i % 32 & 1) * more));
          if ((order >> (i + 7) % 32 & 1) != 0) pieces.emplace_back(at[i], at[i + 1]);
        }
        std::shuffle(pieces.begin(), pieces.end(), std::mt19937(order));
        return pieces;
      },
      cuts, seed, reach);
}

/// The number of pieces, in their order, after which all octets were sent.
std::size_t complete_after(const std::vector<Piece>& pieces, std::size_t octets) {
  std::vector<bool> sent(octets);
  std::size_t missing = octets;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    for (std::size_t at = pieces[i].first; at < pieces[i].second; ++at) {
      if (!sent[at]) --missing;
      sent[at] = true;
    }
    if (missing == 0) return i + 1;
  }
  return pieces.size() + 1;
}

class Gateway {
 public:
  Gateway() {
    const auto path = std::filesystem::temp_directory_path() /
                      ("sluice-property-" + std::to_string(getpid()) + ".lmdb");
    auto writer = generation::Writer::create(path);
    const auto gambling = policy::find_category("gambling")->id;
    RC_ASSERT(writer && writer->append("example.", std::vector<generation::Record>{{0, gambling}}));
    RC_ASSERT(bool(writer->finish(1, "t")));
    auto generation = generation::Generation::open(path);
    std::filesystem::remove(path);
    RC_ASSERT(bool(generation));
    policy::PolicySet set;
    set.policies = {{"pupils", policy::bit(gambling), 0}};
    set.default_policy = "pupils";
    auto snapshot = index::Snapshot::build(*generation, set, {}, 1);
    RC_ASSERT(bool(snapshot));
    snapshot_ = std::move(*snapshot);
  }

  /// A segment by itself; what became of it, and the names that it told.
  pipeline::Fate send(const Bytes& payload, std::uint32_t sequence, std::uint8_t flags) {
    Bytes frame = test::frame(
        payload,
        {.protocol = 6, .destination_port = 443, .sequence = sequence, .tcp_flags = flags});
    const auto length = static_cast<std::uint32_t>(frame.size());
    pipeline::Packet packet{
        .data = frame.data(), .length = length, .capacity = length, .judge = true};
    pipeline_->process(*snapshot_, {&packet, 1}, now_ms_);
    for (std::size_t i = 0; i < pipeline_->findings().size(); ++i) {
      names_.push_back(name::display(pipeline_->name(i)));
    }
    return packet.fate;
  }
  /// What was sent before is forgotten by then.
  void begin() {
    now_ms_ += 100'000;
    names_.clear();
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  std::unique_ptr<const index::Snapshot> snapshot_;
  stats::Counters counters_;
  std::unique_ptr<pipeline::Pipeline> pipeline_ =
      std::make_unique<pipeline::Pipeline>(0, 7, counters_, nullptr);
  std::uint64_t now_ms_ = 0;
  std::vector<std::string> names_;
};

RC_GTEST_PROP(StreamProperty, TheLastMissingOctetOfAClientHelloIsWithheld, ()) {
  static Gateway gateway;
  const std::string name = *host_name();
  const Bytes hello = *hello_for(name);
  const std::vector<Piece> pieces = *pieces_of(hello.size());
  const std::size_t completing = complete_after(pieces, hello.size());

  gateway.begin();
  RC_ASSERT(gateway.send({}, kInitialSequence, packet::kTcpSyn) == pipeline::Fate::forward);
  bool refused = false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto [from, to] = pieces[i];
    const Bytes payload(hello.begin() + static_cast<std::ptrdiff_t>(from),
                        hello.begin() + static_cast<std::ptrdiff_t>(to));
    const auto sequence = static_cast<std::uint32_t>(kInitialSequence + 1 + from);
    const bool forwarded = gateway.send(payload, sequence, packet::kTcpPsh | packet::kTcpAck) ==
                           pipeline::Fate::forward;
    refused = refused || !forwarded;
    // The name may be readable before the ClientHello's end, and never later.
    RC_ASSERT(forwarded == !refused);
    RC_ASSERT(refused || i + 1 < completing);
  }
  RC_ASSERT(gateway.names() == std::vector<std::string>{name});
}

RC_GTEST_PROP(StreamProperty, AnAssemblyHoldsTheStreamThatWasCut, ()) {
  const std::string name = *host_name();
  const Bytes record = *hello_for(name);
  // As CRYPTO frames carry it: the handshake message without its record.
  const Bytes message(record.begin() + 5, record.end());
  const std::vector<Piece> pieces = *pieces_of(message.size());
  const auto storage = std::make_unique<flow::AssemblyStorage<2048>>();
  flow::Assembly assembly(*storage);
  for (const auto& [from, to] : pieces) {
    RC_ASSERT(assembly.write(from, std::span(message).subspan(from, to - from)) ==
              flow::Written::stored);
  }
  const auto octets = assembly.contiguous();
  RC_ASSERT(std::equal(octets.begin(), octets.end(), message.begin(), message.end()));
  RC_ASSERT(assembly.end() == message.size() && !assembly.overflowed());
}

RC_GTEST_PROP(StreamProperty, DtlsFragmentsInAnyOrderTellTheName, ()) {
  const std::string name = *host_name();
  const Bytes record = *hello_for(name);
  // RFC 6347 4.3.2: the version, and a cookie's length behind the session id.
  Bytes body(record.begin() + 9, record.end());
  body[0] = 0xfe;
  body[1] = 0xfd;
  body.insert(body.begin() + 35, 0);
  const std::vector<Piece> pieces = *pieces_of(body.size());
  const std::size_t completing = complete_after(pieces, body.size());

  const auto storage = std::make_unique<flow::AssemblyStorage<2048>>();
  flow::Assembly assembly(*storage);
  inspect::tls::DtlsHello told;
  for (std::size_t i = 0; i < completing; ++i) {
    const auto [from, to] = pieces[i];
    Bytes handshake = {1};
    const auto put24 = [&handshake](std::size_t value) {
      handshake.push_back(static_cast<std::uint8_t>(value >> 16));
      test::put16(handshake, static_cast<unsigned>(value & 0xffff));
    };
    put24(body.size());
    test::put16(handshake, 0);  // message_seq
    put24(from);
    put24(to - from);
    handshake.insert(handshake.end(), body.begin() + static_cast<std::ptrdiff_t>(from),
                     body.begin() + static_cast<std::ptrdiff_t>(to));
    Bytes datagram = {22, 0xfe, 0xfd};
    datagram.resize(11);  // epoch and sequence number
    test::put16(datagram, static_cast<unsigned>(handshake.size()));
    test::put(datagram, handshake);
    const inspect::Outcome outcome = inspect::tls::parse_dtls(datagram, assembly, told);
    RC_ASSERT(outcome ==
              (i + 1 == completing ? inspect::Outcome::found : inspect::Outcome::need_more));
  }
  RC_ASSERT(told.hello.name_count == 1U);
  RC_ASSERT(told.hello.names[0] == name);
}

}  // namespace
}  // namespace sluice
