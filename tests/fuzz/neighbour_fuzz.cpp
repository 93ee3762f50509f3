// Any octets as frames that say who holds an address: nothing is read past them, and what comes of
// it is an address of one station, or nothing. All of them then go into one book.
#include <algorithm>

#include "dataplane/inspect/neighbour.h"
#include "dataplane/neighbour/book.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/input.h"

namespace sluice {
namespace {

policy::GroupTable make_groups() {
  policy::PolicySet set;
  set.policies = {{"pupils"}, {"staff"}};
  set.default_policy = "pupils";
  set.groups = {{"staff", "staff", {}, {policy::parse_prefix("192.0.2.200").value()}, {}, {}}};
  return policy::GroupTable::build(set, {}).value();
}

void check(const inspect::NeighbourClaim& claim, std::span<const std::uint8_t> frame) {
  SLUICE_EXPECT(claim.outer_vlan < 4096 && claim.inner_vlan < 4096);
  SLUICE_EXPECT((claim.mac[0] & 1) == 0);
  SLUICE_EXPECT(std::equal(claim.mac.begin(), claim.mac.end(), frame.begin() + 6));
  const std::span address(claim.address);
  SLUICE_EXPECT(claim.ipv6 ? address[0] != 0xff : address[0] != 0 && address[0] < 224);
  SLUICE_EXPECT(claim.ipv6 || std::all_of(address.begin() + 4, address.end(),
                                          [](std::uint8_t octet) { return octet == 0; }));
}

}  // namespace
}  // namespace sluice

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static const policy::GroupTable groups = make_groups();
  neighbour::Book book;
  neighbour::Seconds now = 0;
  fuzz::Input input(data, size);
  // An octet of what it was (a use of the address, too) and how long ago, its length, the frame.
  while (!input.empty()) {
    const std::uint8_t flags = input.next8();
    const auto frame = input.take(input.next8());
    now += (flags & 0x7f) * 16;
    const inspect::NeighbourClaim claim = inspect::read_neighbour(frame);
    if (claim.kind == inspect::NeighbourClaim::Kind::none) continue;
    check(claim, frame);
    const policy::Client client{.mac = claim.mac,
                                .has_ip = true,
                                .ipv6 = claim.ipv6,
                                .address = claim.address,
                                .outer_vlan = claim.outer_vlan,
                                .inner_vlan = claim.inner_vlan};
    const neighbour::Place place = neighbour::Place::of(client);
    SLUICE_EXPECT(neighbour::Place::of(place.client()) == place);
    const bool claims = claim.kind == inspect::NeighbourClaim::Kind::claim;
    book.add({place, claims ? neighbour::Seen::claim : neighbour::Seen::probe}, now);
    if ((flags & 0x80) != 0) book.add({place, neighbour::Seen::use}, now);
    book.age(now);
    const auto table = book.table(groups, now);
    for (const neighbour::Book::Device& device : book.devices(groups, now)) {
      SLUICE_EXPECT(groups.names_host(device.named.client()));
    }
    if (table == nullptr) continue;
    SLUICE_EXPECT(table->size() <= book.size());
    policy::Client other = client;
    if (table->stand_in(other)) SLUICE_EXPECT(groups.names_host(other) && other.mac == client.mac);
  }
  return 0;
}
