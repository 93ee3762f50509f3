"""What the bench makes of what it sees. Nothing is timed, and no program is started."""
import itertools
import json
import pathlib
import tempfile
import unittest

import yaml
from scapy.all import IP, TCP, UDP, Dot1AD, Dot1Q, Ether, DNSQR

from . import (bench, dpdk, end_to_end, forwarding, lists, measure, parts, policy, profile, report,
               rows, school_district, traffic)

DNSPERF = """\
  Queries sent:         297318
  Queries completed:    297000 (99.89%)
  Response codes:       NOERROR 100 (0.03%), NXDOMAIN 296900 (99.97%)
  Queries per second:   98934.776879
"""
KXDPGUN = """\
total queries:     1200000 (400000 pps)
total replies:     357504 (119168 pps) (29%)
responded NXDOMAIN:   357504
duration: 3 s
"""


def samples(*rates, cpu_share=1.0):
    """Pairs of readings a second apart."""
    return [measure.rate(dpdk.Sample(5, 1, 100), dpdk.Sample(6, 1 + cpu_share, 100 + rate))
            for rate in rates]


class Measure(unittest.TestCase):
    def test_a_busy_machine_does_not_lower_the_lcores_rate(self):
        quiet, busy = samples(1000)[0], samples(500, cpu_share=0.5)[0]
        self.assertEqual(quiet.lcore, busy.lcore)
        self.assertEqual(busy.clock, 500)
        self.assertEqual(measure.core_share([busy]), 0.5)

    def test_nothing_forwarded_is_no_rate(self):
        sample = dpdk.Sample(1, 1, 100)
        with self.assertRaises(ValueError):
            measure.rate(sample, dpdk.Sample(2, 2, 100))

    def test_ratio_of_medians_with_its_spread(self):
        ratio = measure.ratio(samples(50, 10, 40), samples(100, 100, 50))
        self.assertAlmostEqual(ratio.value, 0.4)
        self.assertAlmostEqual(ratio.least, 0.1)
        self.assertAlmostEqual(ratio.most, 0.8)

    def test_turns_alternate_their_order(self):
        order = []

        class Fake:
            def __init__(self, name):
                self.name = name
                self.at = 0

            def pause(self):
                pass

            def resume(self):
                order.append(self.name)

            def sample(self):
                self.at += 1
                return dpdk.Sample(self.at, self.at, self.at)
        former, measure.SETTLE = measure.SETTLE, 0
        try:
            rates = measure.take_turns([Fake("a"), Fake("b")], 2, 0)
        finally:
            measure.SETTLE = former
        self.assertEqual("".join(order), "abba")
        self.assertEqual([len(its) for its in rates.values()], [2, 2])

    def test_counters(self):
        self.assertEqual(measure.delta({"a": 1, "b": 2}, {"a": 1, "b": 5}), {"b": 3})
        row = rows.Row("key", "title", None, expect={"dns_queries": 0.99, "dns_blocked": 0.5})
        told = forwarding.check(row, {"rx_packets": 1000, "dns_queries": 1000, "dns_blocked": 400})
        self.assertEqual(told["short"], {"dns_blocked": 0.4})


class Parsers(unittest.TestCase):
    def test_dnsperf(self):
        self.assertEqual(end_to_end.parse_dnsperf(DNSPERF),
                         {"rate": 98934.776879, "answers": 297000, "nxdomain": 0.9997})
        with self.assertRaises(end_to_end.LabError):
            end_to_end.parse_dnsperf("Error: no route")

    def test_kxdpgun(self):
        self.assertEqual(end_to_end.parse_kxdpgun(KXDPGUN),
                         {"sent": 1200000, "offered": 400000, "answers": 357504, "rate": 119168.0,
                          "nxdomain": 1.0})
        with self.assertRaises(end_to_end.LabError):
            end_to_end.parse_kxdpgun("")


class Profile(unittest.TestCase):
    def test_groups(self):
        told = profile.parse(
            "# comment\n 30.00% ;liblmdb.so.0.0.0 ;[.] 0x00000000000069d6   ;-     - \n"
            " 20.50% ;sluice-dataplane ;[.] sluice::name::from_wire  ;-   -\n"
            " 10.00% ;sluice-dataplane ;[.] sluice::index::find(int, int);-  -\n")
        self.assertEqual({name: round(share, 3) for name, share in told["groups"].items()},
                         {"look-up": 0.4, "names": 0.205})
        self.assertEqual(list(told["functions"]),
                         ["sluice::name::from_wire", "sluice::index::find(int, int)"])
        with self.assertRaises(profile.LabError):
            profile.parse("no samples")


