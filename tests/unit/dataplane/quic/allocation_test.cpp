// Counts what OpenSSL allocates while Initials are opened and refused: nothing may be.
#include <cstdlib>
#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "dataplane/act/quic_close.h"
#include "tests/unit/dataplane/quic/initial_builder.h"
#include "tests/unit/dataplane/quic/streams.h"

namespace sluice::inspect::quic {
namespace {

std::size_t allocations = 0;

void* counted_malloc(std::size_t octets, const char* /*file*/, int /*line*/) {
  ++allocations;
  return std::malloc(octets);
}
void* counted_realloc(void* old, std::size_t octets, const char* /*file*/, int /*line*/) {
  ++allocations;
  return std::realloc(old, octets);
}
void counted_free(void* at, const char* /*file*/, int /*line*/) { std::free(at); }

// OpenSSL takes them before its first allocation only.
const int kCounting = CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free);

TEST(QuicAllocation, NoneAfterCreate) {
  ASSERT_EQ(kCounting, 1);
  const test::Bytes hello = test::handshake_hello("www.example.com", 300);
  const test::Bytes first = test::protect(test::crypto_piece(hello, 0, 200));
  const test::Bytes retried =
      test::protect(test::crypto_piece(hello, 0, 999),
                    {.version = test::kV2, .destination = {9, 8, 7, 6, 5, 4, 3, 2}});
  test::Bytes bad = first;
  bad.back() ^= 1;
  const auto crypto = Crypto::create();
  ASSERT_NE(crypto, nullptr);
  ASSERT_GT(allocations, 0U);
  test::Streams streams;
  Connection connection;
  test::Bytes close(act::kMaxQuicCloseOctets);
  allocations = 0;
  EXPECT_EQ(streams.see(first, *crypto, connection).outcome, Outcome::need_more);
  EXPECT_EQ(streams.see(bad, *crypto, connection).outcome, Outcome::malformed);
  EXPECT_EQ(streams.see(retried, *crypto, connection).outcome, Outcome::found);
  EXPECT_GT(act::write_quic_close(connection, "blocked", *crypto, close.data()), 0U);
  EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace sluice::inspect::quic
