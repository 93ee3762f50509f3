// Carries link state through a pair: when one side loses its carrier, the other side is taken down,
// so that what is behind it sees the loss at once and can take another way; it comes back with the
// carrier.
//
// Thread safety: the control thread.
#pragma once

#include <chrono>

namespace sluice::port {

class Port;

class LinkWatch {
 public:
  using Clock = std::chrono::steady_clock;

  LinkWatch(const Port& a, const Port& b) : sides_{Side{&a}, Side{&b}} {}
  /// Nothing stays down because of a program that is gone.
  ~LinkWatch();
  LinkWatch(LinkWatch&& other) noexcept;
  LinkWatch& operator=(LinkWatch&&) = delete;

  /// To be called a few times a second.
  void poll(Clock::time_point now);

 private:
  struct Side {
    const Port* port = nullptr;
    bool was_up = false;     // only a carrier that was there can be lost
    bool held_down = false;  // by us
    Clock::time_point released{};
  };
  void poll_side(Side& lost, Side& held, Clock::time_point now);

  Side sides_[2];
};

}  // namespace sluice::port