class Parts(unittest.TestCase):
    def test_medians(self):
        told = {"benchmarks": [
            {"name": "aes", "run_name": "aes", "cpu_time": 100.0},
            {"name": "aes_median", "run_name": "aes", "aggregate_name": "median",
             "cpu_time": 500.0, "items_per_second": 2e6},
            {"name": "keys_median", "run_name": "keys", "aggregate_name": "median",
             "cpu_time": 250.0}]}
        self.assertEqual([(one["name"], one["nanoseconds"], one["rate"]) for one in
                          parts.parse("quic_bench", json.dumps(told))],
                         [("aes", 500.0, 2e6), ("keys", 250.0, 4e6)])
        with self.assertRaises(parts.LabError):
            parts.parse("quic_bench", json.dumps({"benchmarks": [
                {"name": "aes", "error_occurred": True, "error_message": "not opened"}]}))


class Names(unittest.TestCase):
    def test_generated_names_are_names_and_always_the_same(self):
        first = list(itertools.islice(lists.generated(), 1000))
        self.assertEqual(first, list(itertools.islice(lists.generated(), 1000)))
        self.assertEqual(len(set(first)), 1000)
        self.assertTrue(all(map(lists.is_name, first)))

    def test_what_is_no_name(self):
        for text in ("", "com", "192.0.2.1", "a..b.com", "# comment", "a.com/path", "-a.com"):
            self.assertFalse(lists.is_name(text), text)

    def test_depth(self):
        for name in lists.deepen(["a.example", "b.c.d.e.example"], 4):
            self.assertGreaterEqual(name.count("."), 3)
        self.assertEqual(lists.deepen(["b.c.d.e.example"], 4), ["b.c.d.e.example"])

    def test_zipf_prefers_the_first(self):
        drawn = lists.zipf([f"n{i}" for i in range(1000)], 10_000)
        self.assertGreater(drawn.count("n0"), 5 * drawn.count("n9"))

    def test_share_of_blocked_names(self):
        class Fake:
            @staticmethod
            def sample_misses(count):
                return ["miss.example"] * count

            @staticmethod
            def sample_listed(count, _of):
                return ["hit.example"] * count
        for row in rows.SWEEPS["share"][1]:
            frames = row.frames(Fake, 1).inside
            hits = sum(b"\x03hit" in frame for frame in frames)
            self.assertAlmostEqual(hits / len(frames), int(row.key.split()[0]) / 100, delta=0.001)


def assert_whole(case, frame):
    """Scapy, asked to fill the checksums in, finds the same ones."""
    layers = Ether(frame)
    for layer in (IP, TCP, UDP):
        if layer in layers:
            del layers[layer].chksum
    case.assertEqual(bytes(layers), frame)


