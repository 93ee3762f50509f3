// How far long work has come, on a person's terminal; nothing where the output is no terminal.
//
// Thread safety: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::authority {

class Progress {
 public:
  /// `total`: of what step() counts; 0 where that is not known.
  Progress(std::string what, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So much is done; cheap enough to be called for every name.
  void at(std::uint64_t done);
  /// Another part of the work begins.
  void next(std::string what);

 private:
  void draw(std::uint64_t done);

  std::string what_;
  std::uint64_t total_;
  bool shown_;
  bool drawn_ = false;
  std::uint64_t calls_ = 0;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace sluice::authority
