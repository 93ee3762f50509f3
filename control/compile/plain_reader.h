// Readers of the formats that browser filters, dnsmasq and response policy zones are written in.
// Each gives the names that its lines block, with what the format says of names below them, and
// rejects what means anything else: nothing is taken for more or for less than its author wrote.
//
// Thread safety: one thread per reader.
#pragma once

#include <string>
#include <string_view>

#include "control/compile/plain_word.h"

namespace sluice::compile {

/// What a format says a name stands for; bits, so that the parts of a policy zone add up.
enum class Said : std::uint8_t { nothing = 0, exact = 1, subs = 2, tree = 3 };

/// What a reader found in the line that it was given.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void take(std::string_view word, Said said) = 0;
  virtual void reject(Reason reason) = 0;
};

/// A rule of an Adblock list, without surrounding space: `||name^` with options that keep its
/// meaning.
void read_adblock_line(std::string_view text, LineSink& sink);
/// Whether a line can be nothing else.
[[nodiscard]] bool is_adblock_line(std::string_view text);

/// A line of dnsmasq's configuration, without surrounding space: `address=/a/b/#`, `local=/a/`.
void read_dnsmasq_line(std::string_view text, LineSink& sink);
[[nodiscard]] bool is_dnsmasq_line(std::string_view text);

/// A response policy zone in the text of RFC 1035 section 5, a line at a time. Owners are relative
/// to the owner of the SOA, or to the first $ORIGIN where there is none yet.
class ZoneReader {
 public:
  /// With its leading space, which repeats the owner before.
  void read_line(std::string_view text, LineSink& sink);
  /// Whether a '(' still waits for its ')'.
  [[nodiscard]] bool is_open() const { return depth_ > 0; }

 private:
  void directive(std::string_view text, LineSink& sink);
  void record(std::string_view text, LineSink& sink);
  [[nodiscard]] std::string full(std::string_view owner) const;

  // Names as they are written; one without a closing dot is relative to a zone that is not named.
  std::string zone_;
  std::string origin_;
  std::string owner_;
  bool has_soa_ = false;
  int depth_ = 0;
};
/// Whether a line begins a zone: $ORIGIN, $TTL, or a SOA.
[[nodiscard]] bool is_zone_start(std::string_view text);

}  // namespace sluice::compile
