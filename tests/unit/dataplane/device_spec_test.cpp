#include "dataplane/port/device_spec.h"

#include <gtest/gtest.h>

namespace sluice::port {
namespace {

std::string devargs(std::string_view text, std::uint32_t mtu = 1500) {
  const auto spec = parse_device(text);
  EXPECT_TRUE(spec) << spec.error().text();
  return to_devargs(*spec, 3, mtu).text;
}

TEST(DeviceSpec, BecomesDpdkArguments) {
  EXPECT_EQ(devargs("tap:sluice0"), "net_tap3,iface=sluice0");
  EXPECT_EQ(devargs("af_xdp:eth1"), "net_af_xdp3,iface=eth1,start_queue=0,queue_count=1");
  EXPECT_EQ(devargs("pcap:rx=in.pcap,tx=out.pcap"), "net_pcap3,rx_pcap=in.pcap,tx_pcap=out.pcap");
  EXPECT_EQ(devargs("pcap:rx=a.pcap,rx=b.pcap,infinite_rx=1"),
            "net_pcap3,rx_pcap=a.pcap,rx_pcap=b.pcap,infinite_rx=1");
  EXPECT_EQ(devargs("memif:role=server,id=0"), "net_memif3,role=server,id=0");
  EXPECT_EQ(devargs("null:"), "net_null3");
  EXPECT_EQ(devargs("vdev:net_ring7,nodeaction=r0:0:CREATE"), "net_ring7,nodeaction=r0:0:CREATE");
  EXPECT_EQ(devargs("pci:0000:03:00.0"), "0000:03:00.0");
  EXPECT_EQ(devargs("af_packet:eth1"),
            "net_af_packet3,iface=eth1,framesz=2048,blocksz=65536,framecnt=4096");
  EXPECT_EQ(devargs("af_packet:eth1", 9000),
            "net_af_packet3,iface=eth1,framesz=16384,blocksz=65536,framecnt=2048");
}

TEST(DeviceSpec, NamesThePort) {
  const auto name = [](std::string_view text) {
    return to_devargs(parse_device(text).value(), 0, 1500).name;
  };
  EXPECT_EQ(name("pci:0000:03:00.0"), "0000:03:00.0");
  EXPECT_EQ(name("tap:x"), "net_tap0");
  EXPECT_EQ(name("vdev:net_ring7,a=b"), "net_ring7");
}

TEST(DeviceSpec, RefusesWhatItDoesNotKnow) {
  for (const std::string_view bad : {"eth1", "af_pocket:eth1", "tap:", "", ":", "pci:"}) {
    EXPECT_FALSE(parse_device(bad)) << bad;
  }
}

}  // namespace
}  // namespace sluice::port
