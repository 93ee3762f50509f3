"""What the figures were measured on."""
import os
import pathlib
import platform
import re

from tests.lab.process import run


def _read(path, otherwise="not visible"):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return otherwise


def load_average():
    return [float(word) for word in _read("/proc/loadavg").split()[:3]]


def hertz():
    """Of the time-stamp counter, by the kernel's estimate, for cycles a frame."""
    found = re.search(r"bogomips\s*:\s*([\d.]+)", _read("/proc/cpuinfo"), re.IGNORECASE)
    return float(found[1]) / 2 * 1e6 if found else float("nan")


def cpu_model():
    found = re.search(r"model name\s*:\s*(.*)", _read("/proc/cpuinfo"))
    return found[1] if found else platform.machine()


def describe(binaries):
    virtualisation = run("systemd-detect-virt", check=False).stdout.strip()
    found = re.search(r"MemTotal:\s*(\d+)", _read("/proc/meminfo"))
    huge = re.search(r"HugePages_Total:\s*(\d+)", _read("/proc/meminfo"))
    dpdk = run("dpkg-query", "-W", "-f=${Version}", "libdpdk-dev", check=False).stdout.strip()
    commit = run("git", "rev-parse", "--short=12", "HEAD", check=False).stdout.strip()
    dirty = run("git", "status", "--porcelain", "--untracked-files=no", check=False).stdout.strip()
    return {
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "mhz": round(hertz() / 1e6),
        "l3": _read("/sys/devices/system/cpu/cpu0/cache/index3/size"),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "virtualisation": virtualisation or "not visible",
        "memory_mib": int(found[1]) // 1024 if found else None,
        "huge_pages": int(huge[1]) if huge else 0,
        "kernel": platform.release(),
        "dpdk": dpdk,
        "sluice": run(pathlib.Path(binaries) / "sluice-dataplane", "--version").stdout.strip(),
        "commit": commit + (" with changes" if dirty else ""),
    }
