"""A policy zone with names that pass below names that are blocked: unbound, BIND and Sluice must say the
same of every name around every entry. Whatever passes is answered by one upstream, a port of this host."""
import random
import struct
import subprocess

from harness import ChainTest, eventually, main
from resolvers import NOERROR, NXDOMAIN, Upstream, free_port, rcode

UNBOUND = """\
server:
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: "{folder}/unbound.pid"
  logfile: "{folder}/unbound.log"
  use-syslog: no
  verbosity: 1
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  module-config: "respip iterator"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{upstream}
rpz:
  name: rpz.example
  zonefile: "{zone}"
"""
NAMED = """\
options {{
  directory "{folder}";
  pid-file "{folder}/named.pid";
  session-keyfile "{folder}/session.key";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion yes;
  allow-query {{ 127.0.0.1; }};
  dnssec-validation no;
  empty-zones-enable no;
  forward only;
  forwarders {{ 127.0.0.1 port {upstream}; }};
  response-policy {{ zone "rpz.example"; }};
}};
controls {{ }};
zone "rpz.example" {{ type primary; file "{zone}"; }};
"""


class Answerer(Upstream):
    """Answers everything with one address of a documentation prefix."""

    def reply(self, query):
        end = query.index(b"\0", 12) + 5
        head = query[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
        answer = struct.pack("!3HIH4B", 0xc00c, 1, 1, 60, 4, 192, 0, 2, 1)
        return head + query[12:end] + answer


class Exceptions(ChainTest):
    LISTED = (("tree.test", "tree"), ("subs.test", "subs"), ("exact.test", "exact"),
              ("deep.ok.tree.test", "tree"), ("x-y.tree.test", "tree"), ("b.a.exact.test", "tree"))
    PASSES = (("ok.tree.test", "tree"), ("a.b.c.subs.test", "exact"), ("s.tree.test", "subs"),
              ("e.f.tree.test", "tree"), ("x-y.x-y.tree.test", "exact"), ("free.test", "tree"),
              ("exact.test", "subs"))

    def list_all(self, listed, passes):
        for match in ("tree", "subs", "exact"):
            for category, names in (("gambling", listed), ("protected", passes)):
                chosen = [name for name, scope in names if scope == match]
                if chosen:
                    self.authority.add(*chosen, category=category, order=category + match,
                                       extra=["--match", match])
        self.authority.release()
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.zone = self.folder / "rpz.zone"
        return self.authority.run("export", "rpz", "--zone", "rpz.example", "--out", self.zone).stdout

    def verdict(self, name):
        return self.ctl("explain", name, exit=None)["verdict"]["action"]

    @staticmethod
    def around(entries):
        """Each listed name, what is above, beside and below it."""
        names = set()
        for name, _ in entries:
            labels = name.split(".")
            for cut in range(len(labels) - 1):
                above = ".".join(labels[cut:])
                names |= {above, "0." + above, "zz." + above, "q.r." + above}
        return sorted(names)

    def serve(self, program, config, extra=()):
        port, upstream = free_port(), Answerer()
        self.addCleanup(upstream.close)
        file = self.folder / f"{program}.conf"
        file.write_text(config.format(port=port, upstream=upstream.port, folder=self.folder, zone=self.zone))
        log = (self.folder / f"{program}.out").open("wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([program, *extra, file], stdout=log, stderr=log)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.terminate)

        def answers():
            try:
                return rcode(port, "nothing.test") == NOERROR
            except OSError:
                self.assertIsNone(process.poll(), (self.folder / f"{program}.out").read_text())
        eventually(answers, 20, f"an answer of {program}")
        return port

    def compare(self, listed, passes, program, config, extra):
        report = self.list_all(listed, passes)
        port = self.serve(program, config, extra)
        wrong, blocked, passed = [], 0, 0
        for name in self.around([*listed, *passes]):
            blocks = self.verdict(name) == "block"
            blocked, passed = blocked + blocks, passed + (not blocks)
            if rcode(port, name) != (NXDOMAIN if blocks else NOERROR):
                wrong.append((name, blocks))
        self.assertEqual(wrong, [], self.zone.read_text() + report)
        self.assertGreater(min(blocked, passed), 10)

    def test_unbound(self):
        self.compare(self.LISTED, self.PASSES, "unbound", UNBOUND, ["-d", "-c"])

    def test_bind(self):
        self.compare(self.LISTED, self.PASSES, "named", NAMED, ["-g", "-c"])

    def chance(self, seed):
        """Names of few labels, so that they lie above and below one another."""
        choice = random.Random(seed)
        found = {}
        for _ in range(40):
            name = ".".join(choice.choices(("a", "b", "a-b", "c"), k=choice.randint(1, 4))) + ".zone.test"
            found[name] = (choice.choice(("listed", "passes")), choice.choice(("tree", "subs", "exact")))
        return [[(name, scope) for name, (kind, scope) in found.items() if kind == wanted]
                for wanted in ("listed", "passes")]

    def test_unbound_by_chance(self):
        self.compare(*self.chance(1), "unbound", UNBOUND, ["-d", "-c"])

    def test_bind_by_chance(self):
        self.compare(*self.chance(2), "named", NAMED, ["-g", "-c"])

    def test_the_digest(self):
        for seed in (3, 4):
            self.list_all(*self.chance(seed))
            done = subprocess.run(["ldns-verify-zone", "-Z", self.zone], capture_output=True, text=True,
                                  timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
