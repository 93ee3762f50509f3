#include "tools/sluice-authority/progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace sluice::authority {
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);
constexpr std::uint64_t kWidth = 30;

}  // namespace

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)), total_(total), shown_(::isatty(STDERR_FILENO) != 0) {
  if (shown_) draw(0);
}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1B[K", stderr);
}

void Progress::at(std::uint64_t done) {
  // The clock is asked now and then only: a call may be one of millions.
  if (!shown_ || (++calls_ & 15U) != 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kPause) return;
  last_ = now;
  draw(done);
}

void Progress::next(std::string what) {
  what_ = std::move(what);
  if (shown_) draw(0);
}

void Progress::draw(std::uint64_t done) {
  drawn_ = true;
  if (total_ == 0) {
    std::fprintf(stderr, "\r\x1B[K%s …", what_.c_str());
  } else {
    const std::uint64_t part = std::min(done, total_);
    const std::string bar(static_cast<std::size_t>(part * kWidth / total_), '#');
    std::fprintf(stderr, "\r\x1B[K%s [%-30s] %3u %%", what_.c_str(), bar.c_str(),
                 static_cast<unsigned>(part * 100 / total_));
  }
  std::fflush(stderr);
}

}  // namespace sluice::authority
