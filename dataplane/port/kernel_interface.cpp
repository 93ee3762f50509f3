#include "dataplane/port/kernel_interface.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::port {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  return request;
}

bool ethtool(int socket, const std::string& name, ethtool_value& value) {
  ifreq request = request_for(name);
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ioctl(socket, SIOCETHTOOL, &request) == 0;
}

std::string disable_ipv6_path(const std::string& name) {
  return "/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6";
}

}  // namespace

KernelInterface::KernelInterface(std::string name)
    : name_(std::move(name)), socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

KernelInterface::KernelInterface(KernelInterface&& other) noexcept
    : name_(std::move(other.name_)),
      socket_(std::exchange(other.socket_, -1)),
      mtu_(other.mtu_),
      offloads_(std::move(other.offloads_)),
      former_disable_ipv6_(std::move(other.former_disable_ipv6_)) {}

Result<KernelInterface> KernelInterface::take(const std::string& name) {
  if (name.size() >= IFNAMSIZ) return fail("an interface's name is at most 15 characters", name);
  KernelInterface interface(name);
  ifreq request = request_for(name);
  if (ioctl(interface.socket_, SIOCGIFMTU, &request) != 0) {
    return fail(std::string("no such interface: ") + std::strerror(errno), name,
                "list the interfaces of this machine with 'ip link'");
  }
  interface.mtu_ = static_cast<std::uint32_t>(request.ifr_mtu);
  interface.switch_off_ipv6();
  interface.switch_off_offloads();
  interface.set_up(true);
  return interface;
}

void KernelInterface::switch_off_offloads() {
  constexpr std::array<std::array<std::uint32_t, 2>, 3> kOffloads = {{
      {ETHTOOL_GGRO, ETHTOOL_SGRO},
      {ETHTOOL_GGSO, ETHTOOL_SGSO},
      {ETHTOOL_GTSO, ETHTOOL_STSO},
  }};
  for (const auto& [get, set] : kOffloads) {
    ethtool_value value{get, 0};
    if (!ethtool(socket_, name_, value) || value.data == 0) continue;
    const std::uint32_t former = value.data;
    value = {set, 0};
    if (ethtool(socket_, name_, value)) offloads_.emplace_back(set, former);
  }
  ethtool_value flags{ETHTOOL_GFLAGS, 0};
  if (ethtool(socket_, name_, flags) && (flags.data & ETH_FLAG_LRO) != 0) {
    const std::uint32_t former = flags.data;
    flags = {ETHTOOL_SFLAGS, former & ~std::uint32_t{ETH_FLAG_LRO}};
    if (ethtool(socket_, name_, flags)) offloads_.emplace_back(ETHTOOL_SFLAGS, former);
  }
}

void KernelInterface::switch_off_ipv6() {
  std::ifstream in(disable_ipv6_path(name_));
  if (!(in >> former_disable_ipv6_) || former_disable_ipv6_ == "1") {
    former_disable_ipv6_.clear();
    return;
  }
  std::ofstream(disable_ipv6_path(name_)) << "1\n";
}

KernelInterface::~KernelInterface() {
  if (socket_ < 0) return;
  for (const auto& [set, former] : offloads_) {
    ethtool_value value{set, former};
    (void)ethtool(socket_, name_, value);
  }
  if (!former_disable_ipv6_.empty()) {
    std::ofstream(disable_ipv6_path(name_)) << former_disable_ipv6_ << "\n";
  }
  close(socket_);
}

bool KernelInterface::running() const {
  ifreq request = request_for(name_);
  if (ioctl(socket_, SIOCGIFFLAGS, &request) != 0) return false;
  constexpr int kBoth = IFF_UP | IFF_RUNNING;
  return (request.ifr_flags & kBoth) == kBoth;
}

void KernelInterface::set_up(bool up) const {
  ifreq request = request_for(name_);
  if (ioctl(socket_, SIOCGIFFLAGS, &request) != 0) return;
  request.ifr_flags =
      static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  (void)ioctl(socket_, SIOCSIFFLAGS, &request);
}

}  // namespace sluice::port
