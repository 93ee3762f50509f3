"""Network namespaces and the virtual Ethernet between them."""
import contextlib
import os
import pathlib
import socket

from .process import Process, run

PREFIX = "sluice-"
OFFLOADS = ["tx", "rx", "sg", "tso", "gso", "gro"]


class Namespace:
    """One namespace, named after the process that owns it."""

    def __init__(self, role, owner=None):
        self.role = role
        self.name = f"{PREFIX}{owner or os.getpid()}-{role}"
        self._etc = pathlib.Path("/etc/netns") / self.name

    def create(self, nameserver=None):
        run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")
        # No duplicate address detection: an address works at once, and none appears a second later,
        # at which Chromium gives up what it is loading (ERR_NETWORK_CHANGED).
        self.run("sysctl", "-q", "-w", *(f"net.ipv6.conf.{scope}.accept_dad=0"
                                         for scope in ("all", "default")))
        if nameserver:
            self._etc.mkdir(parents=True, exist_ok=True)
            (self._etc / "resolv.conf").write_text(f"nameserver {nameserver}\noptions timeout:2\n")

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)
        for file in ("resolv.conf", "hosts"):
            (self._etc / file).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):  # or another lab was quicker with an abandoned one
            self._etc.rmdir()

    def know(self, hosts):
        """Addresses that its programs know without DNS: {address: names}."""
        self._etc.mkdir(parents=True, exist_ok=True)
        lines = [f"{address} {' '.join(names)}\n" for address, names in hosts.items()]
        own = f"127.0.0.1 localhost {socket.gethostname()}\n"
        (self._etc / "hosts").write_text(own + "".join(lines))

    def command(self, *argv):
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv, **options):
        return run(*self.command(*argv), **options)

    def start(self, name, *argv, log):
        return Process(name, self.command(*argv), log)

    def address(self, interface, *addresses):
        for address in addresses:
            self.run("ip", "address", "add", address, "dev", interface)

    def up(self, interface, mtu=1500):
        self.run("ip", "link", "set", interface, "mtu", str(mtu), "up")

    def no_offloads(self, interface):
        """What a wire carries is whole frames with whole checksums."""
        self.run("ethtool", "-K", interface, *(word for o in OFFLOADS for word in (o, "off")))

    def no_stack(self, interface):
        """The gateway's ports are a wire: the kernel says nothing on them by itself."""
        self.run("sysctl", "-q", "-w", f"net.ipv6.conf.{interface}.disable_ipv6=1")
        self.run("ip", "link", "set", interface, "arp", "off", "multicast", "off")


def connect(left: Namespace, left_name, right: Namespace, right_name):
    run("ip", "link", "add", left_name, "netns", left.name, "type", "veth",
        "peer", "name", right_name, "netns", right.name)


def remove_abandoned():
    """Namespaces of labs whose process is gone, as after a power cut or kill -9."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        name = line.split()[0]
        owner, _, role = name.removeprefix(PREFIX).partition("-")
        if name.startswith(PREFIX) and owner.isdigit() and not pathlib.Path("/proc", owner).exists():
            Namespace(role, owner).remove()
