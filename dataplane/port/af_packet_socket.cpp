// DPDK 22.11's af_packet driver joins each of its sockets, even a single one, to a fanout group
// with PACKET_FANOUT_FLAG_DEFRAG. The kernel then hands reassembled IPv4 datagrams over instead of
// the fragments that came, which no longer fit the wire and are lost. The driver has no argument
// against it, so this process's setsockopt() leaves the fanout out: one queue needs none (several
// workers are fed by flow, see worker/). In its place the socket is told to ignore what this host
// itself sends on the interface, which is no part of the wire.
//
// The program that links this file must export the symbol: DPDK loads its drivers with dlopen().
#include "dataplane/port/af_packet_socket.h"

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::port {
namespace {

struct Recorded {
  int socket;
  unsigned interface_index;
};
std::vector<Recorded>& recorded() {
  static std::vector<Recorded> sockets;
  return sockets;
}

void record(int socket) {
  sockaddr_ll address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    recorded().push_back({socket, static_cast<unsigned>(address.sll_ifindex)});
  }
}

}  // namespace

std::vector<int> af_packet_sockets(unsigned interface_index) {
  std::vector<int> out;
  for (const Recorded& one : recorded()) {
    if (one.interface_index == interface_index) out.push_back(one.socket);
  }
  return out;
}

std::uint64_t take_af_packet_drops(int socket) {
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  return getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0 ? stats.tp_drops : 0;
}

}  // namespace sluice::port

extern "C" __attribute__((visibility("default"), used)) int setsockopt(int fd, int level, int name,
                                                                       const void* value,
                                                                       socklen_t size) noexcept {
  if (level == SOL_PACKET && name == PACKET_FANOUT) {
    const int yes = 1;
    // Kernels before 4.20 do not know it; what is lost there is only the tidiness.
    (void)syscall(SYS_setsockopt, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
    sluice::port::record(fd);
    return 0;
  }
  return static_cast<int>(syscall(SYS_setsockopt, fd, level, name, value, size));
}
