#include "dataplane/inspect/http/h2.h"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/builder.h"

namespace sluice::inspect::http {
namespace {

using test::Bytes;
using Names = std::vector<std::string>;

Bytes hex(std::string_view text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

Bytes frame(std::uint8_t type, std::uint8_t flags, const Bytes& payload, std::uint32_t stream = 1) {
  Bytes out = {0};
  test::put16(out, static_cast<unsigned>(payload.size()));
  out.push_back(type);
  out.push_back(flags);
  test::put32(out, stream);
  test::put(out, payload);
  return out;
}

Bytes connection(std::initializer_list<Bytes> frames) {
  Bytes out;
  test::put(out, kH2Preface);
  test::put(out, frame(4, 0, {0, 3, 0, 0, 0, 100}, 0));
  for (const Bytes& one : frames) test::put(out, one);
  return out;
}

Bytes literal(std::uint8_t first, std::string_view name, std::string_view value) {
  Bytes out = {first};
  if (!name.empty()) {
    out.push_back(static_cast<std::uint8_t>(name.size()));
    test::put(out, name);
  }
  out.push_back(static_cast<std::uint8_t>(value.size()));
  test::put(out, value);
  return out;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) test::put(out, part);
  return out;
}

class H2 : public testing::Test {
 protected:
  Outcome parse(const Bytes& stream) {
    stream_ = stream;
    return parse_h2(stream_, scratch_, out_);
  }
  Names names() const {
    return {out_.names.begin(), out_.names.begin() + static_cast<long>(out_.name_count)};
  }
  Names names(const Bytes& block) {
    EXPECT_EQ(parse(connection({frame(1, 5, block)})), Outcome::found);
    return names();
  }
  HpackDefect hpack(const Bytes& block) {
    EXPECT_EQ(parse(connection({frame(1, 5, block)})), Outcome::malformed);
    EXPECT_EQ(out_.defect, H2Defect::field);
    return out_.hpack;
  }
  H2Defect defect(const Bytes& stream) {
    EXPECT_EQ(parse(stream), Outcome::malformed);
    return out_.defect;
  }

