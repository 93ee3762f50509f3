// Which addresses are one device's: from what the workers saw, into the book and back to them.
#include "dataplane/gateway/gateway.h"

namespace sluice::gateway {
namespace {

constexpr std::chrono::milliseconds kTellInterval{1000};

neighbour::Seconds seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void Gateway::use_neighbours(const index::Snapshot& snapshot) {
  neighbours_.forget_table();
  if (auto table = neighbours_.table(snapshot.groups(), seconds())) follow(std::move(table));
  snapshot.set_neighbours(followed_);
}

void Gateway::follow(std::shared_ptr<const neighbour::Table> table) {
  followed_ = table->size() == 0 ? nullptr : std::move(table);
}

void Gateway::keep_neighbours() {
  const neighbour::Seconds at = seconds();
  for (const auto& worker : workers_) {
    worker->sightings().drain([&](const neighbour::Sighting& seen) { neighbours_.add(seen, at); });
  }
  // Each table is a new one of all masks as well.
  const auto now = std::chrono::steady_clock::now();
  if (now - followed_at_ < kTellInterval) return;
  followed_at_ = now;
  neighbours_.age(at);
  auto table = neighbours_.table(running_->groups(), at);
  if (table == nullptr) return;
  follow(std::move(table));
  running_->set_neighbours(followed_);
}

std::vector<neighbour::Book::Device> Gateway::neighbours() const {
  if (!running_) return {};
  return neighbours_.devices(running_->groups(), seconds());
}

std::optional<neighbour::Book::Device> Gateway::neighbour(const policy::Client& client,
                                                          bool has_mac) const {
  if (!running_) return std::nullopt;
  return neighbours_.find(running_->groups(), client, has_mac, seconds());
}

}  // namespace sluice::gateway
