// The CRYPTO streams of one connection's attempts, put together from the first copy of each octet.
#pragma once

#include <array>

#include "dataplane/flow/assembly.h"
#include "dataplane/inspect/quic/frames.h"
#include "dataplane/inspect/quic/initial.h"

namespace sluice::test {

struct Seen {
  inspect::Outcome outcome = inspect::Outcome::malformed;  // of the latest Initial's stream
  inspect::quic::Defect defect = inspect::quic::Defect::none;
  inspect::quic::FrameDefect frames = inspect::quic::FrameDefect::none;
  inspect::tls::ClientHello hello;
  std::uint32_t opened = 0;
  std::uint32_t crypto_octets = 0;
  std::uint8_t stream = 0;
  bool new_stream = false;
  bool conflict = false;
};

class Streams {
 public:
  static constexpr std::size_t kOctets = 4096;

  Streams() { forget(); }
  void forget() {
    for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i] = flow::Assembly(storage_[i]);
  }
  [[nodiscard]] flow::Assembly& operator[](std::size_t stream) { return streams_[stream]; }

  Seen see(std::span<const std::uint8_t> datagram, inspect::quic::Crypto& crypto,
           inspect::quic::Connection& connection) {
    Seen seen;
    inspect::quic::InitialReader reader(datagram, crypto, connection);
    inspect::quic::Opened opened;
    auto dialect = inspect::quic::Dialect::ietf;
    while (reader.next(opened)) {
      ++seen.opened;
      seen.stream = opened.stream;  // a call that opens nothing leaves nothing of use
      dialect = opened.dialect;
      seen.new_stream = seen.new_stream || opened.new_stream;
      flow::Assembly& stream = streams_[opened.stream];
      if (opened.new_stream) stream.clear();
      inspect::quic::FrameReader frames(opened.frames, opened.dialect);
      std::uint64_t offset = 0;
      std::span<const std::uint8_t> octets;
      while (frames.next_crypto(offset, octets)) {
        seen.crypto_octets += static_cast<std::uint32_t>(octets.size());
        if (stream.write(offset, octets) == flow::Written::conflict) seen.conflict = true;
      }
      if (seen.frames == inspect::quic::FrameDefect::none) seen.frames = frames.defect();
    }
    seen.defect = reader.defect();
    if (seen.opened == 0) return seen;
    seen.outcome =
        inspect::quic::read_hello(streams_[seen.stream].contiguous(), dialect, seen.hello);
    if (seen.hello.complete) connection.done |= static_cast<std::uint8_t>(1U << seen.stream);
    return seen;
  }

 private:
  std::array<flow::AssemblyStorage<kOctets>, inspect::quic::kMaxStreams> storage_;
  std::array<flow::Assembly, inspect::quic::kMaxStreams> streams_;
};

}  // namespace sluice::test
