#include "dataplane/port/device_spec.h"

#include <algorithm>
#include <array>
#include <bit>

namespace sluice::port {
namespace {

struct Kind {
  std::string_view prefix;
  DeviceKind kind;
  std::string_view driver;  // DPDK's
};

constexpr std::array kKinds = {
    Kind{"pci", DeviceKind::pci, ""},
    Kind{"af_packet", DeviceKind::af_packet, "net_af_packet"},
    Kind{"af_xdp", DeviceKind::af_xdp, "net_af_xdp"},
    Kind{"tap", DeviceKind::tap, "net_tap"},
    Kind{"memif", DeviceKind::memif, "net_memif"},
    Kind{"pcap", DeviceKind::pcap, "net_pcap"},
    Kind{"ring", DeviceKind::ring, "net_ring"},
    Kind{"null", DeviceKind::null, "net_null"},
    Kind{"vdev", DeviceKind::vdev, ""},
};

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// TPACKET_V2 frames hold a header besides the Ethernet frame; blocks hold whole frames.
std::string af_packet_arguments(const std::string& interface, std::uint32_t mtu) {
  constexpr std::uint32_t kOverhead = 128;
  // Deep enough to hold a burst for the while that a busy machine runs something else.
  constexpr std::uint32_t kRingOctets = 8 << 20;
  constexpr std::uint32_t kLeastFrames = 2048;  // of jumbo frames too
  const std::uint32_t frame = std::bit_ceil(mtu + kOverhead);
  const std::uint32_t block = frame < 65536 ? 65536 : frame;
  return "iface=" + interface + ",framesz=" + std::to_string(frame) +
         ",blocksz=" + std::to_string(block) +
         ",framecnt=" + std::to_string(std::max(kRingOctets / frame, kLeastFrames));
}

}  // namespace

Result<DeviceSpec> parse_device(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view prefix = text.substr(0, colon);
  for (const Kind& kind : kKinds) {
    if (kind.prefix != prefix) continue;
    DeviceSpec spec{kind.kind, {}};
    if (colon != std::string_view::npos) spec.argument = text.substr(colon + 1);
    const bool optional = kind.kind == DeviceKind::ring || kind.kind == DeviceKind::null;
    if (spec.argument.empty() && !optional) {
      return fail("a device of kind '" + std::string(prefix) + "' needs an argument",
                  std::string(text), "write it as KIND:ARGUMENT, such as af_packet:eth1");
    }
    return spec;
  }
  std::string kinds;
  for (const Kind& kind : kKinds) kinds += (kinds.empty() ? "" : ", ") + std::string(kind.prefix);
  return fail("no kind of device is called '" + std::string(prefix) + "'", std::string(text),
              "use one of " + kinds);
}

Devargs to_devargs(const DeviceSpec& spec, unsigned index, std::uint32_t mtu) {
  if (spec.kind == DeviceKind::pci) return {true, spec.argument, spec.argument};
  if (spec.kind == DeviceKind::vdev) {
    return {false, spec.argument.substr(0, spec.argument.find(',')), spec.argument};
  }
  std::string driver;
  for (const Kind& kind : kKinds) {
    if (kind.kind == spec.kind) driver = kind.driver;
  }
  const std::string name = driver + std::to_string(index);
  std::string arguments;
  switch (spec.kind) {
    case DeviceKind::af_packet:
      arguments = af_packet_arguments(spec.argument, mtu);
      break;
    case DeviceKind::af_xdp:
      arguments = "iface=" + spec.argument + ",start_queue=0,queue_count=1";
      break;
    case DeviceKind::tap:
      arguments = "iface=" + spec.argument;
      break;
    case DeviceKind::pcap:
      arguments = replace_all("," + spec.argument, ",rx=", ",rx_pcap=");
      arguments = replace_all(arguments, ",tx=", ",tx_pcap=").substr(1);
      break;
    default:
      arguments = spec.argument;
  }
  return {false, name, arguments.empty() ? name : name + "," + arguments};
}

}  // namespace sluice::port
