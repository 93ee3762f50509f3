// The commands of sluicectl, free of the command line's own syntax. Each prints and returns the
// program's exit code.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tools/sluicectl/asking.h"

namespace sluice::ctl {

int show_status(const Context& context);
/// `all`: counters that are zero as well.
int show_stats(const Context& context, bool all);
/// What a frame costs, stage by stage: of the frames that come within `seconds`, or of all since
/// the start where none does.
int show_stages(const Context& context, double seconds);

/// One past block, with who ordered it. Only the last thousand blocks are kept, in memory.
int show_incident(const Context& context, const std::string& id);
/// The last `most` past blocks.
int show_events(const Context& context, std::size_t most);

struct ExplainOptions {
  std::string name;
  std::string client;  // address
  std::string mac;
  std::string vlan;      // "100", or "100.7" for outer and inner
  std::string port;      // an inside port
  std::string at;        // a moment, or "unknown"; empty: now
  std::string protocol;  // what the client gets over this one; empty: over each
  std::filesystem::path generation;
};
int explain_name(const Context& context, const ExplainOptions& options);

struct PolicyTestOptions {
  std::filesystem::path file;
  std::filesystem::path generation;
};
int test_policy(const Context& context, const PolicyTestOptions& options);
/// The same of a configuration that was read already.
int test_policy(const Context& context, const PolicyTestOptions& options,
                const Result<schema::Config>& config);

struct ListShowOptions {
  std::filesystem::path generation;
  std::string under;
};
int show_list(const Context& context, const ListShowOptions& options);

struct ListCompileOptions {
  std::vector<std::filesystem::path> files;
  std::string category;
  std::string format = "auto";
  std::string scope = "tree";
  std::filesystem::path output;
  std::uint64_t generation = 1;
  std::filesystem::path base;     // of changes; empty: lists are compiled
  std::filesystem::path changes;  // instead of files
  bool whole = false;             // never an overlay
  bool verified_base = false;     // it was verified since it was written
};
int compile_list(const Context& context, const ListCompileOptions& options);

/// What a person decides about the lists, and why; sluice-control carries it out.
struct DecisionOptions {
  std::string command;  // hold, rollback, resume, approve, pin, unpin
  std::string who;      // empty: the user
  std::string reason;
  std::uint64_t generation = 0;  // rollback: 0 is the one before
  std::uint64_t hours = 72;
  std::string release;
  std::filesystem::path bundle;
};
int decide(const Context& context, const DecisionOptions& options);
/// Takes the lists out of a repository that was carried here as one file.
int import_bundle(const Context& context, const DecisionOptions& options);
/// Generations that can be gone back to, and a release that waits to be approved.
int show_generations(const Context& context);

/// What a person decides about the site's own lists; sluice-control carries it out.
struct SiteOptions {
  std::string command;  // allow, block, remove, approve
  std::string name;     // a domain name; of approve, a subscription
  std::string who;      // empty: the user
  std::string reason;
  std::vector<std::string> categories;
  std::string scope;  // empty: tree
  std::string until;
};
int change_site(const Context& context, const SiteOptions& options);
/// Entries, subscriptions, and what waits.
int show_site(const Context& context);

/// Another policy for a group or a device, for a while; sluice-control carries it out.
struct ModeOptions {
  std::string command;  // set, end
  std::string subject;  // a group, or a device's address
  std::string mode;
  std::string length;  // "45m"; empty, as until: for ever
  std::string until;
  std::string who;  // empty: the user
  std::string reason;
};
int change_mode(const Context& context, const ModeOptions& options);
int show_modes(const Context& context);
/// "1h30m" in seconds.
[[nodiscard]] Result<std::uint64_t> parse_duration(std::string_view text);

/// Minutes that devices may spend; sluice-dataplane counts and changes them.
struct BudgetOptions {
  std::string command;  // add, reset
  std::string device;
  std::string budget;
  std::uint64_t minutes = 0;
  std::string who;  // empty: the user
  std::string reason;
};
int change_budget(const Context& context, const BudgetOptions& options);
int show_devices(const Context& context);
int show_budgets(const Context& context, const BudgetOptions& options);

/// The person behind sudo, else the user.
[[nodiscard]] std::string own_name();

struct ListDiffOptions {
  std::string from;  // files, or numbers of kept generations
  std::string to;
  std::size_t sample = 10;  // names of each kind
};
int diff_lists(const Context& context, const ListDiffOptions& options);

int check_config(const Context& context, const std::filesystem::path& file);
/// Prints what a configuration says that is hardly meant; returns how much that is.
std::size_t print_doubts(const schema::Source& source);
int diff_config(const Context& context, const std::filesystem::path& candidate);
/// The same of two that were read already; kYes and kNo tell whether something differs.
int diff_sources(const Context& context, const schema::Source& before, const schema::Source& after);

struct ApplyOptions {
  std::filesystem::path file;
  std::filesystem::path cases;        // for test_policy(); empty: none
  std::uint64_t confirm_minutes = 0;  // 0: for good
  bool dry_run = false;
  std::string reason;
  std::string who;
};
int apply_config(const Context& context, const ApplyOptions& options);
int confirm_config(const Context& context, const ApplyOptions& options);
int rollback_config(const Context& context, const ApplyOptions& options);
int print_schema();

/// The file to read: the one given, else the running one of the configured state directory, else
/// the newest there.
[[nodiscard]] Result<std::filesystem::path> generation_file(const Context& context,
                                                            const std::filesystem::path& given);
/// `config`: what load_config() gave.
[[nodiscard]] Result<std::filesystem::path> generation_file(const Context& context,
                                                            const std::filesystem::path& given,
                                                            const Result<schema::Config>& config);

/// The same of a file, or of the number of a kept generation.
[[nodiscard]] Result<std::filesystem::path> kept_generation_file(const Context& context,
                                                                 const std::string& given);

}  // namespace sluice::ctl