  Bytes stream_;
  std::vector<std::uint8_t> scratch_ = std::vector<std::uint8_t>(2 * kMaxH2BlockOctets);
  H2Request out_;
};

// RFC 7541 appendix C.3.1 and C.4.1: the same request without and with Huffman coding.
TEST_F(H2, ReadsTheExamplesOfTheRfc) {
  EXPECT_EQ(names(hex("828684410f7777772e6578616d706c652e636f6d")), Names{"www.example.com"});
  EXPECT_EQ(names(hex("828684418cf1e3c2e5f23a6ba0ab90f4ff")), Names{"www.example.com"});
  EXPECT_EQ(out_.consumed, stream_.size());
}

TEST_F(H2, FindsNamesInEveryFormOfField) {
  for (const std::uint8_t first : {0x41, 0x01, 0x11, 0x66, 0x0f}) {
    Bytes block = literal(first, "", "b.example:80");
    if (first == 0x0f) block.insert(block.begin() + 1, 38 - 15);  // an integer of two octets
    EXPECT_EQ(names(block), Names{"b.example"}) << int{first};
  }
  for (const std::uint8_t first : {0x40, 0x00, 0x10}) {
    EXPECT_EQ(names(literal(first, ":authority", "b.example")), Names{"b.example"});
    EXPECT_EQ(names(literal(first, "Host", "b.example")), Names{"b.example"});
  }
  EXPECT_EQ(names(join({literal(0x41, "", "a.example"), literal(0x40, "host", "b.example")})),
            (Names{"a.example", "b.example"}));
  // A size update, a name that only the dynamic table has, and the value it had there again.
  Bytes again = {0x7f, 0, 9};  // the name of entry 63, inserted first
  test::put(again, "b.example");
  EXPECT_EQ(names(join({{0x3f, 0xe1, 0x1f},
                        literal(0x40, "host", "a.example"),
                        literal(0x40, "x", "y"),
                        again,
                        {0xbe}})),
            (Names{"a.example", "b.example"}));
  // "host", Huffman-coded.
  EXPECT_EQ(names(join({{0x40, 0x83}, hex("9ce84f"), {1, 'b'}})), Names{"b"});
  EXPECT_EQ(parse(connection({frame(1, 5, {0x82, 0x86, 0x84})})), Outcome::no_name);
}

TEST_F(H2, JoinsWhatIsCutOverFrames) {
  const Bytes block = hex("828684418cf1e3c2e5f23a6ba0ab90f4ff");
  const Bytes first(block.begin(), block.begin() + 7);
  const Bytes rest(block.begin() + 7, block.end());
  EXPECT_EQ(parse(connection({frame(1, 1, first), frame(9, 0, {}), frame(9, 4, rest)})),
            Outcome::found);
  EXPECT_EQ(names(), Names{"www.example.com"});
  // Padding and priority.
  const Bytes padded = join({{3, 0, 0, 0, 0, 15}, block, {0, 0, 0}});
  EXPECT_EQ(parse(connection({frame(1, 0x2d, padded)})), Outcome::found);
  EXPECT_EQ(names(), Names{"www.example.com"});
}

TEST_F(H2, WaitsForTheBlocksEnd) {
  const Bytes whole = connection({frame(8, 0, {0, 0, 1, 0}, 0), frame(2, 0, {0, 0, 0, 0, 1}, 3),
                                  frame(1, 4, hex("828684410f7777772e6578616d706c652e636f6d"))});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_TRUE(may_be_h2(cut));
    EXPECT_EQ(parse(cut), Outcome::need_more) << size;
    EXPECT_GT(out_.wanted, size);
    EXPECT_LE(out_.wanted, whole.size());
  }
  EXPECT_EQ(parse(whole), Outcome::found);
}

TEST_F(H2, NamesEachDefect) {
  EXPECT_FALSE(may_be_h2(Bytes{'P', 'R', 'O'}));
  EXPECT_EQ(defect({'P', 'R', 'O'}), H2Defect::preface);
  EXPECT_EQ(defect(connection({{0, 0x40, 1, 1, 4, 0, 0, 0, 1}})), H2Defect::frame_length);
  EXPECT_EQ(defect(connection({frame(1, 0xc, {4, 0x82})})), H2Defect::frame);
  EXPECT_EQ(defect(connection({frame(1, 0x24, {0, 0})})), H2Defect::frame);
  EXPECT_EQ(defect(connection({frame(1, 0, {0x82}), frame(8, 0, {0, 0, 1, 0})})), H2Defect::frame);
  EXPECT_EQ(defect(connection({frame(1, 0, {0x82}), frame(9, 4, {}, 3)})), H2Defect::frame);
  Bytes many = connection({});
  for (std::size_t i = 0; i < kMaxH2Frames; ++i) test::put(many, frame(6, 0, Bytes(8), 0));
  EXPECT_EQ(defect(many), H2Defect::too_many_frames);
  EXPECT_EQ(defect(connection({frame(1, 0, Bytes(10000, 0x82)), frame(9, 4, Bytes(10000, 0x82))})),
            H2Defect::block_too_long);
  Bytes hosts;
  for (int i = 0; i < 5; ++i) test::put(hosts, literal(1, "", "a"));
  EXPECT_EQ(defect(connection({frame(1, 5, hosts)})), H2Defect::too_many_names);
}

TEST_F(H2, NamesEachDefectOfAField) {
  EXPECT_EQ(hpack({0x41}), HpackDefect::cut);
  EXPECT_EQ(hpack({0x41, 5, 'a'}), HpackDefect::cut);
  EXPECT_EQ(hpack({0xff, 0x80}), HpackDefect::cut);
  EXPECT_EQ(hpack({0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}), HpackDefect::integer);
  EXPECT_EQ(hpack({0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}), HpackDefect::integer);
  EXPECT_EQ(hpack({0x80}), HpackDefect::index);
  EXPECT_EQ(hpack({0xbe}), HpackDefect::index);
  EXPECT_EQ(hpack({0x7f, 0, 1, 'a'}), HpackDefect::index);
  EXPECT_EQ(hpack({0x41, 0x84, 0xff, 0xff, 0xff, 0xff}), HpackDefect::huffman);  // end of string
  EXPECT_EQ(hpack({0x41, 0x81, 0x00}), HpackDefect::huffman);                    // '0', then zeros
  EXPECT_EQ(hpack({0x41, 0x82, 0x07, 0xff}), HpackDefect::huffman);              // over seven bits
  scratch_.resize(4);
  EXPECT_EQ(hpack(hex("828684418cf1e3c2e5f23a6ba0ab90f4ff")), HpackDefect::scratch);
}

TEST(Huffman, DecodesCodesOfTheAppendix) {
  HpackDefect defect = HpackDefect::none;
  std::array<std::uint8_t, 4> out;
  const std::pair<Bytes, std::uint8_t> codes[] = {
      {{0x07}, '0'},
      {{0x0f}, '1'},
      {{0x1f}, 'a'},
      {{0x53}, ' '},
      {{0xfb}, ';'},
      {{0xfc}, 'X'},
      {{0xfe, 0x3f}, '!'},
      {{0xff, 0xc7}, 0},
      {{0xff, 0xff, 0xff, 0xf3}, 10},
      {{0xff, 0xff, 0xff, 0xfb}, 22},
      {{0xff, 0xff, 0xfb, 0xbf}, 255},
  };
  for (const auto& [coded, symbol] : codes) {
    const std::ptrdiff_t size = huffman_decode(coded, out, defect);
    EXPECT_EQ(size, 1) << int{symbol};
    EXPECT_EQ(out[0], symbol);
  }
}

}  // namespace
}  // namespace sluice::inspect::http
