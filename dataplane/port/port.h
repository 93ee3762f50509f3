// One started DPDK port and what stands behind it.
//
// Thread safety: opened, watched and closed by the control thread; workers use number() and their
// own queues only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/schema/config.h"
#include "dataplane/port/device_spec.h"
#include "dataplane/port/kernel_interface.h"

struct rte_mempool;

namespace sluice::port {

/// A port as configured, with its kernel interface taken; made before EAL starts, since EAL wants
/// the devices in its arguments.
struct Prepared {
  std::string name;
  std::string device;  // as configured
  DeviceSpec spec;
  std::uint32_t mtu = 1500;
  Devargs devargs;
  std::unique_ptr<KernelInterface> interface;  // where one stands behind the port
};

[[nodiscard]] Result<Prepared> prepare(const schema::Port& port, unsigned index);

/// Octets of packet data that a buffer must hold for the largest frame of an MTU.
[[nodiscard]] std::uint32_t data_room(std::uint32_t mtu, DeviceKind kind);

class Port {
 public:
  /// Configures `queues` receive and transmit queues on `pool`, and starts the port.
  [[nodiscard]] static Result<Port> start(Prepared prepared, std::uint16_t queues,
                                          rte_mempool* pool);
  Port(Port&&) noexcept;
  Port& operator=(Port&&) = delete;
  ~Port();

  [[nodiscard]] std::uint16_t number() const { return number_; }
  [[nodiscard]] const std::string& name() const { return prepared_.name; }
  [[nodiscard]] const std::string& device() const { return prepared_.device; }
  [[nodiscard]] std::uint32_t mtu() const { return prepared_.mtu; }
  [[nodiscard]] std::uint16_t queues() const { return queues_; }

  /// File descriptors that become readable when a frame arrives; empty where the device has none,
  /// so that it can only be polled.
  [[nodiscard]] const std::vector<int>& wait_descriptors() const { return wait_descriptors_; }
  /// Frames that came while no buffer was free, besides those that the driver counts itself.
  [[nodiscard]] std::uint64_t missed();

  [[nodiscard]] bool link_up() const;
  void set_link(bool up) const;

 private:
  Port() = default;
  Prepared prepared_;
  std::uint16_t number_ = UINT16_MAX;
  std::uint16_t queues_ = 0;
  std::vector<int> wait_descriptors_;
  std::uint64_t missed_ = 0;
};

/// The most queues that a prepared port can be given.
[[nodiscard]] Result<std::uint16_t> max_queues(const Prepared& prepared);

}  // namespace sluice::port
