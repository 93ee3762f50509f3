// What a client gets for a verdict: DESIGN section 6.
#include <arpa/inet.h>
#include <array>

#include "tools/sluicectl/explain.h"

namespace sluice::ctl {

using nlohmann::ordered_json;

std::string address_text(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(family, address, buffer.data(), buffer.size());
  return buffer.data();
}

ordered_json what_the_client_gets(const policy::Verdict& verdict, const policy::BlockAnswer& answer,
                                  const std::optional<generation::Record>& decider,
                                  const std::string& safe, const policy::Masks& masks) {
  if (verdict.action == policy::Action::rewrite) {
    return {{"dns", "the addresses of " + safe +
                        ", as of an alias (A, AAAA); no data of types HTTPS and SVCB"},
            {"tls", "the server's own connection"},
            {"quic", "the server's own connection"},
            {"http", "the server's own answer"}};
  }
  if (verdict.action != policy::Action::block) {
    return {{"dns", masks.withhold_ech ? "the server's own answer, but for configurations of "
                                         "Encrypted ClientHello (types HTTPS and SVCB)"
                                       : "the server's own answer"},
            {"tls", "the server's own connection"},
            {"quic", "the server's own connection"},
            {"http", "the server's own answer"}};
  }
  const bool ordered = verdict.reason != policy::Reason::budget && decider &&
                       (decider->layer == generation::Layer::authority ||
                        decider->layer == generation::Layer::emergency);
  const std::string why = ordered           ? "16 (Censored: ordered by an authority)"
                          : answer.guardian ? "17 (Filtered: by the client's guardian)"
                                            : "15 (Blocked: by the operator)";
  std::string dns = "NXDOMAIN";
  // A program would take the page's address for a resolver's.
  const bool may_have_page =
      verdict.category != policy::kEncryptedDns && verdict.category != policy::kProxy;
  if (answer.dns == policy::DnsAnswer::address && may_have_page) {
    dns = "the block page's address:";
    if (answer.page_ipv4) dns += " A " + address_text(AF_INET, answer.page_ipv4->data());
    if (answer.page_ipv6) dns += " AAAA " + address_text(AF_INET6, answer.page_ipv6->data());
  }
  dns += ", TTL " + std::to_string(answer.ttl_seconds) + " s, extended error " + why;
  const std::string tls =
      answer.tls == policy::TlsRefusal::drop    ? "no answer: the ClientHello is dropped"
      : answer.tls == policy::TlsRefusal::alert ? "the fatal alert access_denied, at once"
                                                : "a reset, both ways, at once";
  const bool silent = answer.quic == policy::QuicRefusal::drop;
  const bool reset = answer.http == policy::HttpRefusal::reset;
  return {{"dns", std::move(dns)},
          {"tls", tls},
          {"quic", silent ? "no answer: the Initial is dropped" : "CONNECTION_CLOSE, at once"},
          {"http", reset     ? "a reset, both ways, at once"
                   : ordered ? "451 Unavailable For Legal Reasons, with a page that says why"
                             : "403 Forbidden, with a page that says why"}};
}

}  // namespace sluice::ctl
