#!/usr/bin/python3
"""Runs one packet case through the real programs: sluice-replay, and sluice-dataplane over net_pcap.

    run.py --bin build/release/bin CASE_DIRECTORY

A case is a directory (README.md says what stands in it). Every octet of every frame that leaves is
compared, but for the incident id, which is random by design; its checksum is verified instead.
"""
import argparse
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import pcap  # noqa: E402

MARKERS = (b"; incident ", b"this number: <b>")
PATIENCE = 30  # seconds; reached only when something is broken


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def without_incident(frame):
    marker = next((m for m in MARKERS if m in frame), None)
    if marker is None:
        return frame
    at = frame.find(marker)
    ip = 12
    while frame[ip:ip + 2] in (b"\x81\x00", b"\x88\xa8"):
        ip += 4
    ip += 2
    six = frame[ip] >> 4 == 6
    udp = ip + (40 if six else 20)
    addresses = frame[ip + 8:ip + 40] if six else frame[ip + 12:ip + 20]
    protocol = frame[ip + 6] if six else frame[ip + 9]
    pseudo = addresses + protocol.to_bytes(2, "big") + (len(frame) - udp).to_bytes(2, "big")
    if checksum(pseudo + frame[udp:]) != 0:
        raise AssertionError("the checksum of an answer is wrong")
    id_at = at + len(marker)
    frame = frame[:id_at] + b"0" * 8 + frame[id_at + 8:]
    sum_at = udp + (16 if protocol == 6 else 6)
    return frame[:sum_at] + b"\0\0" + frame[sum_at + 2:]


def expect_frames(what, got, want):
    got, want = [without_incident(f) for f in got], [without_incident(f) for f in want]
    if got == want:
        return
    lines = [f"{what}: {len(got)} frames, {len(want)} expected"]
    for n in range(max(len(got), len(want))):
        g, w = (x[n].hex() if n < len(x) else "nothing" for x in (got, want))
        if g != w:
            lines += [f"  frame {n + 1}", f"    got  {g}", f"    want {w}"]
    raise AssertionError("\n".join(lines))


def run(command, **kind):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          timeout=PATIENCE, **kind)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done


class Case:
    def __init__(self, folder, programs, work):
        self.folder, self.programs, self.work = pathlib.Path(folder), programs, work
        self.spec = yaml.safe_load((self.folder / "case.yaml").read_text())
        self.frames = pcap.read(self.folder / "in.pcap")
        self.expected = {side: pcap.read(self.folder / f"out.{side}.pcap")
                         for side in ("inside", "outside")}
        self.from_outside = set(self.spec.get("from_outside", []))
        self.generation = work / "state" / "generations" / "1.lmdb"

    def prepare(self):
        self.generation.parent.mkdir(parents=True)
        sides = {"inside": [], "outside": []}
        for number, frame in enumerate(self.frames, 1):
            sides["outside" if number in self.from_outside else "inside"].append(frame)
        ports = {}
        for side, frames in sides.items():
            pcap.write(self.work / f"rx.{side}.pcap", frames)
            ports[side] = {"device": f"pcap:rx={self.work}/rx.{side}.pcap,tx={self.work}/tx.{side}.pcap",
                           "mtu": self.spec.get("mtu", 1500)}
        document = {
            "site": {"name": "packet case"},
            "ports": ports,
            "pairs": {"wire": {"inside": "inside", "outside": "outside"}},
            "dataplane": {"huge_pages": "never", "memory_mib": 128,
                          "workers": self.spec.get("workers", 1)},
            "policies": {"pupils": {"block": ["gambling"],
                                    "in_doubt": self.spec.get("in_doubt", "pass"),
                                    **self.spec.get("policy", {})}, "staff": {"block": ["malware"]}},
            "groups": {"staff": {"policy": "staff", "vlans": [300], "prefixes": [
                "192.0.2.200/32", "192.0.2.0/24@301", "2001:db8::/64@301.7"]}},
            "default_policy": "pupils",
            "block_answer": self.spec.get("block_answer", {}),
            "state_dir": str(self.work / "state"),
            "run_dir": str(self.work / "run"),
        }
        for key, value in self.spec.get("besides", {}).items():
            document[key] = {**document.get(key, {}), **value}
        (self.work / "sluice.yaml").write_text(yaml.safe_dump(document))
        names = self.work / "names.txt"
        names.write_text("\n".join(self.spec["block"]) + "\n")
        run([self.programs / "sluicectl", "list", "compile", names, "--category",
             self.spec.get("category", "gambling"),
             "-o", self.generation, "--config", self.work / "sluice.yaml"])

    def replay(self):
        """All frames as if from either side, so only for cases where that makes no difference."""
        if self.from_outside and not self.spec.get("in_order"):
            return
        out = self.work / "replayed.pcap"
        done = run([self.programs / "sluice-replay", "--generation", self.generation, "--counters",
                    "--write", out, self.folder / "in.pcap"])
        found = [json.loads(line) for line in done.stdout.splitlines()]
        got = [{key: one[key] for key in ("packet", "protocol", "name", "verdict")} for one in found]
        if got != self.spec["names"]:
            raise AssertionError(f"names: {got}\nexpected: {self.spec['names']}")
        want = self.expected["inside"] + self.expected["outside"]
        expect_frames("replay", sorted(pcap.read(out), key=without_incident),
                      sorted(want, key=without_incident))

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(self.work / "run" / "dataplane.sock"))
            client.sendall(json.dumps({"command": command}).encode() + b"\n")
            reply = b""
            while not reply.endswith(b"\n"):
                piece = client.recv(65536)
                if not piece:
                    raise AssertionError("the dataplane closed the connection")
                reply += piece
        return json.loads(reply)

    def counters_when_done(self, process):
        """The counters once every frame has come in and nothing moves any more."""
        deadline, last = time.monotonic() + PATIENCE, None
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError(f"the dataplane ended with {process.returncode}")
            try:
                counters = self.ask("stats")["counters"]
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.02)
                continue
            if counters["rx_packets"] == len(self.frames) and counters == last:
                return counters
            last = counters
            time.sleep(0.02)
        raise AssertionError(f"the dataplane did not take all frames: {last}")

    def dataplane(self):
        """Not where frames of both sides have to be taken in their order: two devices have none."""
        if self.spec.get("in_order"):
            return
        log = self.work / "dataplane.log"
        with open(log, "w") as out:
            process = subprocess.Popen([str(self.programs / "sluice-dataplane"), "--config",
                                        str(self.work / "sluice.yaml")], stdout=out, stderr=out)
        try:
            counters = self.counters_when_done(process)
            process.terminate()
            if process.wait(PATIENCE) != 0:
                raise AssertionError(f"the dataplane ended with {process.returncode}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text()}") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        for side, want in self.expected.items():
            expect_frames(f"leaving {side}", pcap.read(self.work / f"tx.{side}.pcap"), want)
        for name, want in self.spec.get("counters", {}).items():
            if counters[name] != want:
                raise AssertionError(f"counter {name} is {counters[name]}, {want} expected")
        for name in ("tx_full_dropped", "resets_lost", "dns_answer_no_room"):
            if counters[name] != 0:
                raise AssertionError(f"counter {name} is {counters[name]}: frames were lost")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of the programs")
    parser.add_argument("case", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-case-") as work:
        case = Case(options.case, options.bin.resolve(), pathlib.Path(work))
        case.prepare()
        try:
            case.replay()
            case.dataplane()
        except AssertionError as error:
            sys.exit(f"{options.case.name}: {case.spec['about']}\n{error}")


if __name__ == "__main__":
    main()
