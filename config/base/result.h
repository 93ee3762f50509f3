// Errors as values. Every fallible function outside the data path returns Result<T>; the Error says
// what is wrong, where, and what the person who meets it can do.
//
// Thread safety: plain values.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace sluice {

struct Error {
  std::string what;    // "digest does not match the content"
  std::string where;   // "/var/lib/sluice/generations/7.lmdb", "school.yaml:12:5: policies.pupils"
  std::string advice;  // "pull the list again: sluicectl list pull"

  /// "where: what; advice", leaving out what is empty.
  [[nodiscard]] std::string text() const {
    std::string out;
    if (!where.empty()) out += where + ": ";
    out += what;
    if (!advice.empty()) out += "; " + advice;
    return out;
  }
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// return fail("no such file", path, "check state_dir");
[[nodiscard]] inline tl::unexpected<Error> fail(std::string what, std::string where = {},
                                                std::string advice = {}) {
  return tl::make_unexpected(Error{std::move(what), std::move(where), std::move(advice)});
}

/// Hands an error on from one Result type to another.
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::make_unexpected(std::move(error));
}

}  // namespace sluice
