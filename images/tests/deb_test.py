"""The Debian package, in a Debian root that mmdebstrap makes and systemd-nspawn boots."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", "build/release")).resolve()
SOURCES = "/etc/apt/sources.list.d"
UNITS = ["sluice-dataplane.service", "sluice-control.service"]
PORTS = ("slt-in", "slt-out")  # the container's, as the configuration below names them
DEVICE = "02:00:5e:10:00:03"
MACHINE = f"sluice-deb-{os.getpid()}"

CONFIG = """\
site: {{name: Packaged}}
ports: {{pupils: "af_packet:{0}", internet: "af_packet:{1}"}}
pairs: {{main: {{inside: pupils, outside: internet}}}}
dataplane: {{huge_pages: never, memory_mib: 256}}
budgets: {{play: {{categories: [games], minutes_a_day: 60}}}}
policies: {{pupils: {{block: defaults, budgets: [play]}}}}
default_policy: pupils
"""


def run(*argv, check=True, timeout=400, **options):
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True,
                          timeout=timeout, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))}: exit code {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done


def wait_until(what, condition, patience=60):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {patience} s")
        time.sleep(0.2)


class Package(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # A root needs much room, and device files.
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="sluice-deb-", dir="/var/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.work, ignore_errors=True)
        run("cpack", "-G", "DEB", "-B", cls.work / "packages", cwd=BUILD)
        cls.package = next((cls.work / "packages").glob("*.deb"))
        cls.root = cls.work / "root"
        depends = run("dpkg-deb", "-f", cls.package, "Depends").stdout
        names = [one.split()[0].split("|")[0] for one in depends.split(",")]
        sources = [str(path) for path in pathlib.Path(SOURCES).glob("*.sources")]
        sources += [path for path in ("/etc/apt/sources.list",) if os.path.exists(path)]
        run("mmdebstrap", "--variant=minbase", "--quiet", "--dpkgopt=force-unsafe-io",
            "--include=" + ",".join(["systemd", "systemd-sysv", "dbus", "iproute2", *names]),
            "bookworm", cls.root, *sources)
        cls.before = cls.files()
        shutil.copy(cls.package, cls.root / "root" / "sluice.deb")

    @classmethod
    def files(cls):
        """What the package or its programs could leave behind."""
        out = set()
        for folder in ("etc", "usr", "lib/systemd", "var/lib"):
            for path in (cls.root / folder).rglob("*"):
                text = str(path.relative_to(cls.root))
                if "sluice" in text and "var/lib/dpkg/info" not in text:
                    out.add(text)
        return out

    def boot(self):
        with open(self.work / "console", "w", encoding="utf-8") as console:
            nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", "--directory", self.root, "--machine",
                 MACHINE, "--register=no", "--keep-unit", "--private-network",
                 "--bind-ro=/sys/module",  # DPDK looks there for VFIO, and nspawn hides it
                 "--capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_IPC_LOCK,CAP_SYS_ADMIN"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)

        def halt():
            nspawn.terminate()
            try:
                nspawn.wait(20)
            except subprocess.TimeoutExpired:
                nspawn.kill()
                nspawn.wait()
        self.addCleanup(halt)

        def leader():
            if nspawn.poll() is not None:
                raise AssertionError("the container ended: " +
                                     (self.work / "console").read_text(errors="replace"))
            return run("pgrep", "-P", nspawn.pid, check=False).stdout.split()[:1]
        wait_until("the container has a first process", leader)
        self.leader = leader()[0]
        # Not by nspawn's own option, which waits for a udev that a build machine need not have.
        for port in PORTS:
            run("ip", "link", "add", port + "-far", "up", "type", "veth", "peer", "name", port,
                "netns", self.leader)
            self.addCleanup(run, "ip", "link", "del", port + "-far", check=False)
        # "degraded" is a boot where something of the container itself failed: it is up all the same.
        wait_until("the container is up", lambda: self.inside(
            "systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"))

    def inside(self, *argv, **options):
        return run("nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-r", *argv, **options)

    def journal(self):
        return self.inside("journalctl", "--no-pager", "-u", "sluice-*", check=False).stdout

    def test_a_life_of_the_package(self):
        self.boot()
        done = self.inside("dpkg", "--install", "/root/sluice.deb")
        self.assertIn("not started", done.stdout)
        self.assertEqual(self.inside("systemctl", "is-active", *UNITS, check=False).stdout.split(),
                         ["inactive", "inactive"])
        self.inside("systemd-analyze", "verify", *(f"/lib/systemd/system/{u}" for u in UNITS))
        for unit, most in zip(UNITS, ("60", "25")):  # in tenths: 6.0 and 2.5 of 10
            self.inside("systemd-analyze", "security", f"--threshold={most}", unit)

        # As shipped it names ports that this machine has not: said, and not started.
        self.assertEqual(self.inside("systemctl", "start", UNITS[0], check=False).returncode, 1)
        self.assertIn("no such interface", self.journal())
        self.inside("systemctl", "stop", UNITS[0])
        (self.root / "etc/sluice/sluice.yaml").write_text(CONFIG.format(*PORTS))
        self.inside("sluicectl", "config", "check", "/etc/sluice/sluice.yaml")
        try:
            self.inside("systemctl", "enable", "--now", *UNITS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.journal()}") from None
        self.assertEqual(self.inside("systemctl", "is-active", *UNITS).stdout.split(),
                         ["active", "active"])
        # Control publishes the policy as a generation of its own, and the dataplane takes it.
        try:
            wait_until("the dataplane judges by a generation",
                       lambda: '"generation": 1' in self.inside(
                           "sluicectl", "-o", "json", "status", check=False).stdout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.journal()}\n" + self.inside(
                "sluicectl", "-o", "json", "status", check=False).stdout) from None
        self.assertEqual(self.inside("stat", "-c", "%U", "/var/lib/sluice").stdout.strip(), "sluice")

        self.inside("sluicectl", "budget", "add", DEVICE, "play", "30", "--reason", "packaged")
        wait_until("minutes are on the disk", lambda: DEVICE in self.inside(
            "cat", "/var/lib/sluice-dataplane/budgets.json", check=False).stdout, 20)
        self.inside("sluicectl", "mode", "set", "default", "pause", "--for", "1h", "--reason", "packaged")

        # Killed, they come back by themselves.
        pid = self.inside("systemctl", "show", "-P", "MainPID", UNITS[0]).stdout.strip()
        self.inside("kill", "-9", pid)
        wait_until("the dataplane is back", lambda: self.inside(
            "systemctl", "show", "-P", "MainPID", UNITS[0]).stdout.strip() not in ("0", pid))
        wait_until("it answers", lambda: self.inside("sluicectl", "status", check=False).returncode == 0)
        spent = json.loads(self.inside("sluicectl", "-o", "json", "budget", "list").stdout)["spent"]
        self.assertEqual([(one["device"], one["added_today"]) for one in spent], [(DEVICE, 30)])
        status = json.loads(self.inside("sluicectl", "-o", "json", "status").stdout)
        # One that is true here may stand: nothing in the container keeps its clock.
        self.assertNotIn("minutes", " ".join(status["dataplane"]["status"]["alarms"]))
        self.assertEqual([one["mode"] for one in status["dataplane"]["status"]["modes"]], ["pause"])

        # The same package again is an upgrade: the configuration stays.
        self.inside("dpkg", "--install", "/root/sluice.deb")
        self.assertIn("Packaged", (self.root / "etc/sluice/sluice.yaml").read_text())
        wait_until("both are active after the upgrade", lambda: self.inside(
            "systemctl", "is-active", *UNITS, check=False).stdout.split() == ["active", "active"])

        self.inside("systemctl", "stop", *UNITS)
        self.assertNotIn("status=1", self.inside("systemctl", "status", "--no-pager", *UNITS,
                                                 check=False).stdout)
        self.inside("systemctl", "start", *UNITS)
        self.inside("dpkg", "--purge", "sluice")
        self.assertEqual(self.inside("pgrep", "-f", "sluice-", check=False).stdout
                         if (self.root / "usr/bin/pgrep").exists() else "", "")
        self.assertEqual(self.files() - self.before, set())
        self.assertNotIn("sluice", (self.root / "etc/passwd").read_text())


if __name__ == "__main__":
    unittest.main()
