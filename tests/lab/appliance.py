"""The gateway itself: its configuration, its two processes, and the tool that asks them."""
import json
import pathlib
import socket
import time

from .process import LabError, run

CONFIG = """\
site: {{name: Lab school, contact: network@school.example}}
ports:
  pupils: {{device: "{device}:inside", mtu: {mtu}}}
  internet: {{device: "{device}:outside", mtu: {mtu}}}
pairs:
  main: {{inside: pupils, outside: internet}}
dataplane: {{workers: 1, memory_mib: 256, huge_pages: never, fail: {fail}}}
policies:
  pupils: {{{pupils}}}
  teachers: {{}}
{policies}groups:
  teachers: {{policy: teachers, prefixes: [192.0.2.200/32, "2001:db8:7::200/128"], vlans: [20]}}
default_policy: pupils
block_answer: {{ttl_seconds: 10{answer}}}
state_dir: {folder}/state
run_dir: {folder}/run
"""
AUTHORITY = """\
authority: {{url: "{url}", root: {root}, ca_file: {ca}, poll_seconds: 1}}
"""


class Appliance:
    """Runs in the gateway's namespace, with everything it keeps in one folder."""

    def __init__(self, namespace, binaries: pathlib.Path, folder: pathlib.Path):
        self.namespace = namespace
        self.binaries = binaries
        self.folder = folder
        self.config = folder / "sluice.yaml"
        self.generations = folder / "state" / "generations"
        self.dataplane = None
        self.control = None

    def program(self, name):
        path = self.binaries / name
        if not path.exists():
            raise LabError(f"{path} is missing; run ./sluice build")
        return path

    def configure(self, mtu=1500, fail="open", authority=None, answer=None,
                  pupils="block: defaults", more="", policies="", device="af_packet"):
        """`answer`: keys of block_answer that are not the defaults; `pupils`: their policy; `more`:
        lines that stand at the end; `policies`: lines of more of them; `device`: kind of both
        ports."""
        answer = "".join(f", {key}: {value}" for key, value in (answer or {}).items())
        text = CONFIG.format(folder=self.folder, mtu=mtu, fail=fail, answer=answer,
                             pupils=pupils, policies=policies, device=device) + more
        if authority:
            text += AUTHORITY.format(**authority)
        self.config.write_text(text)
        for name in ("state", "run"):
            (self.folder / name).mkdir(exist_ok=True)
        self.generations.mkdir(exist_ok=True)

    # ----- processes

    def start_dataplane(self, *arguments):
        self.dataplane = self.namespace.start(
            "dataplane", self.program("sluice-dataplane"), "--config", self.config, *arguments,
            log=self.folder / "dataplane.log")
        self.dataplane.wait_until("answers its status command", self.status, patience=30)

    def start_control(self, wait=True):
        self.control = self.namespace.start(
            "control", self.program("sluice-control"), "--config", self.config,
            log=self.folder / "control.log")
        if wait:
            self.control.wait_until("answers its status command", self.control_status)

    def stop(self):
        for process in (self.control, self.dataplane):
            if process:
                process.stop()

    # ----- questions

    def _ask(self, name, request):
        """The reply of a process, or None while nobody serves the socket."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            try:
                peer.connect(str(self.folder / "run" / f"{name}.sock"))
                peer.sendall(json.dumps(request).encode() + b"\n")
                return json.loads(peer.makefile().readline() or "null")
            except OSError:
                return None

    def ask(self, command, **fields):
        return self._ask("dataplane", {"command": command, **fields})

    def status(self):
        return self.ask("status")

    def control_status(self):
        return self._ask("control", {"command": "status"})

    def counters(self):
        return self.ask("stats")["counters"]

    def generation(self):
        """The number of the generation that judges now, or None."""
        status = self.status()
        return status and status.get("generation")

    def wait_for_generation(self, number=1, patience=20.0):
        self.dataplane.wait_until(f"judges by generation {number} or newer",
                                  lambda: (self.generation() or 0) >= number, patience)
        return self.generation()

    def ctl(self, *arguments, check=True):
        return run(self.program("sluicectl"), "--config", self.config, *arguments, check=check)

    def explain(self, name, *arguments):
        return self.ctl("explain", name, *arguments).stdout

    # ----- lists without an authority

    def compile(self, names, category="gambling", number=1, file=None):
        source = self.folder / f"names-{number}.txt"
        source.write_text("".join(f"{name}\n" for name in names))
        file = file or self.generations / f"{number}.lmdb"
        self.ctl("list", "compile", source, "--category", category, "-o", file,
                 "--generation-number", number)
        return file

    def change(self, base, changes, number, category="gambling"):
        """An overlay of `base`, of '+name' and '-name' changes."""
        source = self.folder / f"changes-{number}.txt"
        source.write_text("".join(f"{change}\n" for change in changes))
        file = self.generations / f"{number}.lmdb"
        self.ctl("list", "compile", "--base", base, "--changes", source, "--category", category,
                 "-o", file, "--generation-number", number)
        return file

    def load(self, file):
        reply = self.ask("load", path=str(file))
        if not reply or not reply["ok"]:
            raise LabError(f"the dataplane did not load {file}: {reply}")
        return time.monotonic()