class District(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = policy.PORTS + school_district.configuration(studying=True)
        cls.groups = yaml.load(text, yaml.CSafeLoader)["groups"]

    def test_a_thousand_groups_and_a_hundred_thousand_devices(self):
        devices = [(kind, str(one)) for group in self.groups.values() for kind in group
                   if kind != "policy" for one in group[kind]
                   if not str(one).endswith(("/24", "/20"))]
        self.assertEqual(len(self.groups), school_district.GROUPS)
        self.assertEqual(school_district.GROUPS, 1000)
        self.assertEqual(len(set(devices)), len(devices))
        self.assertEqual(len(devices), school_district.DEVICES)
        self.assertEqual(school_district.DEVICES, 100_000)

    def test_every_client_is_one_of_them(self):
        macs, prefixes, pairs = set(), set(), set()
        for group in self.groups.values():
            macs.update(group.get("macs", ()))
            prefixes.update(group.get("prefixes", ()))
            pairs.update((pair["outer"], pair["inner"]) for pair in group.get("vlans", ()))
        frames = school_district.populate(
            rows.Frames(traffic.dns_queries([f"n{number}.example" for number in range(1024)])))
        kinds = {"mac": set(), "prefix": set(), "vlan": set()}
        for frame in map(Ether, frames.inside):
            if frame.src in macs:
                kinds["mac"].add(frame.src)
            elif f"{frame[IP].src}/32" in prefixes:
                kinds["prefix"].add(frame[IP].src)
            else:
                self.assertIn((frame[Dot1AD].vlan, frame[Dot1Q].vlan), pairs)
                kinds["vlan"].add((frame[Dot1AD].vlan, frame[Dot1Q].vlan))
        self.assertGreater(min(map(len, kinds.values())), 50)

    def test_frames_are_whole_in_both_directions(self):
        names = ["www.library.example", "school.example"] * 600
        frames = school_district.populate(
            rows.Frames(traffic.hellos(names), traffic.server_hellos(len(names))))
        for up, down in zip(frames.inside[::40], frames.outside[::40]):
            assert_whole(self, up)
            assert_whole(self, down)
            self.assertEqual((Ether(up).src, Ether(up)[IP].src, Ether(up)[TCP].sport),
                             (Ether(down).dst, Ether(down)[IP].dst, Ether(down)[TCP].dport))
            self.assertEqual(Dot1Q in Ether(up), Dot1Q in Ether(down))


class Traffic(unittest.TestCase):

    def test_checksums(self):
        names = ["www.library.example", "school.example"]
        frames = traffic.dns_queries(names) + traffic.dns_answers(names) + \
            traffic.hellos(names) + traffic.server_hellos(2) + traffic.bulk(10) + \
            traffic.bulk(10, upward=False) + traffic.initials(names, 1)
        for frame in frames:
            assert_whole(self, frame)

    def test_names_stand_in_frames(self):
        self.assertEqual(Ether(traffic.dns_queries(["a.example"])[0])[DNSQR].qname, b"a.example.")
        self.assertIn(b"school.example", traffic.hellos(["school.example"])[0])

    def test_sizes(self):
        self.assertEqual(len(traffic.hellos(["a.example"])[0]), 54 + traffic.HELLO_OCTETS)
        self.assertEqual(len(traffic.initials(["a.example"], 1)[0]), 42 + 1200)

    def test_flows_are_different(self):
        flows = {(flow.client, flow.port) for flow in
                 (traffic.Flow(number, 443) for number in range(200_000))}
        self.assertEqual(len(flows), 200_000)

    def test_server_answers_the_flow(self):
        up, down = Ether(traffic.hellos(["a.example"])[0]), Ether(traffic.server_hellos(1)[0])
        self.assertEqual((up[IP].src, up[TCP].sport), (down[IP].dst, down[TCP].dport))
        self.assertEqual(down[TCP].ack, up[TCP].seq + len(up[TCP].payload))

    def test_campus_mix(self):
        frames = traffic.campus(["a.example"] * 96, 3200)
        self.assertEqual(len(frames), 3200)
        self.assertEqual(sum(UDP in Ether(frame) for frame in frames), 64)
        self.assertEqual(sum(b"example" in frame for frame in frames), 96)

    def test_both_directions_of_a_flow_meet_one_queue(self):
        names = ["a.example"] * 256
        inside = traffic.by_flow(traffic.hellos(names), 2)
        outside = traffic.by_flow(traffic.server_hellos(256), 2)
        for up, down in zip(inside, outside):
            self.assertGreater(len(up), 96)
            self.assertEqual([Ether(frame)[IP].src for frame in up],
                             [Ether(frame)[IP].dst for frame in down])

    def test_a_device_has_a_queue_for_each_capture(self):
        captures = dpdk.Captures((pathlib.Path("a"), pathlib.Path("b")), (), 64)
        self.assertEqual(captures.queues, 2)
        self.assertEqual(captures.devices(),
                         ["net_pcap", "rx_pcap=a,rx_pcap=b,infinite_rx=1", "net_null", "no-rx=1"])

    def test_buffers_hold_the_captures(self):
        for frames in (32, 1024, 8192, 65536):
            captures = dpdk.Captures((pathlib.Path("in"),), (), frames)
            self.assertGreaterEqual(captures.pool_ports() * dpdk.BUFFERS_PER_PORT,
                                    frames + dpdk.WORKING_BUFFERS)
            self.assertLessEqual(captures.pool_ports(), dpdk.MAX_PORTS)


class Report(unittest.TestCase):
    def test_verdicts(self):
        told = [report.verdict(value, 0.3, 0.5) for value in (0.2, 0.3, 0.5)]
        self.assertEqual(told, ["**missed**", "must", "goal"])
        self.assertEqual(report.verdict(11, 10, 5, least=True), "**missed**")
        self.assertEqual(report.verdict(4, 10, 5, least=True), "goal")

    def test_counts(self):
        self.assertEqual([report.count(n) for n in (1, 10_000, 5_000_000)], ["1", "10 k", "5 M"])

    def test_put_into_a_document(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(f"above\n{report.BEGIN}\nold\n{report.END}\nbelow\n")
            report.put_into(page, r"new \1")
            self.assertEqual(page.read_text(),
                             f"above\n{report.BEGIN}\nnew \\1\n{report.END}\nbelow\n")
            page.write_text("no marks")
            with self.assertRaises(ValueError):
                report.put_into(page, "new")

    def test_a_fault_is_told_and_the_rest_goes_on(self):
        session = bench.Session.__new__(bench.Session)
        session.figures = {"faults": []}

        def broken():
            raise bench.LabError("no device\nmore of its log")
        self.assertIsNone(session.step("a row", broken))
        self.assertEqual(session.figures["faults"], ["a row: no device"])

    def test_command_line(self):
        self.assertTrue(bench.parse(["--quick"]).quick)
        for wrong in (["--entries", "0"], ["--rows", "quic-newest"]):
            with self.assertRaises(SystemExit):
                bench.parse(wrong)

    def test_rows_that_are_asked_for(self):
        def chosen(*words):
            session = bench.Session.__new__(bench.Session)
            session.options = bench.parse(list(words))
            return [row.key for row in rows.TABLE if session.wants_row(row)]
        self.assertEqual(chosen("--rows", "quic-kept", "dns-hit"), ["dns-hit", "quic-kept"])
        self.assertEqual(chosen("--quick", "--rows", "quic-kept"), ["quic-kept"])
        self.assertNotIn("quic-kept", chosen("--quick"))
        self.assertEqual(chosen(), [row.key for row in rows.TABLE])


if __name__ == "__main__":
    unittest.main()
