// Sorts reversed keys, each once. Most of them begin like their neighbours ("com."), so comparing
// whole keys compares the same octets again and again, each time out of memory that is in no cache.
// Here eight octets at a time are kept beside each key and compared as one number; keys that agree
// in them are sorted among themselves by the next eight.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <string_view>
#include <vector>

namespace sluice::compile {

/// Strictly ascending by octets, as string_view compares; of equal keys one stays. None may be
/// empty or hold a NUL octet; no reversed key does. Takes 24 octets a key while it runs.
void sort_unique_keys(std::vector<std::string_view>& keys);

}  // namespace sluice::compile
