// The configuration of one appliance, as plain structs. load() reads YAML once, checks all of it,
// and reports every fault at once with file, line and column; nothing else in Sluice reads YAML.
//
// Thread safety: plain values; load() may run on any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/calendar/calendar.h"
#include "config/policy/policy.h"

namespace sluice::schema {

struct Site {
  std::string name;                // "No. 7 Middle School"
  std::string profile = "school";  // school | home | isp
  std::string contact;             // shown to the person who was refused
};

/// One port, "KIND:ARGUMENTS" as dataplane/port understands it.
struct Port {
  std::string name;       // referred to by pairs
  std::string device;     // "af_packet:eth1", "pci:0000:03:00.0"
  std::uint32_t mtu = 0;  // 0: the device's own
};

/// Two ports joined as a wire. Names are judged in frames that come in on `inside`.
struct Pair {
  std::string name;
  std::string inside;
  std::string outside;
};

enum class TrustClock : std::uint8_t { synchronised, always };

/// Which days are of which kind, and times by name; policy.schedules is in the same order.
struct Times {
  calendar::Calendar calendar;
  std::vector<calendar::Schedule> schedules;
  TrustClock trust = TrustClock::synchronised;
  int day_begins = 0;  // of budgets: minutes since midnight
};

enum class FailMode : std::uint8_t { open, closed };
enum class HugePages : std::uint8_t { automatic, required, never };

struct Dataplane {
  std::uint32_t workers = 1;
  std::vector<std::uint32_t> cpus;  // one a worker; empty: not pinned
  HugePages huge_pages = HugePages::automatic;
  std::uint32_t memory_mib = 512;
  std::uint32_t idle_sleep_us = 250;  // the longest sleep of an idle worker; 0: poll always
  FailMode fail = FailMode::open;     // with no good generation: pass all, or drop all
};

struct Authority {
  std::string url;                   // "https://lists.province.example/repo/"
  std::vector<std::string> mirrors;  // that serve the same
  std::filesystem::path root;        // trusted root.json
  std::filesystem::path ca_file;     // empty: the system's
  std::uint32_t poll_seconds = 45;
};

/// What all downloads go through.
struct Proxy {
  std::string url;                   // "http://proxy.example:3128"
  std::filesystem::path login_file;  // holds "user:password"; empty: none is asked for
};

/// What another owner than the site refuses, in a file of his own.
struct Layer {
  std::string name;
  std::string owner;  // as people know him
  std::filesystem::path file;
  std::vector<std::string> groups;  // that he was given; empty: all, the default one among them
  std::string text;                 // of the file, as it counts
};

/// A list of others that the site takes, which nobody has signed.
struct Subscription {
  std::string name;
  std::string url;                // https://, http:// or file:///
  std::filesystem::path ca_file;  // empty: the system's
  std::uint8_t category = 0;      // of those that are the site's
  std::string format = "auto";    // as compile::parse_plain_format() takes it
  bool enforce = false;           // else what it lists is counted, never blocked
  std::uint32_t refresh_hours = 24;
  std::uint32_t max_entries = 200'000;
  std::uint32_t max_mib = 32;  // of the download
};

struct Config {
  Site site;
  std::vector<Port> ports;
  std::vector<Pair> pairs;
  Dataplane dataplane;
  Times times;
  policy::PolicySet policy;  // groups, policies, block answers; see policy_at()
  std::map<std::string, std::string, std::less<>> modes;  // words of modes, and their policies
  std::optional<Authority> authority;
  std::optional<Proxy> proxy;
  std::vector<Subscription> subscriptions;         // by name
  std::vector<Layer> layers;                       // that are in force
  std::vector<std::filesystem::path> layer_files;  // of all
  std::vector<std::string> layer_names;            // likewise
  std::string layer_stamps;                        // of the files, from before they were read
  std::vector<policy::SearchEngine> engines;       // that a layer may have use for
  std::filesystem::path state_dir = "/var/lib/sluice";
  std::filesystem::path run_dir = "/run/sluice";
  std::uint32_t keep_generations = 5;
  std::string appliance;  // the id by which rollouts know it; empty: one is made

  [[nodiscard]] std::filesystem::path generations_dir() const { return state_dir / "generations"; }
  [[nodiscard]] std::filesystem::path dataplane_socket() const {
    return run_dir / "dataplane.sock";
  }
  [[nodiscard]] std::filesystem::path control_socket() const { return run_dir / "control.sock"; }
};

/// The policy with its schedules worked out for 13 months from `now` on (Unix time), and for the
/// two before it. The same for all of a month, so that an appliance makes a generation of it once a
/// month.
[[nodiscard]] Result<policy::PolicySet> policy_at(const Config& config, std::int64_t now);
/// The same with modes of persons: those whose policy is no longer there, and those that have
/// ended, are left out.
[[nodiscard]] Result<policy::PolicySet> policy_at(const Config& config, std::int64_t now,
                                                  const std::vector<policy::Mode>& modes);
/// The policy that a mode's word stands for: empty of "normal", and one that is added where it
/// is needed of a pause that nothing is said of. Fails, with the words that there are, where it
/// stands for nothing.
[[nodiscard]] Result<std::string> policy_of_mode(const Config& config, std::string_view word);
/// When policy_at() will give another; nullopt where there are no schedules.
[[nodiscard]] std::optional<std::int64_t> next_policy_at(const Config& config, std::int64_t now);

/// One fault of a configuration: "school.yaml:12:5: policies.pupils.block[2]: …".
struct Fault {
  std::string file;
  std::uint32_t line = 0;  // from 1; 0 where the fault has no place
  std::uint32_t column = 0;
  std::string path;  // "policies.pupils.block[2]"
  std::string what;
  std::string advice;

  [[nodiscard]] std::string text() const;
};

struct Loaded {
  std::optional<Config> config;  // set when faults is empty
  std::vector<Fault> faults;     // in file order
  /// Of files of other owners, each under its own name. In place of such a file counts the one that
  /// was good before, which control keeps (kept_layer()), or none.
  std::vector<Fault> layer_faults;
};
/// Where the text of a layer is kept that was good.
[[nodiscard]] std::filesystem::path kept_layer(const Config& config, std::string_view layer);

/// Another text where any of the files is another one.
[[nodiscard]] std::string layer_stamps(const std::vector<std::filesystem::path>& files);

/// Adds the layers that the authority has signed: a mapping of names to layers, each with its
/// `owner`, for everybody. Without faults, all of them are there; else none, and `config` is of no
/// more use.
[[nodiscard]] std::vector<Fault> add_signed_layers(std::string_view text, const std::string& where,
                                                   Config& config);

/// Whether the files that a configuration names must be there. The dataplane, which reads none of
/// them, does not let a missing certificate keep it from starting.
enum class References : std::uint8_t { must_exist, unchecked };

[[nodiscard]] Loaded load(const std::filesystem::path& file,
                          References references = References::must_exist);

/// A configuration's file that was read once, for whoever looks at more than what load() makes of
/// it (document.h).
struct Source;

/// What a configuration without faults says that is hardly meant: of which nothing comes from `now`
/// (Unix time) on, or something else than its words suggest. For whoever writes it; no reason to
/// refuse it. In file order; none where it has faults.
[[nodiscard]] std::vector<Fault> doubts(const Source& source, std::int64_t now);

/// The JSON Schema (2020-12) of the same format, generated from the same table of keys.
[[nodiscard]] std::string json_schema();

/// The reference of all keys in Markdown, from the same table; docs/CONFIGURATION.md holds it.
[[nodiscard]] std::string key_reference();

}  // namespace sluice::schema
