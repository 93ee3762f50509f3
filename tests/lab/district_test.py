"""Days of a district with right answers known beforehand: the real dataplane by its frames, over DNS
and TLS, at the injected clock; `explain`; and the same as a table of cases for `policy test`.
"""
import json
import ssl
import struct
import unittest

import yaml
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

from . import district
from .case import BINARIES
from .frames import Tap
from .lab import Lab
from .process import PATIENCE, wait_until


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def client_hello(name):
    sent = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


def mac_of(device):
    return f"02:00:5e:00:00:{device[1]:02x}"


def arguments_of(device):
    _, _, address, vlans = device
    tags = ["--vlan", ".".join(map(str, vlans))] if vlans else []
    return ["--client", address, "--mac", mac_of(device), *tags]


class District(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(BINARIES))
        cls.appliance = cls.lab.appliance
        cls.lab.start_servers()
        authority = cls.lab.authority
        authority.init()
        for category, names in district.LISTED.items():
            authority.add(*names, category=category)
        (authority.folder / "policy").mkdir(exist_ok=True)
        (authority.folder / "policy" / "layers.yaml").write_text(district.SIGNED)
        authority.run("-d", authority.folder, "sign", "--policy")
        authority.publish()
        cls.inside = cls.enterClassContext(Tap(cls.lab.client))
        cls.outside = cls.enterClassContext(Tap(cls.lab.server))
        cls.port = 20000

    def configure(self):
        folder = self.appliance.folder
        (folder / "parents.yaml").write_text(district.PARENTS)
        (folder / "li.yaml").write_text(district.TEACHERS)
        self.appliance.configure(authority=self.lab.authority_settings(), policies=district.POLICIES,
                                 more=district.MORE.format(folder=folder))
        head, rest = self.appliance.config.read_text().split("groups:\n")
        rest = rest.split("default_policy: pupils\n")[1]
        self.appliance.config.write_text(head + district.GROUPS + rest)

    def start(self, clock):
        if self.appliance.dataplane:
            self.appliance.dataplane.stop()
        self.appliance.start_dataplane("--clock-for-tests", clock)

    def frame(self, device, segment):
        _, _, address, vlans = device
        out = Ether(src=mac_of(device), dst="02:00:00:00:00:99")
        for place, vlan in enumerate(vlans):
            out /= (Dot1AD if len(vlans) == 2 and place == 0 else Dot1Q)(vlan=vlan)
        ip = IPv6(src=address, dst="2001:db8:f::1") if ":" in address else IP(src=address,
                                                                            dst="203.0.113.1")
        return bytes(out / ip / segment)

    def came(self, tap, *wanted):
        """A frame that holds all of it, or None where none has come yet."""
        frame = tap.receive(0.005)
        return frame if frame and all(one in frame for one in wanted) else None

    def outcome(self, device, name, segment, sent, refused):
        """`sent`: what is in the frame that leaves where it is let through, `refused`: in what comes
        back where it is not."""
        self.inside.send(self.frame(device, segment))

        def seen():
            if self.came(self.inside, refused):
                return "block"
            frame = self.came(self.outside, *sent)
            return frame and ("pass" if wire(name) in frame or name.encode() in frame else "rewrite")
        return wait_until(f"something becomes of {name} of {device}", seen, PATIENCE)

    def over_dns(self, device, name):
        self.port += 1
        ports = struct.pack("!HH", self.port, 53)
        query = struct.pack("!6H", self.port, 0x0100, 1, 0, 0, 0) + wire(name) + b"\0\1\0\1"
        return self.outcome(device, name, UDP(sport=self.port, dport=53) / Raw(query), [ports],
                            ports[2:] + ports[:2])

    def over_tls(self, device, name):
        self.port += 1
        ports = struct.pack("!HH", self.port, 443)
        segment = TCP(sport=self.port, dport=443, flags="PA", seq=1, ack=1) / Raw(client_hello(name))
        # Where it is refused, the server gets a reset.
        return self.outcome(device, name, segment, [ports, name.encode()], ports[2:] + ports[:2])

    def check(self, device, name, verdict):
        through = "pass" if verdict in ("log", "rewrite") else verdict
        self.assertEqual(self.over_dns(device, name), "rewrite" if verdict == "rewrite" else through)
        self.assertEqual(self.over_tls(device, name), through)

    def check_explain(self, at, device, name, verdict, reason):
        told = json.loads(self.appliance.ctl("-o", "json", "explain", name, *arguments_of(device),
                                             "--at", at).stdout)
        self.assertEqual((told["verdict"]["action"], told["verdict"]["reason"],
                          told["group"]["name"]), (verdict, reason, device[0]))

    def check_owner_of_budget(self, device, name):
        """Of another owner's budget the site gives nobody more."""
        budget = district.USED_UP[name]
        if "/" not in budget:
            return
        refused = self.appliance.ctl("budget", "add", mac_of(device), budget, "30", "--reason", "x",
                                     check=False)
        self.assertNotEqual(refused.returncode, 0, refused.stdout)
        self.assertIn("who alone can give more of it", refused.stderr)
        self.check(device, name, "block")

    def table(self):
        cases = []
        for at, modes, rows in district.DAYS:
            for device, name, verdict, reason in rows:
                group, _, address, vlans = device
                case = {"name": name, "client": address, "mac": mac_of(device), "at": at,
                        "expect": verdict, "reason": reason, "group": group}
                if vlans:
                    case["vlan"] = ".".join(map(str, vlans))
                if reason == "budget":
                    case["used_up"] = [district.USED_UP[name]]
                if not modes:
                    cases.append(case)
        return {"cases": cases}

    def test_days(self):
        self.configure()
        self.start(district.DAYS[0][0])
        self.addCleanup(self.appliance.stop)
        self.appliance.start_control()
        self.appliance.wait_for_generation()
        for category, name in district.OWN.items():
            self.appliance.ctl("site", "block", name, "--category", category, "--reason", "ours")
        for at, modes, rows in district.DAYS:
            self.start(at)
            for words in modes:
                self.appliance.ctl("mode", *words.split(), "--reason", "the plan")
            for row in rows:
                with self.subTest(at, device=row[0], name=row[1]):
                    self.check(*row[:3])
                    if row[3] == "budget":
                        self.check_owner_of_budget(row[0], row[1])
                    if modes:  # the others are in the table
                        self.check_explain(at, *row)
        cases = self.lab.folder / "cases.yaml"
        cases.write_text(yaml.safe_dump(self.table()))
        tested = self.appliance.ctl("policy", "test", cases, check=False)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)


if __name__ == "__main__":
    unittest.main()
