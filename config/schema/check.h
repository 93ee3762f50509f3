// Checks a document against the table of keys, without regard to what refers to what.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <optional>
#include <string>

#include "config/schema/document.h"
#include "config/schema/shape.h"

namespace sluice::schema {

/// Reports every fault under `node`, and marks what keeps to its shape as good.
void check(TextNode& node, const Shape& shape, const std::string& path, Faults& faults);

struct Problem {
  std::string what;
  std::string advice;
};

/// Whether a scalar keeps to its kind; sets the node's number for an integer.
[[nodiscard]] std::optional<Problem> check_scalar(TextNode& node, const Shape& shape);

}  // namespace sluice::schema
