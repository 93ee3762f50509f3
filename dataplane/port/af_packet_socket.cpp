// DPDK 22.11's af_packet driver joins each of its sockets, even a single one, to a fanout group
// with PACKET_FANOUT_FLAG_DEFRAG. The kernel then hands reassembled IPv4 datagrams over instead of
// the fragments that came, which no longer fit the wire and are lost. The driver has no argument
// against it, so this process's setsockopt() leaves the fanout out: one queue needs none (several
// workers are fed by flow, see worker/). In its place the socket is told to ignore what this host
// itself sends on the interface, which is no part of the wire.
//
// The program that links this file must export the symbol: DPDK loads its drivers with dlopen().
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" __attribute__((visibility("default"), used)) int setsockopt(int fd, int level, int name,
                                                                       const void* value,
                                                                       socklen_t size) noexcept {
  if (level == SOL_PACKET && name == PACKET_FANOUT) {
    const int yes = 1;
    // Kernels before 4.20 do not know it; what is lost there is only the tidiness.
    (void)syscall(SYS_setsockopt, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
    return 0;
  }
  return static_cast<int>(syscall(SYS_setsockopt, fd, level, name, value, size));
}
