#include "dataplane/port/port.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <net/if.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <utility>

#include "dataplane/port/af_packet_socket.h"

namespace sluice::port {
namespace {

constexpr std::uint16_t kDescriptors = 1024;
constexpr std::uint32_t kFrameOverhead = 14 + 4 * 4 + 4;  // Ethernet, four VLAN tags, FCS

// A symmetric Toeplitz key: both directions of a flow hash alike (Woo and Park, 2012).
constexpr std::size_t kRssKeyOctets = 52;
std::array<std::uint8_t, kRssKeyOctets> symmetric_key() {
  std::array<std::uint8_t, kRssKeyOctets> key{};
  for (std::size_t i = 0; i < key.size(); i += 2) {
    key[i] = 0x6d;
    key[i + 1] = 0x5a;
  }
  return key;
}

tl::unexpected<Error> refuse(const Prepared& prepared, std::string_view what, int code) {
  return fail(std::string(what) + ": " + rte_strerror(-code),
              "ports." + prepared.name + " (" + prepared.device + ")");
}

}  // namespace

Result<Prepared> prepare(const schema::Port& port, unsigned index) {
  auto spec = parse_device(port.device);
  if (!spec) return fail(spec.error());
  Prepared prepared{.name = port.name, .device = port.device, .spec = std::move(*spec)};
  if (has_kernel_interface(prepared.spec.kind)) {
    auto interface = KernelInterface::take(prepared.spec.argument);
    if (!interface) {
      Error error = interface.error();
      error.where = "ports." + port.name + " (" + port.device + ")";
      return fail(std::move(error));
    }
    prepared.mtu = interface->mtu();
    prepared.interface = std::make_unique<KernelInterface>(std::move(*interface));
  }
  if (port.mtu != 0) prepared.mtu = port.mtu;
  prepared.devargs = to_devargs(prepared.spec, index, prepared.mtu);
  return prepared;
}

std::uint32_t data_room(std::uint32_t mtu, DeviceKind kind) {
  // The af_packet driver wants room for a whole ring frame.
  if (kind == DeviceKind::af_packet) return std::bit_ceil(mtu + 128U);
  return std::max<std::uint32_t>(RTE_MBUF_DEFAULT_DATAROOM, mtu + kFrameOverhead);
}

Result<std::uint16_t> max_queues(const Prepared& prepared) {
  std::uint16_t number = 0;
  if (const int code = rte_eth_dev_get_port_by_name(prepared.devargs.name.c_str(), &number)) {
    return refuse(prepared, "DPDK made no port of it", code);
  }
  rte_eth_dev_info info{};
  if (const int code = rte_eth_dev_info_get(number, &info)) {
    return refuse(prepared, "cannot ask the device", code);
  }
  return std::min(info.max_rx_queues, info.max_tx_queues);
}

Port::Port(Port&& other) noexcept
    : prepared_(std::move(other.prepared_)),
      number_(std::exchange(other.number_, UINT16_MAX)),
      queues_(other.queues_),
      wait_descriptors_(std::move(other.wait_descriptors_)),
      missed_(other.missed_) {}

Port::~Port() {
  if (number_ == UINT16_MAX) return;
  rte_eth_dev_stop(number_);
  rte_eth_dev_close(number_);
}

Result<Port> Port::start(Prepared prepared, std::uint16_t queues, rte_mempool* pool) {
  Port port;
  port.queues_ = queues;
  port.prepared_ = std::move(prepared);
  const Prepared& at = port.prepared_;
  std::uint16_t number = 0;
  if (const int code = rte_eth_dev_get_port_by_name(at.devargs.name.c_str(), &number)) {
    return refuse(at, "DPDK made no port of it", code);
  }
  rte_eth_dev_info info{};
  if (const int code = rte_eth_dev_info_get(number, &info)) {
    return refuse(at, "cannot ask the device", code);
  }
  rte_eth_conf config{};
  auto key = symmetric_key();
  if (queues > 1 && hashes_flows(at.spec.kind)) {
    config.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    config.rx_adv_conf.rss_conf.rss_key = key.data();
    config.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
    config.rx_adv_conf.rss_conf.rss_hf =
        (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) & info.flow_type_rss_offloads;
    if (info.hash_key_size > key.size()) config.rx_adv_conf.rss_conf.rss_key = nullptr;
  }
  const bool mtu_is_ours = at.spec.kind == DeviceKind::pci || at.spec.kind == DeviceKind::tap;
  if (mtu_is_ours) config.rxmode.mtu = std::min<std::uint32_t>(at.mtu, info.max_mtu);
  // The kernel takes the outer tag off before the driver sees the frame. The driver puts it back by
  // itself, always as 802.1Q, unless it is asked for the stripped frame, which tells that one was
  // there: worker/ then knows a stacked tag from a single one.
  if (at.spec.kind == DeviceKind::af_packet) {
    config.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_VLAN_STRIP & info.rx_offload_capa;
  }
  if ((info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0) {
    config.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  }
  if (const int code = rte_eth_dev_configure(number, queues, queues, &config)) {
    return refuse(at, "cannot configure it", code);
  }
  std::uint16_t rx = kDescriptors;
  std::uint16_t tx = kDescriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(number, &rx, &tx);
  const auto socket = static_cast<unsigned>(SOCKET_ID_ANY);
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    int code = rte_eth_rx_queue_setup(number, queue, rx, socket, nullptr, pool);
    if (code == 0) code = rte_eth_tx_queue_setup(number, queue, tx, socket, nullptr);
    if (code != 0) return refuse(at, "cannot set up queue " + std::to_string(queue), code);
  }
  if (const int code = rte_eth_dev_start(number)) return refuse(at, "cannot start it", code);
  port.number_ = number;
  // A capture or a ring has no such mode and shows every frame anyway.
  (void)rte_eth_promiscuous_enable(number);
  if (at.spec.kind == DeviceKind::tap)
    (void)rte_eth_dev_set_mtu(number, static_cast<std::uint16_t>(at.mtu));
  if (at.spec.kind == DeviceKind::af_packet) {
    port.wait_descriptors_ = af_packet_sockets(if_nametoindex(at.spec.argument.c_str()));
  }
  return port;
}

std::uint64_t Port::missed() {
  for (const int socket : wait_descriptors_) missed_ += take_af_packet_drops(socket);
  return missed_;
}

bool Port::link_up() const {
  if (prepared_.interface) return prepared_.interface->running();
  rte_eth_link link{};
  return rte_eth_link_get_nowait(number_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void Port::set_link(bool up) const {
  if (prepared_.interface) return prepared_.interface->set_up(up);
  (void)(up ? rte_eth_dev_set_link_up(number_) : rte_eth_dev_set_link_down(number_));
}

}  // namespace sluice::port
