// Plain lists: one name a line, hosts files, the folders of the UT1 collection, Adblock rules,
// lines of dnsmasq's configuration, response policy zones. Unsorted, with comments, in any case,
// with internationalised names as their authors typed them. What is not a name is rejected and
// counted by reason; nothing is guessed, and a URL is never shortened to its domain, because that
// would block far more than its author listed.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/generation/format.h"
#include "config/generation/writer.h"
#include "config/name/name.h"

namespace sluice::compile {

/// One word of a list as a name, or why it is none. Any case, also internationalised.
[[nodiscard]] Status read_plain_name(std::string_view word, name::LookupName& out);

enum class PlainFormat : std::uint8_t {
  automatic,  // by what cannot be another: a file's head, else each line; a folder is UT1
  domains,    // one name a line
  hosts,      // an address, then one or more names
  ut1,        // a folder with `domains` and perhaps `urls`, or such a `domains` file itself
  adblock,    // ||name^
  dnsmasq,    // address=/name/#, server=/name/, local=/name/
  rpz,        // a response policy zone in text
};

/// "auto", "domains", "hosts", "ut1", "adblock", "dnsmasq", "rpz".
[[nodiscard]] Result<PlainFormat> parse_plain_format(std::string_view text);

/// Why lines were rejected, with the first few places as "file:line".
struct Rejected {
  std::string reason;  // stable: "url", "ip-address", "invalid-name", …
  std::string detail;  // the same for a person
  std::uint64_t count = 0;
  std::vector<std::string> first;
};

struct PlainReport {
  std::uint64_t lines = 0;  // with comments and empty lines
  std::uint64_t read = 0;   // names: accepted + duplicates + rejected
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;  // the same name again
  std::uint64_t rejected = 0;
  std::vector<Rejected> rejections;  // by count, the greatest first
};

/// Accepted names as reversed keys, strictly ascending, in memory of their own.
class PlainNames {
 public:
  PlainNames();
  PlainNames(PlainNames&&) noexcept;
  PlainNames& operator=(PlainNames&&) noexcept;
  ~PlainNames();

  [[nodiscard]] std::span<const std::string_view> keys() const;
  /// What the list says that the key at `index` stands for; `otherwise` where its format says
  /// nothing.
  [[nodiscard]] generation::Scope scope(std::size_t index, generation::Scope otherwise) const;
  [[nodiscard]] const PlainReport& report() const;

 private:
  friend Result<PlainNames> read_plain_lists(std::span<const std::filesystem::path>, PlainFormat);
  struct State;
  std::unique_ptr<State> state_;
};

/// Fails only when a file cannot be read, or when there is none.
[[nodiscard]] Result<PlainNames> read_plain_lists(std::span<const std::filesystem::path> files,
                                                  PlainFormat format);

struct PlainOptions {
  PlainFormat format = PlainFormat::automatic;
  generation::Scope scope = generation::Scope::tree;  // where the format says nothing of it
  generation::Layer layer = generation::Layer::site;
  generation::Provenance provenance{.department = "site", .list = "site"};
  std::uint64_t generation = 1;
  std::string created;      // RFC 3339 UTC; empty: now
  std::string policy_json;  // empty: the generation carries no policy
};

/// A category of the taxonomy; the error names the nearest one.
[[nodiscard]] Result<const policy::Category*> find_category(std::string_view name);

/// What a plain list says of each of its names. A `protected` category protects, others block.
[[nodiscard]] generation::Record plain_record(const policy::Category& category,
                                              std::uint32_t provenance,
                                              const PlainOptions& options);

struct PlainCompiled {
  PlainReport report;
  generation::Summary summary;
};

/// Reads, sorts and writes one generation. Fails, leaving no file, when the category is not in the
/// taxonomy or not one name was accepted. A `protected` category becomes protect records.
[[nodiscard]] Result<PlainCompiled> compile_plain_lists(
    std::span<const std::filesystem::path> files, std::string_view category,
    const std::filesystem::path& output, const PlainOptions& options = {});

}  // namespace sluice::compile
