// A kernel network interface that serves as one side of the wire. While it does, the kernel must
// neither merge frames (GRO, LRO: what leaves would not be what came), nor segment them, nor speak
// IPv6 on it; taking the interface sets that, and letting go sets back what was changed.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/base/result.h"

namespace sluice::port {

class KernelInterface {
 public:
  /// Fails where there is no such interface, or without the right to change it.
  [[nodiscard]] static Result<KernelInterface> take(const std::string& name);
  KernelInterface(KernelInterface&&) noexcept;
  KernelInterface& operator=(KernelInterface&&) = delete;
  ~KernelInterface();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint32_t mtu() const { return mtu_; }
  /// Up, and a carrier seen.
  [[nodiscard]] bool running() const;
  void set_up(bool up) const;

 private:
  explicit KernelInterface(std::string name);
  void switch_off_offloads();
  void switch_off_ipv6();

  std::string name_;
  int socket_ = -1;
  std::uint32_t mtu_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> offloads_;  // set command, former value
  std::string former_disable_ipv6_;
};

}  // namespace sluice::port
