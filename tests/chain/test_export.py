"""The published lists as a response policy zone, in the programs of others. Nothing listed is resolved:
unbound knows one upstream only, a port of this host that refuses all."""
import random
import subprocess

from harness import ChainTest, eventually, main
from resolvers import NXDOMAIN, SERVFAIL, Upstream, free_port, rcode

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
  verbosity: 4
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  outbound-msg-retry: 1
  module-config: "respip iterator"
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@{upstream}
{kind}:
  name: rpz.example
  zonefile: "{zone}"
"""
# Its clause rpz does not know these.
CHECKED = "  zonemd-check: yes\n  zonemd-reject-absence: yes\n"


class Refuser(Upstream):
    """Refuses, and remembers what it was asked."""

    def __init__(self):
        self.asked = b""
        super().__init__()

    def reply(self, query):
        self.asked += query.lower()
        return query[:2] + b"\x80\x05" + query[4:]


class Export(ChainTest):
    def setUp(self):
        super().setUp()
        self.zone = self.folder / "rpz.zone"
        self.authority.add("only.example", extra=["--match", "exact"])
        self.authority.add("below.example", category="games", extra=["--match", "subs"])
        self.authority.add("deep.under.casino.example", "a-b.test", "a.test", "x.a.test", "a-.c.test",
                           "xn--fsqu00a.test", category="games", order="PR-2")
        self.authority.release()

    def export(self):
        return self.authority.run("export", "rpz", "--zone", "RPZ.example", "--out", self.zone).stdout

    def rules(self):
        return [line.split()[0] for line in self.zone.read_text().splitlines() if " CNAME ." in line]

    def test_rules_by_match(self):
        report = self.export()
        self.assertEqual(self.rules(), [
            "*.below.example", "casino.example", "*.casino.example", "only.example",
            "a.test", "*.a.test", "a-b.test", "*.a-b.test", "bet.test", "*.bet.test",
            "a-.c.test", "*.a-.c.test", "xn--fsqu00a.test", "*.xn--fsqu00a.test"])
        self.assertIn("14 rules", report)
        self.assertIn("2 left out: covered by a name above", report)

    def test_what_appliances_leave_out(self):
        policy = self.authority.folder / "policy"
        policy.mkdir(exist_ok=True)
        (policy / "guards.yaml").write_text(
            "guards: 1\nnever_block: [{source: 'target:policy/protected.cpl.zst'}]\n")
        (policy / "protected.txt").write_text("help.bet.test\nonly.example\n")
        self.authority.run("sign", "--policy")
        self.authority.add("ended.example", order="OLD", extra=["--effective", "2020-01-01T00:00:00Z",
                                                               "--expires", "2021-01-01T00:00:00Z"])
        self.authority.release()
        report = self.export()
        for name in ("only.example", "ended.example"):
            self.assertNotIn(name, self.rules())
        self.assertIn("\nhelp.bet.test CNAME rpz-passthru.\n*.help.bet.test CNAME rpz-passthru.\n",
                      self.zone.read_text())
        self.assertIn("1 left out: left out by appliances too: protected", report)
        self.assertIn("1 left out: their order does not apply now", report)

    def test_what_is_exported_imports_again(self):
        self.export()
        report = self.authority.run("import", self.zone, "--category", "phishing", "--order", "T-1").stdout
        self.assertIn("read 8, accepted 8 (8 new", report)

    def test_bad_zone_name_and_folder(self):
        for zone, out in (("a..b", self.zone), ("rpz.example", self.folder / "absent" / "z")):
            done = self.authority.run("export", "rpz", "--zone", zone, "--out", out, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertFalse(out.exists())

    def test_ldns_finds_the_digest_right(self):
        self.export()
        check = ["ldns-verify-zone", "-Z", self.zone]
        done = subprocess.run(check, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.zone.write_text(self.zone.read_text().replace("casino.example", "casinos.example"))
        self.assertNotEqual(subprocess.run(check, capture_output=True, timeout=60).returncode, 0)

    def test_the_order_of_a_digest_whatever_the_names(self):
        # Hyphens sort otherwise in lists than in zones, so they are in most of these.
        choice = random.Random(8976)
        for match in ("tree", "exact", "subs"):
            names = self.folder / f"{match}.txt"
            with names.open("w") as out:
                for _ in range(4000):
                    labels = ["".join(choice.choices("ab1-", k=choice.randint(1, 4))) + "c"
                              for _ in range(choice.randint(1, 4))]
                    out.write(".".join(labels) + f".{choice.choice('ab-')}{choice.randint(0, 99)}.test\n")
            self.authority.run("import", names, "--category", "phishing", "--order", "T-1",
                               "--match", match)
        long = ".".join(["l" * 60] * 4)  # fits alone, and not below the zone
        self.authority.add(long)
        self.authority.release()
        self.assertIn("1 left out: too long for a name of the zone", self.export())
        self.assertGreater(len(self.rules()), 8000)
        done = subprocess.run(["ldns-verify-zone", "-Z", self.zone], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_bind_loads_the_zone(self):
        self.export()
        done = subprocess.run(["named-checkzone", "rpz.example", self.zone], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"loaded serial \d+")

    def unbound(self, kind, extra=""):
        """Starts it with the zone; its port and its log."""
        port = free_port()
        self.upstream = Refuser()
        self.addCleanup(self.upstream.close)
        config = self.folder / f"{kind}.conf"
        config.write_text(UNBOUND.format(port=port, upstream=self.upstream.port, kind=kind,
                                         folder=self.folder, zone=self.zone) + extra)
        log = self.folder / "unbound.log"
        log.unlink(missing_ok=True)
        process = subprocess.Popen(["unbound", "-d", "-c", config], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.terminate)
        eventually(lambda: log.exists() and "start of service" in log.read_text(), 20,
                   "unbound's start")
        return port, log

    def test_unbound_answers_from_the_zone(self):
        self.export()
        port, _ = self.unbound("rpz")
        for name in ("casino.example", "www.casino.example", "under.casino.example",
                     "x.under.casino.example", "only.example", "www.below.example", "y.a-b.test"):
            self.assertEqual(rcode(port, name), NXDOMAIN, name)
            self.assertNotIn(name.split(".")[-2].encode(), self.upstream.asked)
        for name in ("www.only.example", "below.example", "free.example"):
            self.assertEqual(rcode(port, name, 60), SERVFAIL, name)  # not of the zone

    def test_unbound_finds_the_digest_right(self):
        self.export()
        _, log = self.unbound("auth-zone", CHECKED)
        eventually(lambda: "ZONEMD verification successful" in log.read_text(), 10,
                   "unbound's check of the digest")


if __name__ == "__main__":
    main()
