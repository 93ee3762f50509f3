// What a Cursor holds; for the files of this folder.
#pragma once

#include "config/generation/lmdb.h"
#include "config/generation/reader.h"

namespace sluice::generation {

/// Whether a name has labels beyond its suffix of so many.
inline bool is_below(const name::LookupName& name, unsigned labels) {
  return labels < name.label_count;
}

struct Cursor::State {
  TxnPtr txn;
  CursorPtr cursor;        // of the file that is whole by itself
  const Overlay* overlay;  // nullptr where there is none
};

}  // namespace sluice::generation
