#include "tools/sluice-replay/replay.h"

#include "config/base/json.h"

namespace sluice::replay {

// Captures may step back in time, and begin at any; the pipeline's clock does not.
std::uint64_t Replay::time_ms(std::span<const Captured> burst) {
  for (const Captured& packet : burst) {
    const auto ms = static_cast<std::uint64_t>(std::max<long>(packet.time.tv_sec, 0)) * 1000 +
                    static_cast<std::uint64_t>(packet.time.tv_usec) / 1000;
    now_ms_ = std::max(now_ms_, ms);
  }
  return now_ms_;
}

Status Replay::run(Reader& reader, const std::filesystem::path& file, Writer* writer) {
  std::vector<Captured> burst;
  for (;;) {
    auto packet = reader.next();
    if (packet && *packet) burst.push_back(std::move(**packet));
    const bool last = !packet || !*packet;
    if (last || burst.size() == pipeline::kBurst) {
      judge(burst, file.string(), writer);
      burst.clear();
    }
    if (!packet) return fail(packet.error());
    if (last) return {};
  }
}

void Replay::judge(std::span<Captured> burst, const std::string& file, Writer* writer) {
  std::array<pipeline::Packet, pipeline::kBurst> packets;
  for (std::size_t i = 0; i < burst.size(); ++i) {
    packets[i].data = burst[i].ethernet.data();
    packets[i].length = burst[i].ethernet_length;
    packets[i].capacity = static_cast<std::uint32_t>(burst[i].ethernet.size());
    packets[i].judge = true;  // a capture does not tell which side a frame came from
    packets[i].answers = true;
    packets[i].snapped = burst[i].snapped;
    packets[i].trust_checksum = checksums_.says_nothing(burst[i].ethernet_view());
    counters_.add(stats::Id::rx_packets);
    counters_.add(stats::Id::rx_bytes, burst[i].original.size());
  }
  pipeline_.process(snapshot_, {packets.data(), burst.size()}, time_ms(burst));
  for (std::size_t i = 0; i < pipeline_.findings().size(); ++i) {
    print(burst[pipeline_.findings()[i].packet], i, file);
  }
  follow_devices();
  if (writer == nullptr) return;
  const auto emissions = pipeline_.emissions();
  for (std::size_t i = 0; i < burst.size(); ++i) {
    if (packets[i].fate == pipeline::Fate::forward) writer->write_original(burst[i]);
    if (packets[i].fate == pipeline::Fate::reply || packets[i].fate == pipeline::Fate::rewrite) {
      writer->write_made(burst[i], {packets[i].data, packets[i].length});
    }
    for (const pipeline::Emission& emission : emissions) {
      if (emission.packet != i) continue;
      writer->write_made(burst[i], {emission.bytes.data(), emission.length});
    }
  }
}

// As the dataplane's control thread does, with the capture's own time.
void Replay::follow_devices() {
  const auto now = static_cast<neighbour::Seconds>(now_ms_ / 1000);
  for (neighbour::Sighting seen; pipeline_.sightings().pop(seen);) neighbours_.add(seen, now);
  neighbours_.age(now);
  auto table = neighbours_.table(snapshot_.groups(), now);
  if (table == nullptr) return;
  snapshot_.set_neighbours(std::move(table));
  (void)snapshot_.set_time(policy::Moment{});  // nobody reads the ones before
}

void Replay::print(const Captured& packet, std::size_t index, const std::string& file) {
  const pipeline::Finding& finding = pipeline_.findings()[index];
  if (finding.odd && finding.verdict.action == policy::Action::pass) return;
  const name::FoldedName& name = pipeline_.name(index);
  const policy::Category* category = policy::find_category(finding.verdict.category);
  nlohmann::ordered_json line = {
      {"file", file},
      {"packet", packet.number},
      {"protocol", finding.response ? "dns-response" : stats::text(finding.protocol)},
      {"transport", finding.transport == packet::kProtocolTcp ? "tcp" : "udp"},
      {"name", name::display(name)},
      {"verdict", policy::text(finding.verdict.action)},
      {"reason", policy::text(finding.verdict.reason)}};
  if (category != nullptr) line["category"] = category->name;
  if (finding.ech != pipeline::Ech::none) {
    line["ech"] = finding.ech == pipeline::Ech::real ? "real" : "grease";
  }
  if (finding.response) line["response"] = true;
  if (finding.listed_labels > 0) {
    std::array<char, name::kMaxTextOctets + 1> text;
    line["entry"] = std::string(name::text_of(name, finding.listed_labels, text));
  }
  line["group"] = snapshot_.groups().groups()[pipeline_.group(finding)].name;
  out_ << lenient_json_text(line) << '\n';
}

}  // namespace sluice::replay
