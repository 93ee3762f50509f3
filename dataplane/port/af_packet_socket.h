// The sockets that DPDK's af_packet driver opened in this process, by interface: the driver offers
// neither a way to wait on them nor the kernel's count of frames that found its ring full.
//
// Thread safety: sockets are recorded while ports are opened; afterwards the list is constant.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::port {

[[nodiscard]] std::vector<int> af_packet_sockets(unsigned interface_index);

/// Frames that the kernel dropped because the ring was full, since the last call.
[[nodiscard]] std::uint64_t take_af_packet_drops(int socket);

}  // namespace sluice::port
