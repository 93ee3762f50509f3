// A YAML file as a tree of text with places. yaml-cpp's own nodes will not do: they keep the last
// of two equal keys in silence and read `012` as ten. Here every scalar stays the text that the
// person wrote, and its meaning is decided by the table of keys.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/schema/config.h"

namespace sluice::schema {

/// Holds 100,000 devices by their MAC addresses several times.
inline constexpr std::size_t kMaxFileOctets = std::size_t{16} << 20;
inline constexpr std::size_t kMaxDepth = 16;

/// Line and column from 1, the column in characters as editors count them.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

enum class Form : std::uint8_t {
  nothing,  // no value, or null
  scalar,
  list,
  mapping,
  refused,  // already reported: an alias, or nesting too deep
};

struct Member;

struct TextNode {
  Form form = Form::nothing;
  Place place;
  std::string text;             // of a scalar
  bool plain = false;           // a scalar without quotes
  std::vector<TextNode> items;  // of a list
  std::vector<Member> members;  // of a mapping, in file order, duplicates included

  // Set by check(): whether the value keeps to its shape, and a number's value.
  bool good = false;
  std::int64_t number = 0;
};

struct Member {
  TextNode key;
  TextNode value;
  bool duplicate = false;  // set by check(): the key was given before
};

/// As many faults as a person is told of; a file with more is not the file that was meant.
inline constexpr std::size_t kMaxFaults = 100;

/// Collects faults under one file's name, the first kMaxFaults of them.
class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}

  void add(Place place, std::string path, std::string what, std::string advice);
  /// Nothing more will be kept, so that there is no use in looking for more.
  [[nodiscard]] bool full() const { return more_; }
  /// Faults in file order, and a last one where there were more; the collector is spent.
  [[nodiscard]] std::vector<Fault> take();

 private:
  std::string file_;
  std::vector<Fault> faults_;
  bool more_ = false;
};

/// Reads the octets of a file, at most kMaxFileOctets.
[[nodiscard]] std::optional<std::string> read_file(const std::filesystem::path& file,
                                                   Faults& faults);

/// Parses YAML; nothing where the text is not YAML at all.
[[nodiscard]] std::optional<TextNode> parse_document(std::string_view text, Faults& faults);

struct Source {
  std::filesystem::path file;
  std::string text;
  std::optional<TextNode> root;  // with what check() notes in it
  Loaded loaded;
};

/// What load() makes of a file, and what it was made of.
[[nodiscard]] Source read_source(const std::filesystem::path& file,
                                 References references = References::must_exist);

}  // namespace sluice::schema
