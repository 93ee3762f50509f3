"""client - gateway - server:

    client                    gateway                        server
    eth0 192.0.2.2   <---->   inside | outside   <---->   eth0 192.0.2.1
         2001:db8:7::2         (one wire, no stack)            2001:db8:7::1
                              manage 198.51.100.2 <---> manage 198.51.100.1

Client and server are neighbours on one network; between them is the gateway's wire. The gateway
reaches the authority's repository over a management network of its own.
"""
import atexit
import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import time

from .appliance import Appliance
from .authority import Authority
from .netns import Namespace, connect, remove_abandoned
from .process import LabError
from .servers import NAMES, Authorities, start_nginx, start_unbound

CLIENT = ("192.0.2.2", "2001:db8:7::2")
SERVER = ("192.0.2.1", "2001:db8:7::1")
MANAGE_GATEWAY = "198.51.100.2"
MANAGE_SERVER = "198.51.100.1"
FOLDER_PREFIX = "sluice-lab-"  # and the pid of the lab's process


class Lab(contextlib.ExitStack):
    """Use as a context manager: on leaving, by whatever way, everything is ended and removed."""

    def __init__(self, binaries, mtu=1500):
        super().__init__()
        self.binaries = pathlib.Path(binaries).resolve()
        self.mtu = mtu
        self.client = Namespace("client")
        self.gateway = Namespace("gateway")
        self.server = Namespace("server")
        self.folder = None
        self.certs = None
        self.authority = None
        self.appliance = None

    def __enter__(self):
        super().__enter__()
        atexit.register(self.close)  # where an exception passes by the `with`
        if os.geteuid() != 0:
            raise LabError("the lab needs root: it makes network namespaces")
        signal.signal(signal.SIGTERM, _leave)
        try:
            self._make()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *details):
        # A second Ctrl-C must not leave half a lab behind.
        former = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return super().__exit__(*details)
        finally:
            signal.signal(signal.SIGINT, former)

    def _make(self):
        remove_abandoned()
        remove_abandoned_folders()
        self.folder = pathlib.Path(tempfile.gettempdir()) / f"{FOLDER_PREFIX}{os.getpid()}"
        self.callback(remove_folder, self.folder)
        self.folder.mkdir(mode=0o755)
        for namespace in (self.client, self.gateway, self.server):
            self.callback(namespace.remove)
            namespace.create(nameserver=SERVER[0] if namespace is self.client else None)
        self._wire()
        self.certs = Authorities(self.folder)
        self.authority = Authority(self.binaries, self.folder / "authority")
        appliance_folder = self.folder / "appliance"
        appliance_folder.mkdir()
        self.appliance = Appliance(self.gateway, self.binaries, appliance_folder)
        self.callback(self.appliance.stop)

    def _wire(self):
        connect(self.client, "eth0", self.gateway, "inside")
        connect(self.gateway, "outside", self.server, "eth0")
        connect(self.gateway, "manage", self.server, "manage")
        for interface in ("inside", "outside"):
            self.gateway.no_stack(interface)
            self.gateway.no_offloads(interface)
            self.gateway.up(interface, self.mtu)
        for namespace, addresses in ((self.client, CLIENT), (self.server, SERVER)):
            namespace.no_offloads("eth0")
            namespace.address("eth0", addresses[0] + "/24", addresses[1] + "/64")
            namespace.up("eth0", self.mtu)
        self.gateway.address("manage", MANAGE_GATEWAY + "/24")
        self.gateway.up("manage")
        self.server.address("manage", MANAGE_SERVER + "/24")
        self.server.up("manage")

    def start_servers(self):
        self.certs.make(NAMES, [MANAGE_SERVER, *SERVER])
        self.callback(start_unbound(self.server, self.folder, SERVER).stop)
        self.callback(start_nginx(self.server, self.folder, self.certs, SERVER, MANAGE_SERVER,
                                  self.authority.served).stop)

    def authority_settings(self):
        return {"url": f"https://{MANAGE_SERVER}/", "root": self.authority.root,
                "ca": self.certs.certificate}

    # ----- what the client does

    def dig(self, *arguments, check=True):
        """dig of the client, at the server; +noall and the like as the caller says."""
        at = [] if any(a.startswith("@") for a in arguments) else [f"@{SERVER[0]}"]
        return self.client.run("dig", *at, "+tries=1", "+time=3", *arguments, check=check).stdout

    def curl(self, url, *arguments, check=False):
        return self.client.run("curl", "--silent", "--show-error", "--max-time", "10", "--cacert",
                               self.certs.certificate, *arguments, url, check=check)


def remove_folder(folder):
    """An interrupted program may still have been writing when it was ended."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def remove_abandoned_folders():
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX)
        if owner.isdigit() and not pathlib.Path("/proc", owner).exists():
            remove_folder(folder)


def _leave(_signal, _frame):
    raise SystemExit(143)
