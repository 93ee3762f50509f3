// "KIND:ARGUMENTS" of the configuration as DPDK device arguments.
//
// Thread safety: free functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::port {

enum class DeviceKind : std::uint8_t { pci, af_packet, af_xdp, tap, memif, pcap, ring, null, vdev };

struct DeviceSpec {
  DeviceKind kind = DeviceKind::vdev;
  std::string argument;  // "eth1", "0000:03:00.0", "rx=in.pcap,tx=out.pcap"
};

[[nodiscard]] Result<DeviceSpec> parse_device(std::string_view text);

/// A kernel interface stands behind the port: its settings and link are the kernel's.
[[nodiscard]] constexpr bool has_kernel_interface(DeviceKind kind) {
  return kind == DeviceKind::af_packet || kind == DeviceKind::af_xdp;
}

/// Both directions of a flow are known to reach the same queue number of the pair's two ports, so
/// that several queues may be used: a card hashes them alike, and captures, of which each is a
/// queue, were made so. The other kinds are read on one queue and distributed by flow.
[[nodiscard]] constexpr bool has_symmetric_queues(DeviceKind kind) {
  return kind == DeviceKind::pci || kind == DeviceKind::pcap || kind == DeviceKind::null;
}

/// Frames reach a queue by a hash that is asked for here.
[[nodiscard]] constexpr bool hashes_flows(DeviceKind kind) { return kind == DeviceKind::pci; }

struct Devargs {
  bool is_pci = false;
  std::string name;  // DPDK's name of the port: "net_tap3", "0000:03:00.0"
  std::string text;  // for -a or --vdev
};

/// `index` makes the virtual device's name unique; `mtu` sizes its buffers.
[[nodiscard]] Devargs to_devargs(const DeviceSpec& spec, unsigned index, std::uint32_t mtu);

}  // namespace sluice::port
