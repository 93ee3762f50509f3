// What devices spend, from the workers' tables into the book, and what is used up back to them.
#include <cstdio>
#include <ctime>

#include "dataplane/gateway/gateway.h"

namespace sluice::gateway {
namespace {

constexpr std::chrono::milliseconds kMergeInterval{1000};
constexpr std::size_t kNoticesKept = 1000;

}  // namespace

std::uint32_t Gateway::minute() const {
  // While nobody knows the time, minutes are told apart all the same.
  return static_cast<std::uint32_t>(moment_.value_or(std::time(nullptr)) / 60 & 0xffffff);
}

void Gateway::count_budgets() {
  if (!budgets_.book().any()) return;
  merged_ = std::chrono::steady_clock::now();
  for (const auto& worker : workers_) budgets_.book().merge(worker->activity(), minute());
}

void Gateway::use_budgets(const index::Snapshot& snapshot) {
  count_budgets();  // by the numbering that the workers have had
  budget::Book& book = budgets_.book();
  epoch_ = book.set_policy(snapshot.policy());
  book.begin_days(moment_);
  if (auto exhausted = book.exhausted(minute())) exhausted_ = std::move(exhausted);
  if (book.any()) snapshot.set_budgets({minute(), epoch_, exhausted_});
}

void Gateway::keep_budgets() {
  budget::Book& book = budgets_.book();
  if (!book.any()) return;
  const auto now = std::chrono::steady_clock::now();
  book.begin_days(moment_);
  if (now - merged_ >= kMergeInterval) count_budgets();
  if (auto exhausted = book.exhausted(minute())) exhausted_ = std::move(exhausted);
  running_->set_budgets({minute(), epoch_, exhausted_});
  for (const budget::Book::Notice& notice : book.take_notices()) {
    notices_.push_back({std::chrono::system_clock::now(), notice});
    if (notices_.size() > kNoticesKept) notices_.pop_front();
  }
  budgets_.keep(now);
}

void Gateway::budgets_were_changed() {
  keep_time();
  budgets_.keep(std::chrono::steady_clock::now(), true);
}

}  // namespace sluice::gateway
