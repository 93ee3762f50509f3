// Captures in and out, for any link type that the pipeline can be shown: Ethernet, raw IP, Linux
// cooked (SLL, SLL2), PPP, NFLOG, BSD null and loop. What is not Ethernet is given an Ethernet
// header to be judged under, and its own header back when it is written.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/time.h>
#include <vector>

#include "config/base/result.h"

struct pcap;
struct pcap_dumper;

namespace sluice::replay {

struct Captured {
  std::uint64_t number = 0;  // from 1
  timeval time{};
  std::vector<std::uint8_t> original;  // as it stands in the file
  std::vector<std::uint8_t> ethernet;  // as the pipeline sees it, with room for an answer behind
  std::uint32_t ethernet_length = 0;
  bool snapped = false;  // the packet was longer than what was captured

  [[nodiscard]] std::span<const std::uint8_t> ethernet_view() const {
    return std::span(ethernet).first(ethernet_length);
  }
};

class Reader {
 public:
  [[nodiscard]] static Result<Reader> open(const std::filesystem::path& file);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  /// nullopt at the end; an error names the packet where the file breaks off.
  [[nodiscard]] Result<std::optional<Captured>> next();
  [[nodiscard]] int link_type() const { return link_type_; }

 private:
  Reader() = default;
  [[nodiscard]] std::optional<std::uint16_t> link_header(std::span<const std::uint8_t> bytes,
                                                         std::size_t& octets) const;
  struct Close {
    void operator()(pcap* handle) const;
  };
  std::unique_ptr<pcap, Close> handle_;
  std::string file_;
  int link_type_ = 0;
  std::uint64_t count_ = 0;
};

class Writer {
 public:
  [[nodiscard]] static Result<Writer> create(const std::filesystem::path& file, int link_type);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  void write_original(const Captured& packet);
  /// A frame that the pipeline made, under the link header of the packet that caused it.
  void write_made(const Captured& cause, std::span<const std::uint8_t> ethernet);
  /// Flushes; says whether everything reached the file.
  [[nodiscard]] Status close();

 private:
  Writer() = default;
  void write(const timeval& time, std::span<const std::uint8_t> bytes);
  struct Close {
    void operator()(pcap* handle) const;
    void operator()(pcap_dumper* dumper) const;
  };
  std::unique_ptr<pcap, Close> handle_;
  std::unique_ptr<pcap_dumper, Close> dumper_;
  std::string file_;
  int link_type_ = 0;
};

}  // namespace sluice::replay
