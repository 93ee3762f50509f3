#include <arpa/inet.h>
#include <map>

#include "config/schema/bind.h"

namespace sluice::schema {
namespace {

// sockaddr_un holds 107 octets of path; the longest name of ours is "/dataplane.sock".
constexpr std::size_t kLongestRunDir = 92;

void bind_dataplane(const TextNode& node, Dataplane& dataplane, Faults& faults) {
  take(node, "workers", dataplane.workers);
  take(node, "memory_mib", dataplane.memory_mib);
  take(node, "idle_sleep_us", dataplane.idle_sleep_us);
  if (const TextNode* fail = find(node, "fail")) {
    dataplane.fail = fail->text == "closed" ? FailMode::closed : FailMode::open;
  }
  if (const TextNode* pages = find(node, "huge_pages")) {
    dataplane.huge_pages = pages->text == "required" ? HugePages::required
                           : pages->text == "never"  ? HugePages::never
                                                     : HugePages::automatic;
  }
  const TextNode* cpus = find(node, "cpus");
  if (cpus == nullptr) return;
  std::map<std::int64_t, bool> seen;
  for (std::size_t i = 0; i < cpus->items.size(); ++i) {
    const TextNode& cpu = cpus->items[i];
    if (!cpu.good) continue;
    if (!seen.emplace(cpu.number, true).second) {
      faults.add(cpu.place, "dataplane.cpus[" + std::to_string(i) + "]",
                 "CPU " + cpu.text + " is already taken by another worker",
                 "give each worker its own");
    }
    dataplane.cpus.push_back(static_cast<std::uint32_t>(cpu.number));
  }
  if (!cpus->items.empty() && cpus->items.size() != dataplane.workers) {
    faults.add(cpus->place, "dataplane.cpus",
               "names " + std::to_string(cpus->items.size()) + " CPUs for " +
                   std::to_string(dataplane.workers) + " workers",
               "name one CPU a worker, or none");
  }
}

void bind_answer(const TextNode& node, policy::BlockAnswer& answer, Faults& faults) {
  take(node, "ttl_seconds", answer.ttl_seconds);
  if (const TextNode* tls = find(node, "tls")) {
    answer.tls = tls->text == "drop"    ? policy::TlsRefusal::drop
                 : tls->text == "alert" ? policy::TlsRefusal::alert
                                        : policy::TlsRefusal::reset;
  }
  if (const TextNode* quic = find(node, "quic")) {
    answer.quic = quic->text == "drop" ? policy::QuicRefusal::drop : policy::QuicRefusal::close;
  }
  if (const TextNode* http = find(node, "http")) {
    answer.http = http->text == "reset" ? policy::HttpRefusal::reset : policy::HttpRefusal::page;
  }
  if (const TextNode* page = find(node, "page_ipv4")) {
    inet_pton(AF_INET, page->text.c_str(), answer.page_ipv4.emplace().data());
  }
  if (const TextNode* page = find(node, "page_ipv6")) {
    inet_pton(AF_INET6, page->text.c_str(), answer.page_ipv6.emplace().data());
  }
  const TextNode* dns = find(node, "dns");
  if (dns == nullptr || dns->text != "address") return;
  answer.dns = policy::DnsAnswer::address;
  if (!answer.page_ipv4 && !answer.page_ipv6) {
    faults.add(dns->place, "block_answer.dns", "'address' without a block page's address",
               "add page_ipv4 or page_ipv6, or write nxdomain");
  }
}

}  // namespace

void bind_settings(const TextNode& root, Config& config, Faults& faults) {
  if (const TextNode* site = find(root, "site")) {
    take(*site, "name", config.site.name);
    take(*site, "profile", config.site.profile);
    take(*site, "contact", config.site.contact);
  }
  config.policy.answer.guardian = config.site.profile == "home";
  if (const TextNode* node = find(root, "dataplane"))
    bind_dataplane(*node, config.dataplane, faults);
  if (const TextNode* node = find(root, "block_answer")) {
    bind_answer(*node, config.policy.answer, faults);
  }
  take(root, "state_dir", config.state_dir);
  take(root, "run_dir", config.run_dir);
  take(root, "appliance", config.appliance);
  take(root, "keep_generations", config.keep_generations);
  if (const TextNode* run = find(root, "run_dir"); run && run->text.size() > kLongestRunDir) {
    faults.add(run->place, "run_dir", "is too long for a socket's path",
               "use at most " + std::to_string(kLongestRunDir) + " octets");
  }
}

}  // namespace sluice::schema
