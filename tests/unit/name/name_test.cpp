#include "config/name/name.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include "config/name/octets.h"

namespace sluice::name {
namespace {

std::vector<std::uint8_t> wire(const std::vector<std::string>& labels) {
  std::vector<std::uint8_t> out;
  for (const std::string& label : labels) {
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
  }
  out.push_back(0);
  return out;
}

struct TextCase {
  std::string text;
  Defect defect;
  std::string key;
};

bool is_key(const FoldedName& name, unsigned labels, std::string_view key) {
  const std::string readable = std::string(kKeyFront, '#') + std::string(key);
  return is_key_of(name, labels, std::string_view(readable).substr(kKeyFront));
}

TEST(Name, FromTextJudgesEveryShape) {
  const std::string label63(63, 'a');
  const std::string longest = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
  const std::vector<TextCase> cases = {
      {"www.Example.COM", Defect::none, "com.example.www."},
      {"example.com.", Defect::none, "com.example."},
      {"com", Defect::none, "com."},
      {"_dns.resolver.arpa", Defect::none, "arpa.resolver._dns."},
      {"xn--fiqs8s", Defect::none, "xn--fiqs8s."},
      {"", Defect::empty, ""},
      {".", Defect::empty, ""},
      {"a..b", Defect::empty_label, ""},
      {".a", Defect::empty_label, ""},
      {"a..", Defect::empty_label, ""},
      {label63 + "a.example", Defect::label_too_long, ""},
      {longest, Defect::none,
       std::string(61, 'b') + "." + label63 + "." + label63 + "." + label63 + "."},
      {longest + "b", Defect::too_long, ""},
      {"192.0.2.1", Defect::ip_literal, ""},
      {"[2001:db8::1]", Defect::ip_literal, ""},
      {"2001:db8::1", Defect::ip_literal, ""},
      {"3221225985", Defect::ip_literal, ""},
      {std::string("a\0b.example", 11), Defect::bad_octet, ""},
      {"a b.example", Defect::bad_octet, ""},
      {"caf\xc3\xa9.example", Defect::bad_octet, ""},
      {"*.example", Defect::bad_octet, ""},
  };
  for (const TextCase& c : cases) {
    LookupName name;
    ASSERT_EQ(from_text(c.text, name), c.defect) << c.text;
    if (c.defect == Defect::none) {
      EXPECT_EQ(name.view(), c.key);
    }
  }
}

TEST(Name, SuffixesAreWholeLabels) {
  LookupName name;
  ASSERT_EQ(from_text("a.b.example.com", name), Defect::none);
  EXPECT_EQ(name.suffix(0), "");
  EXPECT_EQ(name.suffix(1), "com.");
  EXPECT_EQ(name.suffix(2), "com.example.");
  EXPECT_EQ(name.suffix(4), "com.example.b.a.");
}

std::string key_of(const FoldedName& name) {
  const LookupName key(name);
  return std::string(key.view());
}

TEST(Name, WireNamesMatchOnLabelsNotOnText) {
  FoldedName name;
  fold_wire(wire({"WwW", "ExAmPlE", "com"}), name);
  EXPECT_EQ(key_of(name), "com.example.www.");
  EXPECT_EQ(display(name), "www.example.com");
  // One label that holds a dot is not two labels.
  fold_wire(wire({"blocked.example"}), name);
  EXPECT_EQ(name.label_count, 1);
  EXPECT_NE(key_of(name), "example.blocked.");
  EXPECT_FALSE(is_key(name, 1, "blocked.example."));
  EXPECT_EQ(display(name), "blocked\\046example");
  fold_wire(wire({}), name);
  EXPECT_EQ(name.label_count, 0);
  EXPECT_EQ(key_of(name), "");
}

// 46 is a dot's code, and a dot in a label is none between labels.
TEST(Name, LengthsAreNoText) {
  for (std::size_t length = 1; length <= kMaxLabelOctets; ++length) {
    FoldedName name;
    const std::vector<std::string> labels = {"A", std::string(length, '.'), "B.C"};
    const auto octets = wire(labels);
    fold_wire(octets, name);
    ASSERT_EQ(name.label_count, 3);
    EXPECT_EQ(name.view(),
              "\x01"
              "a" +
                  std::string(1, static_cast<char>(length)) + std::string(length, '.') +
                  "\x03"
                  "b.c");
    EXPECT_EQ(key_of(name),
              "b\x01"
              "c." +
                  std::string(length, kDotInLabel) + ".a.");
  }
}

TEST(Name, WireNameOf127Labels) {
  FoldedName name;
  fold_wire(wire(std::vector<std::string>(127, "a")), name);
  EXPECT_EQ(name.label_count, 127);
  EXPECT_EQ(name.view().size(), 254);
  EXPECT_EQ(key_of(name).size(), 254);
}

TEST(Name, IsKeyOfItsOwnSuffixesOnly) {
  FoldedName name;
  ASSERT_EQ(fold_text("a.b.Example.com", name), Defect::none);
  const LookupName key(name);
  for (unsigned i = 0; i <= 4; ++i) {
    for (unsigned j = 0; j <= 4; ++j) EXPECT_EQ(is_key(name, i, key.suffix(j)), i == j);
  }
  for (const char* other : {"com.exampl.eb.", "com.examplf.", "com.example,", "con.example.",
                            "example.com.", "com.examp.e."}) {
    EXPECT_FALSE(is_key(name, 2, other)) << other;
  }
}

TEST(Name, TextOfASuffix) {
  FoldedName name;
  std::array<char, kMaxTextOctets + 1> buffer;
  fold_wire(wire({"w w", "Example", "com"}), name);
  EXPECT_EQ(text_of(name, 2, buffer), "example.com");
  EXPECT_EQ(text_of(name, 3, buffer), "w?w.example.com");
  EXPECT_EQ(text_of(name, 0, buffer), "");
}

TEST(Name, BlocksAreTheSameByVectorAndByLoop) {
  std::mt19937 random(5);  // NOLINT
  for (unsigned round = 0; round < 20000; ++round) {
    std::array<char, kBlock> block;
    for (char& octet : block) {
      octet = random() % 8 == 0 ? static_cast<char>(random()) : "Az09-_.AZ"[random() % 9];
    }
    std::array<char, kBlock> vector;
    std::array<char, kBlock> loop;
    copy_without_dots(vector.data(), block.data());
    copy_without_dots_portably(loop.data(), block.data());
    ASSERT_EQ(vector, loop);
    const std::size_t octets = 1 + random() % kBlock;
    const std::size_t at = random() % kBlock;
    if (random() % 2 == 0) loop[at] = block[at];
    const char* const end = block.data() + kBlock;
    ASSERT_EQ(is_without_dots(loop.data() + kBlock, end, octets),
              is_without_dots_portably(loop.data() + kBlock, end, octets));
    copy_lower(vector.data(), block.data());
    copy_lower_portably(loop.data(), block.data());
    ASSERT_EQ(vector, loop);
    vector = loop = block;
    const HostOctets one = lower_host(vector.data());
    const HostOctets other = lower_host_portably(loop.data());
    ASSERT_EQ(vector, loop);
    ASSERT_EQ(one.dots, other.dots);
    ASSERT_EQ(one.others, other.others);
  }
}

// Names of every shape, at every place in a message of just that size, and as text.
TEST(Name, ReadsWhatWasWritten) {
  std::mt19937 random(6);  // NOLINT
  for (unsigned round = 0; round < 20000; ++round) {
    std::vector<std::string> labels;
    std::string text;
    std::string key;
    for (std::size_t left = 1 + random() % kMaxTextOctets; left > 0;) {
      const std::size_t most = random() % 3 == 0 ? kMaxLabelOctets : 12;
      std::string label(1 + random() % std::min(most, left), 'x');
      for (char& octet : label) octet = "abcdefgHIJ0189-_"[random() % 16];
      if (label.find_first_not_of("0189") == std::string::npos) label[0] = 'y';
      text += (text.empty() ? "" : ".") + label;
      std::string lower = label;
      for (char& octet : lower) octet = to_lower(octet);
      key.insert(0, lower + ".");
      left -= std::min(left, label.size() + 1);
      labels.push_back(std::move(label));
    }
    FoldedName name;
    ASSERT_EQ(fold_text(text, name), Defect::none) << text;
    ASSERT_EQ(key_of(name), key);
    ASSERT_EQ(name.label_count, labels.size());
    const std::string folded(name.view());

    const std::size_t before = random() % 20;
    std::vector<std::uint8_t> message(before, 0xaa);
    const auto octets = wire(labels);
    message.insert(message.end(), octets.begin(), octets.end());
    std::size_t at = before;
    ASSERT_EQ(fold_wire(message, at, name), WireEnd::root) << text;
    ASSERT_EQ(at, message.size());
    ASSERT_EQ(name.view(), folded);
    const LookupName whole(name);
    for (unsigned count = 0; count <= labels.size(); ++count) {
      const std::string_view suffix = whole.suffix(count);
      ASSERT_EQ(std::count(suffix.begin(), suffix.end(), '.'), count);
      ASSERT_TRUE(is_key(name, count, suffix));
    }
    message.pop_back();
    at = before;
    ASSERT_EQ(fold_wire(message, at, name), WireEnd::cut);
    ASSERT_EQ(name.view(), "");
  }
}

TEST(Name, ReversedKeyAndBack) {
  for (const std::string text : {"com", "example.com", "a.b.c.example.com"}) {
    EXPECT_EQ(from_reversed_key(reversed_key(text)), text);
  }
  EXPECT_EQ(reversed_key("www.example.com"), "com.example.www.");
}

TEST(Name, CanonicalSaysWhatIsWrong) {
  EXPECT_EQ(canonical("WWW.Example.com.").value(), "www.example.com");
  const auto bad = canonical("b\xc3\xa4r.example");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().text().find("xn--"), std::string::npos);
}

}  // namespace
}  // namespace sluice::name
