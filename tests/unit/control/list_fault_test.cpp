// Lists that enough officials have signed and that are wrong all the same.
#include <zstd.h>

#include "control/compile/zstd_lines.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

constexpr const char* kGood = "casino.example\ttree\t0\nbet.test\texact\t0\n";

struct Fault {
  const char* name;
  std::string names;
  std::string orders;  // empty: a good one
  std::string reason;
  std::uint64_t entries = 0;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class ListFault : public Appliance, public ::testing::WithParamInterface<Fault> {};

TEST_P(ListFault, IsRefusedWithItsPlaceAndReason) {
  const Fault& fault = GetParam();
  repository_.lists["police"] = {
      .orders = fault.orders.empty() ? order_line("PSB-9", "gambling") : fault.orders,
      .names = fault.names,
      .seq = 2,
      .entries = fault.entries};
  repository_.publish();
  expect_refused(fault.reason);
  expect_recovery();
}

const std::string kCpl = "lists/police/full.cpl.zst:";
const std::string kOrders = "lists/police/orders.jsonl.zst:";

INSTANTIATE_TEST_SUITE_P(
    Cpl, ListFault,
    ::testing::Values(
        Fault{"unsorted", "bet.test\ttree\t0\ncasino.example\ttree\t0\n", "",
              kCpl + "6:1: the name is out of order"},
        Fault{"duplicate", "casino.example\ttree\t0\ncasino.example\texact\t0\n", "",
              kCpl + "6:1: the name is there twice"},
        Fault{"upper_case", "Casino.example\ttree\t0\n", "",
              kCpl + "5:1: the name is not canonical"},
        Fault{"trailing_dot", "casino.example.\ttree\t0\n", "",
              kCpl + "5:1: the name is not canonical"},
        Fault{"empty_label", "casino..example\ttree\t0\n", "",
              kCpl + "5:1: the name is invalid (empty_label)"},
        Fault{"long_label", std::string(64, 'a') + ".example\ttree\t0\n", "",
              kCpl + "5:1: the name is invalid (label_too_long)"},
        Fault{"bad_octet", "cas ino.example\ttree\t0\n", "",
              kCpl + "5:1: the name is invalid (bad_octet)"},
        Fault{"ip_address", "192.0.2.1\ttree\t0\n", "",
              kCpl + "5:1: the name is invalid (ip_literal)"},
        Fault{"top_level", "example\ttree\t0\n", "", kCpl + "5:1: 'example' is a top-level domain"},
        Fault{"unknown_match", "casino.example\tdeep\t0\n", "", kCpl + "5:16: the match is none"},
        Fault{"order_out_of_range", "casino.example\ttree\t1\n", "",
              kCpl + "5:21: the order 1 is not in the 1 lines"},
        Fault{"order_not_a_number", "casino.example\ttree\t0x\n", "",
              kCpl + "5:21: the order is not a number"},
        Fault{"spaces_for_tabs", "casino.example tree 0\n", "", kCpl + "5:1: is not 'name TAB"},
        Fault{"carriage_return", "casino.example\ttree\t0\r\n", "",
              kCpl + "5:21: the order is not a number"},
        Fault{"fewer_than_signed", kGood, "", "holds 2 entries where its header says 9", 9},
        Fault{"more_than_signed", kGood, "", "holds more than the 1 entries", 1},
        Fault{"no_line_end", "casino.example\ttree\t0\nbet.test\texact\t0", "",
              "is cut short: its last line has no line end", 2},
        Fault{"endless_line", std::string(5000, 'a'), "", "a line is over 640 octets", 20}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Orders, ListFault,
    ::testing::Values(
        Fault{"unknown_category", kGood, order_line("X", "gamblin"),
              kOrders + "1: the category 'gamblin' is not in the taxonomy"},
        Fault{"other_departments_category", kGood, order_line("X", "games"),
              kOrders + "1: the category 'games' belongs to press, not to police"},
        Fault{"sites_category", kGood, order_line("X", "ads"),
              kOrders + "1: the category 'ads' belongs to site"},
        Fault{"no_expiry", kGood,
              R"({"category":"gambling","effective":"2026-01-01","order":"X"})"
              "\n",
              kOrders + "1: has no field 'expires'"},
        Fault{"three_years", kGood,
              order_line("X", "gambling", "2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z"),
              kOrders + "1: lasts longer than two years"},
        Fault{"ends_before_it_begins", kGood,
              order_line("X", "gambling", "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
              kOrders + "1: expires before"},
        Fault{"not_canonical", kGood, "{\"order\": \"X\"}\n", kOrders + "1: is not in canonical"},
        Fault{"impossible_day", kGood,
              order_line("X", "gambling", "2026-02-30T00:00:00Z", "2027-01-01T00:00:00Z"),
              "is not a time in UTC"},
        Fault{"not_json", kGood, "order X\n", kOrders + "1: is not JSON"}),
    [](const auto& param) { return std::string(param.param.name); });

class PackedFault : public Appliance {};

TEST_F(PackedFault, TruncatedZstd) {
  repository_.lists["police"].seq = 2;
  repository_.lists["police"].pack = [](const std::string& cpl) {
    const std::string packed = compile::zstd_pack(cpl).value();
    return packed.substr(0, packed.size() - 6);
  };
  repository_.publish();
  expect_refused("full.cpl.zst: is cut short inside its zstd frame");
  expect_recovery();
}

TEST_F(PackedFault, NotZstd) {
  repository_.lists["police"].seq = 2;
  repository_.lists["police"].pack = [](const std::string& cpl) { return cpl; };
  repository_.publish();
  expect_refused("full.cpl.zst: is not sound zstd");
  expect_recovery();
}

// 1 GiB of names in some 100 kB: unpacking stops at what two entries can need.
TEST_F(PackedFault, DecompressionBomb) {
  repository_.lists["police"].seq = 2;
  repository_.lists["police"].pack = [](const std::string& cpl) {
    std::string line;
    for (int i = 0; i < 10; ++i) line += cpl.substr(cpl.find("casino"));
    std::string out;
    ZSTD_CCtx* context = ZSTD_createCCtx();
    std::string piece(ZSTD_CStreamOutSize(), '\0');
    std::string input = cpl;
    for (std::uint64_t total = 0; total < (std::uint64_t{1} << 30); total += input.size()) {
      ZSTD_inBuffer in{input.data(), input.size(), 0};
      while (in.pos < in.size) {
        ZSTD_outBuffer to{piece.data(), piece.size(), 0};
        ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
        out.append(piece.data(), to.pos);
      }
      if (input.size() < 1'000'000) {
        input.clear();
        while (input.size() < 1'000'000) input += line;
      }
    }
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    for (std::size_t left = 1; left != 0;) {
      ZSTD_outBuffer to{piece.data(), piece.size(), 0};
      left = ZSTD_compressStream2(context, &to, &nothing, ZSTD_e_end);
      out.append(piece.data(), to.pos);
    }
    ZSTD_freeCCtx(context);
    return out;
  };
  repository_.publish();
  expect_refused("lists/police/full.cpl.zst");
  EXPECT_THAT(updater_->view().pull_error->text(),
              ::testing::AnyOf(::testing::HasSubstr("unpacks to more than the 5376 octets"),
                               ::testing::HasSubstr("entries")));
  expect_recovery();
}

// A frame that asks for a window of 2 GiB is refused before it gets one.
TEST_F(PackedFault, WindowTooLarge) {
  repository_.lists["police"].seq = 2;
  repository_.lists["police"].pack = [](const std::string& cpl) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 31);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    std::string out(ZSTD_compressBound(cpl.size()) + 1024, '\0');
    ZSTD_inBuffer in{cpl.data(), cpl.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    // In two steps: a single one would know the size and shrink the window.
    ZSTD_compressStream2(context, &to, &in, ZSTD_e_flush);
    ZSTD_compressStream2(context, &to, &in, ZSTD_e_end);
    ZSTD_freeCCtx(context);
    out.resize(to.pos);
    return out;
  };
  repository_.publish();
  expect_refused("is not sound zstd");
  expect_recovery();
}

TEST_F(PackedFault, HeaderOfAnotherList) {
  repository_.lists["police"].seq = 2;
  repository_.lists["police"].pack = [](std::string cpl) {
    cpl.replace(cpl.find("#seq 2"), 6, "#seq 1");
    return compile::zstd_pack(cpl).value();
  };
  repository_.publish();
  expect_refused("the header says '#seq 1' where '#seq 2' was signed for");
  expect_recovery();
}

TEST_F(PackedFault, OtherContentThanSigned) {
  repository_.lists["police"].seq = 2;
  repository_.lists["police"].pack = [](std::string cpl) {
    cpl.replace(cpl.find("casino"), 6, "bistro");
    return compile::zstd_pack(cpl).value();
  };
  repository_.publish();
  expect_refused("the unpacked list does not match its signed hash");
  expect_recovery();
}

}  // namespace
}  // namespace sluice::test
