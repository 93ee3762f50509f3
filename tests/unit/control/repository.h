// A signed repository for tests, made by hooks as wrong as a test wants it: bodies are changed
// before they are signed, envelopes after, and files after their hash was signed for.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/tuf/key.h"
#include "control/tuf/time.h"

namespace sluice::test {

/// A folder that is removed with its owner.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct List {
  std::string orders;  // lines
  std::string names;   // lines after the header
  std::uint64_t seq = 1;
  std::uint64_t entries = 0;                                // 0: as many as there are lines
  tuf::Json override_json;                                  // custom.cpl.override
  std::function<std::string(const std::string& cpl)> pack;  // instead of zstd
  bool deltas = false;  // sign the steps from every list that was published with them
};

/// One canonical order; times as text.
[[nodiscard]] std::string order_line(const std::string& reference, const std::string& category,
                                     const std::string& effective = "2026-01-01T00:00:00Z",
                                     const std::string& expires = "2027-01-01T00:00:00Z");

class Repository {
 public:
  explicit Repository(std::filesystem::path folder);

  std::map<std::string, List> lists;                         // by department
  std::map<std::string, std::string> policy;                 // targets of the top role, by path
  std::map<std::string, std::vector<tuf::PrivateKey>> keys;  // by role
  std::map<std::string, unsigned> thresholds;
  std::map<std::string, std::uint64_t> versions;  // the ones published last
  tuf::Time now = tuf::parse_time("2026-06-01T00:00:00Z").value();

  /// Hooks, by role ("list-police"); `on_file` by the path under the repository.
  std::function<void(const std::string& role, tuf::Json& body)> on_body;
  std::function<void(const std::string& role, tuf::Json& envelope)> on_envelope;
  std::function<void(const std::string& path, std::string& bytes)> on_file;
  /// The text of a delta before it is packed and signed for, and its custom.cpl.
  std::function<void(std::string& text, tuf::Json& custom)> on_delta;

  void add_role(const std::string& role, unsigned count, unsigned threshold);
  /// A next version of everything but root, with what lists holds.
  void publish();
  /// A next root; `old_keys` sign it beside the new ones.
  void publish_root(const std::vector<tuf::PrivateKey>& old_keys = {});
  void clear_hooks();

  [[nodiscard]] std::string url() const { return "file://" + folder_.string() + "/"; }
  [[nodiscard]] std::filesystem::path root() const { return folder_ / "metadata/1.root.json"; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::string sign(const std::string& role, tuf::Json body,
                   const std::vector<tuf::PrivateKey>& signers);
  tuf::Json write(const std::string& path, std::string bytes, std::uint64_t version);
  tuf::Json list_targets(const std::string& department, const List& list);
  tuf::Json target(const std::string& path, const std::string& packed, const tuf::Json& custom);
  void add_step(const std::string& department, std::uint64_t seq, const std::string& cpl);

  struct Published {
    std::uint64_t seq = 0;
    std::string cpl;
  };
  std::map<std::string, Published> last_;   // by department
  std::map<std::string, tuf::Json> steps_;  // targets of deltas, by department

  std::filesystem::path folder_;
};

[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& bytes);

}  // namespace sluice::test
