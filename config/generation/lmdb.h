// RAII for LMDB handles, and the names of the tables.
#pragma once

#include <lmdb.h>
#include <memory>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::generation {

inline constexpr const char* kEntriesTable = "entries";
inline constexpr const char* kProvenanceTable = "provenance";
inline constexpr const char* kMetaTable = "meta";
inline constexpr std::string_view kHeaderKey = "header";
inline constexpr std::string_view kPolicyKey = "policy";
inline constexpr std::string_view kSourcesKey = "sources";

struct CloseEnv {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
struct AbortTxn {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
struct CloseCursor {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using EnvPtr = std::unique_ptr<MDB_env, CloseEnv>;
using TxnPtr = std::unique_ptr<MDB_txn, AbortTxn>;
using CursorPtr = std::unique_ptr<MDB_cursor, CloseCursor>;

inline MDB_val to_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
inline std::string_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// Ids are big-endian in keys, so that the table is in numeric order.
inline std::string provenance_key(std::uint32_t id) {
  return {static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8),
          static_cast<char>(id)};
}

}  // namespace sluice::generation
