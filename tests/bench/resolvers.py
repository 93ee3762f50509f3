"""Name servers that can refuse by a list, each with one thread and the same names, subtrees
included. They have no upstream, and their namespace has no way out: what is not refused is
not answered.
"""
import dataclasses
from collections.abc import Callable

from tests.lab.process import run


@dataclasses.dataclass(frozen=True)
class Resolver:
    name: str
    package: str
    argv: Callable  # (folder, address, names) -> words; writes its configuration
    loaded: str = ""  # what its log says when the whole list is there, where it answers before


def _rpz(folder, names):
    """A response policy zone: each name, and all below it, does not exist."""
    zone = folder / "rpz.zone"
    with open(names, encoding="ascii") as lines, open(zone, "w", encoding="ascii") as out:
        out.write("$TTL 60\n@ SOA localhost. nobody.invalid. 1 3600 600 86400 60\n"
                  "@ NS localhost.\n")
        for line in lines:
            name = line.rstrip("\n")
            out.write(f"{name} CNAME .\n*.{name} CNAME .\n")
    return zone


def _dnsmasq(folder, address, names):
    config = folder / "dnsmasq.conf"
    with open(names, encoding="ascii") as lines, open(config, "w", encoding="ascii") as out:
        out.write(f"listen-address={address}\nbind-interfaces\nno-resolv\nno-hosts\nport=53\n"
                  f"user=root\npid-file={folder}/dnsmasq.pid\n")
        out.writelines(f"local=/{line.rstrip()}/\n" for line in lines)
    return ["dnsmasq", "--keep-in-foreground", f"--conf-file={config}", "--log-facility=-"]


def _unbound(folder, address, names):
    config = folder / "unbound.conf"
    config.write_text(f"""server:
  interface: {address}
  access-control: 0.0.0.0/0 allow
  num-threads: 1
  module-config: "respip iterator"
  do-daemonize: no
  use-syslog: no
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
remote-control:
  control-enable: no
rpz:
  name: "rpz.invalid"
  zonefile: "{_rpz(folder, names)}"
""")
    return ["unbound", "-d", "-p", "-c", config]


def _bind(folder, address, names):
    config = folder / "named.conf"
    config.write_text(f"""options {{
  directory "{folder}"; pid-file none; session-keyfile "{folder}/session.key";
  listen-on {{ {address}; }}; listen-on-v6 {{ none; }};
  recursion yes; allow-query {{ any; }}; allow-recursion {{ any; }};
  dnssec-validation no; minimal-responses yes; querylog no;
  response-policy {{ zone "rpz.invalid" log no; }} qname-wait-recurse no break-dnssec yes;
}};
logging {{ category rpz {{ null; }}; category default {{ default_stderr; }}; }};
controls {{ }};
zone "rpz.invalid" {{ type primary; file "{_rpz(folder, names)}"; check-names ignore; }};
""")
    return ["named", "-g", "-n", "1", "-c", config]


def _dnsdist(folder, address, names):
    config = folder / "dnsdist.conf"
    config.write_text(f"""setSecurityPollSuffix("")
setLocal("{address}:53")
setACL("0.0.0.0/0")
listed = newSuffixMatchNode()
for line in io.lines("{names}") do listed:add(line) end
addAction(SuffixMatchNodeRule(listed), RCodeAction(DNSRCode.NXDOMAIN))
""")
    return ["dnsdist", "--supervised", "--disable-syslog", "-C", config]


RESOLVERS = (
    Resolver("dnsmasq", "dnsmasq-base", _dnsmasq),
    Resolver("unbound (RPZ)", "unbound", _unbound),
    Resolver("BIND (RPZ)", "bind9", _bind, "rpz: rpz.invalid: reload done"),
    Resolver("dnsdist", "dnsdist", _dnsdist),
)


def version(resolver):
    return run("dpkg-query", "-W", "-f=${Version}", resolver.package, check=False).stdout.strip()
