#include "dataplane/flow/assembly.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice::flow {
namespace {

constexpr std::uint32_t words(std::uint32_t octets) { return (octets + 63) / 64; }

}  // namespace

Assembly::Assembly(std::uint8_t* bytes, std::uint64_t* have, std::uint32_t capacity)
    : bytes_(bytes), have_(have), capacity_(capacity) {}

Assembly::Place Assembly::place_of(std::uint64_t offset,
                                   std::span<const std::uint8_t> piece) const {
  const auto from = static_cast<std::uint32_t>(std::min<std::uint64_t>(offset, capacity_));
  return {from, static_cast<std::uint32_t>(
                    std::min<std::uint64_t>(capacity_, std::uint64_t{from} + piece.size()))};
}

Written Assembly::write(std::uint64_t offset, std::span<const std::uint8_t> piece) {
  if (piece.empty()) return Written::stored;
  const auto [from, to] = place_of(offset, piece);
  if (to - from < piece.size()) overflowed_ = true;
  if (from == to) return Written::stored;
  if (to <= contiguous_) {  // sent again, mostly
    return std::memcmp(bytes_ + from, piece.data(), to - from) == 0 ? Written::stored
                                                                    : Written::conflict;
  }
  if (from == end_ && end_ == contiguous_) {  // the next octets, mostly
    std::memcpy(bytes_ + from, piece.data(), to - from);
    append(to);
    return Written::stored;
  }
  Written written = Written::stored;
  if (from >= end_) {
    std::memcpy(bytes_ + from, piece.data(), to - from);
  } else {
    for (std::uint32_t at = from; at < to; ++at) {
      const std::uint8_t octet = piece[at - from];
      const bool there = at < end_ && has(at);
      if (there && bytes_[at] != octet) written = Written::conflict;
      if (!there) bytes_[at] = octet;
    }
  }
  mark(from, to);
  return written;
}

void Assembly::replace(std::uint64_t offset, std::span<const std::uint8_t> piece) {
  const auto [from, to] = place_of(offset, piece);
  if (to - from < piece.size()) overflowed_ = true;
  if (from == to) return;
  std::memcpy(bytes_ + from, piece.data(), to - from);
  mark(from, to);
}

bool Assembly::conflicts(std::uint64_t offset, std::span<const std::uint8_t> piece) const {
  const auto [from, to] = place_of(offset, piece);
  if (to <= contiguous_) {
    return from < to && std::memcmp(bytes_ + from, piece.data(), to - from) != 0;
  }
  for (std::uint32_t at = from; at < std::min(to, end_); ++at) {
    if (bytes_[at] != piece[at - from] && has(at)) return true;
  }
  return false;
}

bool Assembly::is_other_with(const Assembly& other, std::uint64_t offset,
                             std::span<const std::uint8_t> piece) const {
  const auto [from, to] = place_of(offset, piece);
  if (end_ != std::max(other.end_, from < to ? to : 0)) return false;
  // Whoever sends many copies makes this run often: 64 octets go at once, wherever they can.
  for (std::uint32_t at = 0; at < end_; at += 64) {
    const std::uint32_t count = std::min(64U, end_ - at);
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - count);
    const bool beside = to <= at || from >= at + count;
    const bool whole = (have_[at / 64] & all) == all;
    if (beside && whole && at + count <= other.end_ && (other.have_[at / 64] & all) == all) {
      if (std::memcmp(bytes_ + at, other.bytes_ + at, count) != 0) return false;
      continue;
    }
    for (std::uint32_t i = at; i < at + count; ++i) {
      const bool replaced = i >= from && i < to;
      const bool there = replaced || (i < other.end_ && other.has(i));
      if (there != has(i)) return false;
      if (there && bytes_[i] != (replaced ? piece[i - from] : other.bytes_[i])) return false;
    }
  }
  return true;
}

void Assembly::mark(std::uint32_t from, std::uint32_t to) {
  if (to > end_) {
    // Words are cleared only when the set first reaches them.
    for (std::uint32_t word = words(end_); word < words(to); ++word) have_[word] = 0;
    end_ = to;
  }
  for (std::uint32_t at = from; at < to;) {
    const std::uint32_t bit = at % 64;
    const std::uint32_t count = std::min(64 - bit, to - at);
    const std::uint64_t ones = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    have_[at / 64] |= ones << bit;
    at += count;
  }
  advance();
}

// To a set without a gap, up to `to`.
void Assembly::append(std::uint32_t to) {
  const std::uint32_t from = end_;
  if (from % 64 != 0) have_[from / 64] |= ~std::uint64_t{0} << from % 64;
  for (std::uint32_t word = words(from); word < words(to); ++word) have_[word] = ~std::uint64_t{0};
  if (to % 64 != 0) have_[to / 64] &= ~(~std::uint64_t{0} << to % 64);
  contiguous_ = end_ = to;
}

void Assembly::advance() {
  while (contiguous_ < end_) {
    const std::uint32_t bit = contiguous_ % 64;
    const auto run = static_cast<std::uint32_t>(std::countr_one(have_[contiguous_ / 64] >> bit));
    if (run == 0) return;
    contiguous_ += std::min(run, 64 - bit);
  }
}

void Assembly::consume(std::uint32_t octets) {
  octets = std::min(octets, end_);
  if (octets == 0) return;
  const std::uint32_t end = end_ - octets;
  std::memmove(bytes_, bytes_ + octets, end);
  for (std::uint32_t word = 0; word < words(end); ++word) {
    const std::uint32_t at = word * 64 + octets;
    std::uint64_t bits = have_[at / 64] >> (at % 64);
    if (at % 64 != 0 && at / 64 + 1 < words(end_)) bits |= have_[at / 64 + 1] << (64 - at % 64);
    have_[word] = bits;
  }
  end_ = end;
  contiguous_ -= std::min(octets, contiguous_);
  advance();
}

void Assembly::copy_from(const Assembly& other) {
  end_ = other.end_;
  contiguous_ = other.contiguous_;
  if (end_ == 0) return;
  std::memcpy(bytes_, other.bytes_, end_);
  std::memcpy(have_, other.have_, words(end_) * sizeof(std::uint64_t));
}

void Assembly::clear() {
  contiguous_ = 0;
  end_ = 0;
  overflowed_ = false;
}

}  // namespace sluice::flow
