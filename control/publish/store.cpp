#include "control/publish/store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

#include "config/files/file.h"

namespace sluice::publish {
namespace {

constexpr std::size_t kDigits = 10;
constexpr std::string_view kSuffix = ".lmdb";

std::string file_name(std::uint64_t number) {
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%010llu.lmdb", static_cast<unsigned long long>(number));
  return out.data();
}

std::optional<std::uint64_t> number_of(const std::string& name) {
  if (name.size() < kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  const std::string digits = name.substr(0, name.size() - kSuffix.size());
  if (digits.size() > 19 || digits.find_first_not_of("0123456789") != digits.npos) {
    return std::nullopt;
  }
  const std::uint64_t number = std::stoull(digits);
  const bool good = number < generation::kMostGeneration && file_name(number) == name;
  return good ? std::optional(number) : std::nullopt;
}

}  // namespace

Store::Store(std::filesystem::path folder, std::uint32_t keep)
    : folder_(std::move(folder)), keep_(std::max(keep, 1U)) {}

std::filesystem::path Store::path_of(std::uint64_t number) const {
  return folder_ / file_name(number);
}

std::vector<std::uint64_t> Store::numbers() const {
  std::vector<std::uint64_t> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (auto number = number_of(entry.path().filename().string())) out.push_back(*number);
  }
  std::sort(out.rbegin(), out.rend());
  return out;
}

std::uint64_t Store::next_number() const {
  const auto all = numbers();
  return std::max(all.empty() ? 0 : all.front(), current_number().value_or(0)) + 1;
}

std::optional<std::uint64_t> Store::current_number() const {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(current_link(), error);
  if (error) return std::nullopt;
  return number_of(target.filename().string());
}

Status Store::point_to(std::uint64_t number) const {
  const std::filesystem::path temporary = folder_ / ".current.tmp";
  files::make_way(temporary);
  // Relative, so that the folder can be moved or seen through another mount.
  if (::symlink(file_name(number).c_str(), temporary.c_str()) != 0) {
    return fail(std::string("cannot make the link: ") + std::strerror(errno), temporary.string(),
                "free some space, and check owner and mode");
  }
  return files::rename_synced(temporary, current_link());
}

Result<Store::Recovered> Store::recover() {
  if (auto status = files::make_folder(folder_); !status) return fail(status.error());
  Recovered out;
  if (const std::size_t removed = files::remove_leftovers(folder_); removed > 0) {
    out.repairs.push_back("removed " + std::to_string(removed) + " unfinished file(s) from " +
                          folder_.string());
  }
  if (const auto current = current_number()) {
    auto opened = open(*current);
    if (opened) {
      out.current = std::move(*opened);
      return out;
    }
    out.repairs.push_back("current generation is bad: " + opened.error().text());
  }
  for (const std::uint64_t number : numbers()) {
    auto opened = open(number);
    if (!opened) {
      out.repairs.push_back("skipped: " + opened.error().text());
      continue;
    }
    if (auto status = point_to(number); !status) return fail(status.error());
    out.repairs.push_back("current now is generation " + std::to_string(number));
    out.current = std::move(*opened);
    return out;
  }
  return out;
}

Result<Store::Shared> Store::open(std::uint64_t number, const Shared& at_hand) const {
  const std::filesystem::path path = path_of(number);
  auto opened = generation::Generation::open(path, at_hand);
  if (!opened) return opened;
  if ((*opened)->header().generation != number) {
    return fail("holds generation " + std::to_string((*opened)->header().generation), path.string(),
                "its name and its header must agree");
  }
  return opened;
}

void Store::discard(std::uint64_t number) const {
  std::error_code ignored;
  std::filesystem::remove(path_of(number), ignored);
}

Result<Store::Shared> Store::activate(std::uint64_t number, const Shared& at_hand) {
  auto opened = open(number, at_hand);
  if (!opened) {
    discard(number);
    return opened;
  }
  if (auto status = point_to(number); !status) return fail(status.error());
  prune();
  return opened;
}

void Store::prune(const std::set<std::uint64_t>& pinned) const {
  const auto current = current_number();
  std::uint32_t counted = 0;
  std::set<std::uint64_t> kept;
  for (const std::uint64_t number : numbers()) {
    // A number above the current one is an activation that a crash undid.
    const bool old = number != current && (number > current || ++counted >= keep_);
    if (old && !pinned.contains(number)) continue;
    kept.insert(number);
    const auto base = generation::Generation::base_of(path_of(number));
    // Whose base that would be is not known, so nothing is removed this time.
    if (!base) return;
    if (!*base) continue;
    if (const auto needed = number_of((*base)->file)) kept.insert(*needed);
  }
  for (const std::uint64_t number : numbers()) {
    if (!kept.contains(number)) discard(number);
  }
}

}  // namespace sluice::publish
