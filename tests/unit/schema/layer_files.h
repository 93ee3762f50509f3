// Files of other owners than the site, beside it, and what the site's file says of them.
#pragma once

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "config/policy/group_table.h"
#include "config/policy/timetable.h"
#include "config/schema/config.h"

namespace sluice::schema {

namespace fs = std::filesystem;

inline policy::CategoryMask category(std::string_view name) {
  return policy::bit(policy::find_category(name)->id);
}

class LayerFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("sluice-layers-" + std::to_string(getpid()));
    fs::create_directories(folder_ / "state" / "layers");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void put(const fs::path& file, const std::string& text) const {
    std::ofstream(folder_ / file, std::ios::binary) << text;
  }
  [[nodiscard]] std::string path(const fs::path& file) const { return (folder_ / file).string(); }
  /// The site's file, with what stands under `layers`.
  [[nodiscard]] Loaded load_site(const std::string& layers) const {
    put("sluice.yaml",
        "ports: {in: 'af_packet:eth1', out: 'af_packet:eth2'}\n"
        "pairs: {main: {inside: in, outside: out}}\n"
        "calendar: {time_zone: Asia/Shanghai, dates: {exams: [2027-01-11/2027-01-15]}}\n"
        "schedules: {lessons: [{days: [workdays], from: \"08:00\", until: \"16:30\"}]}\n"
        "curated: {books: {names: [library.example]}}\n"
        "budgets: {video: {categories: [video], minutes_a_day: 60}}\n"
        "policies: {pupils: {block: [gambling]}}\n"
        "groups: {class-7b: {policy: pupils, vlans: [107]}, class-7c: {policy: pupils, vlans: "
        "[108]}}\n"
        "default_policy: pupils\n"
        "state_dir: " +
            path("state") + "\n" + layers);
    return load(folder_ / "sluice.yaml");
  }
  [[nodiscard]] std::string layers(const std::string& groups = "[class-7b]") const {
    return "layers: {li: {file: " + path("li.yaml") + ", owner: Ms Li, groups: " + groups + "}}\n";
  }
  static policy::CategoryMask blocked(const Config& config, std::uint16_t vlan, const char* at) {
    const auto moment = calendar::parse_moment(at, "Asia/Shanghai").value();
    const auto set = policy_at(config, moment).value();
    const auto groups = policy::GroupTable::build(set, {}).value();
    const policy::Timetable timetable(set, groups);
    return timetable.masks(groups.find({.outer_vlan = vlan}).group, moment).blocked;
  }

  fs::path folder_;
};

inline constexpr const char* kEvening = "2026-12-04T22:30";
inline constexpr const char* kMorning = "2026-12-04T09:30";

}  // namespace sluice::schema
