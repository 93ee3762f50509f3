#include "dataplane/port/link_watch.h"

#include <utility>

#include "dataplane/port/port.h"

namespace sluice::port {
namespace {

// A port that was just released needs this long to see its carrier again.
constexpr std::chrono::seconds kSettle{2};

}  // namespace

LinkWatch::LinkWatch(LinkWatch&& other) noexcept {
  for (int i = 0; i < 2; ++i) sides_[i] = std::exchange(other.sides_[i], Side{});
}

LinkWatch::~LinkWatch() {
  for (const Side& side : sides_) {
    if (side.held_down) side.port->set_link(true);
  }
}

void LinkWatch::poll(Clock::time_point now) {
  poll_side(sides_[0], sides_[1], now);
  poll_side(sides_[1], sides_[0], now);
}

void LinkWatch::poll_side(Side& lost, Side& held, Clock::time_point now) {
  if (lost.held_down) return;  // its carrier says nothing while it is down by our own hand
  const bool up = lost.port->link_up();
  if (up) {
    lost.was_up = true;
    if (held.held_down) {
      held.held_down = false;
      held.released = now;
      held.port->set_link(true);
    }
    return;
  }
  if (!lost.was_up || held.held_down || now - lost.released < kSettle) return;
  held.held_down = true;
  held.port->set_link(false);
}

}  // namespace sluice::port
