// The keys of ports, of what joins them, and of the process that forwards between them.
#include <array>

#include "config/schema/keys.h"

namespace sluice::schema {
namespace {

using std::string_view;

constexpr Shape kDevice{.kind = Kind::device, .noun = "a device, such as af_packet:eth1"};
constexpr Shape kMtu = whole_number(576, 9728);
constexpr Shape kWorkers = whole_number(1, 64);
constexpr Shape kCpu = whole_number(0, 1023);
constexpr Shape kMemory = whole_number(64, 1048576);
constexpr Shape kSleep = whole_number(0, 100000);
constexpr std::array<string_view, 2> kFailModes{"open", "closed"};
constexpr std::array<string_view, 3> kHugePageModes{"automatic", "required", "never"};
constexpr Shape kFailMode = one_of(kFailModes);
constexpr Shape kHugePages = one_of(kHugePageModes);
constexpr Shape kCpus{.kind = Kind::list, .noun = "a list of CPU numbers", .item = &kCpu};

constexpr std::array kPortFields{
    Field{"device", &kDevice, true, "", "The device behind the port, as `KIND:ARGUMENTS`."},
    Field{"mtu", &kMtu, false, "the device's own",
          "The largest IP packet that the port carries, in octets."},
};
constexpr Shape kPortMapping{.kind = Kind::mapping,
                             .noun = "its keys",
                             .fields = kPortFields,
                             .because = "a port is a device"};
constexpr Shape kPort{
    .kind = Kind::device, .noun = "a device, such as af_packet:eth1", .also = &kPortMapping};

constexpr std::array kPairFields{
    Field{"inside", &kPortName, true, "", "The port towards the people to protect."},
    Field{"outside", &kPortName, true, "", "The port towards the Internet."},
};
constexpr Shape kPair{.kind = Kind::mapping,
                      .noun = "a pair",
                      .fields = kPairFields,
                      .because = "a pair joins two ports"};

constexpr std::array kDataplaneFields{
    Field{"workers", &kWorkers, false, "1", "How many cores forward packets."},
    Field{"cpus", &kCpus, false, "not pinned", "The CPU of each worker, one number a worker."},
    Field{"huge_pages", &kHugePages, false, "automatic",
          "`automatic` uses reserved huge pages where the system has enough, `required` does not "
          "start without, `never` leaves them alone. Without them, buffers and lists lie in such "
          "pages as the kernel gives by itself."},
    Field{"memory_mib", &kMemory, false, "512", "Memory for packets and tables, in MiB."},
    Field{"idle_sleep_us", &kSleep, false, "250",
          "The longest sleep of a worker that has nothing to do, in microseconds, and its rest, of "
          "100 at most, between bursts that it would be woken for all the time. 0 polls always: "
          "the shortest delay, and a core at full load day and night."},
    Field{"fail", &kFailMode, false, "open",
          "With no usable list at the start: `open` lets everything pass and raises an alarm, "
          "`closed` lets nothing pass."},
};

constexpr std::array kDeviceKinds{
    DeviceKind{"pci", true, "pci:0000:03:00.0", "a network card bound to DPDK, by PCI address"},
    DeviceKind{"af_xdp", true, "af_xdp:eth1", "a kernel interface, by AF_XDP"},
    DeviceKind{"af_packet", true, "af_packet:eth1", "a kernel interface, by AF_PACKET"},
    DeviceKind{"tap", true, "tap:sluice0", "a TAP interface that the gateway makes"},
    DeviceKind{"memif", true, "memif:role=client,id=0", "shared memory with another program"},
    DeviceKind{
        "pcap", true, "pcap:rx=in.pcap,tx=out.pcap",
        "capture files; each `rx=` is a queue, with all of a flow in one, alike at both ports"},
    DeviceKind{"ring", false, "ring:", "memory rings, for tests"},
    DeviceKind{"null", false, "null:", "discards, for tests"},
    DeviceKind{"vdev", true, "vdev:net_tap0,iface=x", "any other DPDK virtual device"},
};

}  // namespace

constexpr Shape kPorts{.kind = Kind::named,
                       .noun = "ports, as NAME: DEVICE",
                       .minimum = 2,
                       .maximum = 32,
                       .item = &kPort};
constexpr Shape kPairs{.kind = Kind::named,
                       .noun = "pairs, as NAME: {inside: PORT, outside: PORT}",
                       .minimum = 1,
                       .maximum = 16,
                       .item = &kPair};
constexpr Shape kDataplane{.kind = Kind::mapping, .noun = "its keys", .fields = kDataplaneFields};

std::span<const DeviceKind> device_kinds() { return kDeviceKinds; }

}  // namespace sluice::schema
