// Keeps the book over restarts and power cuts: a thread of its own writes it, so that a slow disk
// keeps nobody from anything. Where the disk is full, minutes go on being counted in memory.
//
// Thread safety: the control thread; the writer shares only what is handed over.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "dataplane/budget/book.h"

namespace sluice::budget {

class Keeper {
 public:
  using Clock = std::chrono::steady_clock;
  /// At most so old is what is on the disk, where it can be written.
  static constexpr std::chrono::seconds kInterval{15};

  /// Reads what is kept in `file`. What cannot be read is set aside, and told by faults().
  Keeper(std::filesystem::path file, std::uint64_t secret);
  /// Writes what has changed since.
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  [[nodiscard]] Book& book() { return book_; }
  [[nodiscard]] const Book& book() const { return book_; }

  /// To be called now and then: hands over what has changed. `at_once`: a person changed it.
  void keep(Clock::time_point now, bool at_once = false);
  /// What an administrator has to know; empty where all is well.
  [[nodiscard]] std::string fault() const;

 private:
  void want(std::string content);
  void write();

  const std::filesystem::path file_;
  Book book_;
  Clock::time_point kept_{};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> wanted_;  // and all below: guarded by mutex_
  std::string lost_;
  std::string fault_;
  bool stop_ = false;
  std::thread writer_;  // the last, so that it sees the rest whole
};

}  // namespace sluice::budget
