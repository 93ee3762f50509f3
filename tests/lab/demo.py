"""Shows the gateway at work: real programs ask for a permitted and for a blocked name."""
import argparse
import pathlib
import re
import signal
import sys
import time

from .lab import CLIENT, SERVER, Lab
from .process import LabError, wait_until

PERMITTED = "www.library.example"
BLOCKED = "www.casino.example"
LATER = "www.lottery.example"  # listed while the gateway runs
PICTURE = """\
  client  <------->  gateway: sluice-dataplane  <------->  server: unbound, nginx
  {client}          inside | outside                   {server}
                     sluice-control  <-- HTTPS --  the authority's signed lists
"""


class Demo:
    def __init__(self, lab):
        self.lab = lab
        self.appliance = lab.appliance
        self.faults = []

    # ----- printing

    def step(self, what, function, *arguments):
        begin = time.monotonic()
        if sys.stdout.isatty():
            print(f"… {what}", end="", flush=True)
        answer = function(*arguments)
        lead = "\r\033[K" if sys.stdout.isatty() else ""
        print(f"{lead}✓ {what}  {time.monotonic() - begin:.1f} s", flush=True)
        return answer

    @staticmethod
    def say(text, indent="   "):
        for line in text.strip("\n").splitlines():
            print((indent + line).rstrip())

    def expect(self, holds, what):
        if not holds:
            self.faults.append(what)
            self.say(f"✗ expected {what}")

    # ----- making

    def set_up(self):
        lab = self.lab
        self.step("a name server and a web server behind the gateway", lab.start_servers)
        self.step("an authority lists casino.example: gambling, order PSB-2026-0117",
                  self.publish_first)
        self.appliance.configure(authority=lab.authority_settings())
        self.step("sluice-dataplane joins the two ports", self.appliance.start_dataplane)
        self.step("sluice-control pulls, verifies and compiles the signed list", self.start_control)

    def publish_first(self):
        self.lab.authority.init()
        self.lab.authority.add("casino.example")
        self.lab.authority.publish()

    def start_control(self):
        self.appliance.start_control()
        self.appliance.wait_for_generation()

    # ----- showing

    def explain(self, name, whole):
        text = self.appliance.explain(name, "--client", CLIENT[0])
        print("   why?  sluicectl explain", name, "--client", CLIENT[0])
        self.say(text if whole else text.splitlines()[0], "   | ")

    def dns(self, name, blocked):
        print(f"\n   $ dig {name}")
        text = self.lab.dig(name)
        status = re.search(r"status: (\w+)", text)[1]
        error = re.search(r"EDE: (.*)", text)
        answer = re.search(r"(?m)^\S+\s+\d+\s+IN\s+A\s+(\S+)", text)
        self.say(f"{status}" + (f", address {answer[1]}" if answer else "") +
                 (f", extended error {error[1]}" if error else ""))
        if blocked:
            self.expect(status == "NXDOMAIN" and error, "no such name, with the reason")
        else:
            self.expect(status == "NOERROR" and answer, "the server's own answer")
        self.explain(name, whole=True)

    def tls(self, name, blocked):
        url = f"https://{name}/"
        # The address is given: a client that remembers it does not ask DNS.
        known = ["--resolve", f"{name}:443:{SERVER[0]}"] if blocked else []
        print("\n   $ curl", *known, url)
        begin = time.monotonic()
        got = self.lab.curl(url, *known)
        took = (time.monotonic() - begin) * 1000
        self.say((got.stdout or got.stderr).strip() + f"   (after {took:.0f} ms)")
        if blocked:
            self.expect(got.returncode != 0 and "reset" in got.stderr, "a reset")
        else:
            self.expect(got.returncode == 0 and "Reached" in got.stdout, "the server's page")
        self.explain(name, whole=False)

    def change(self):
        """A name is listed while everything runs."""
        print("\n   $ sluice-authority add lottery.example --category gambling …; "
              "sluice-authority sign; sluice-authority publish")
        self.expect("NOERROR" in self.lab.dig(LATER), f"{LATER} to be permitted before")
        self.lab.authority.add("lottery.example", order="PSB-2026-0118")
        begin = time.monotonic()
        self.lab.authority.publish()
        wait_until("the new list judges", lambda: "NXDOMAIN" in self.lab.dig(LATER))
        self.say(f"{LATER} is blocked {time.monotonic() - begin:.1f} s later, without a restart, "
                 f"by generation {self.appliance.generation()}")

    def show(self):
        print("\n1. DNS, a permitted name")
        self.dns(PERMITTED, blocked=False)
        print("\n2. DNS, a blocked name")
        self.dns(BLOCKED, blocked=True)
        print("\n3. TLS, a permitted name")
        self.tls(PERMITTED, blocked=False)
        print("\n4. TLS, a blocked name whose address the client already knows")
        self.tls(BLOCKED, blocked=True)
        print("\n5. The authority lists one more name")
        self.change()

    def keep(self):
        client = f"ip netns exec {self.lab.client.name}"
        binaries = self.lab.binaries
        config = self.appliance.config
        authority = self.lab.authority
        print(f"""
The lab stays up. In another terminal, as root:

  {client} dig {BLOCKED}
  {client} curl --cacert {self.lab.certs.certificate} https://{PERMITTED}/
  {client} ping {SERVER[0]}
  {binaries}/sluicectl --config {config} status
  {binaries}/sluicectl --config {config} explain {BLOCKED} --client {CLIENT[0]}

Every name under .example and .test is the server. List one more:

  {binaries}/sluice-authority -d {authority.folder} add news.test --category fraud --order X-1
  {binaries}/sluice-authority -d {authority.folder} sign
  {binaries}/sluice-authority -d {authority.folder} publish

Ctrl-C takes everything down.""", flush=True)
        # From here on the web server shows what is published by hand.
        authority.serve_directly()
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("\ntaken down")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"),
                        help="where the programs are")
    parser.add_argument("--keep", action="store_true", help="leave the lab up until Ctrl-C")
    options = parser.parse_args()
    start = time.monotonic()
    print("\nSluice on real traffic, between three network namespaces\n")
    print(PICTURE.format(client=CLIENT[0], server=SERVER[0]))
    with Lab(options.bin) as lab:
        demo = Demo(lab)
        demo.set_up()
        demo.show()
        if demo.faults:
            print(lab.appliance.dataplane.tail(), lab.appliance.control.tail(), sep="\n")
            raise LabError("the demo did not see " + "; ".join(demo.faults))
        print(f"\nDone in {time.monotonic() - start:.1f} s.")
        if options.keep:
            demo.keep()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\ninterrupted; everything is taken down")
        sys.exit(130)
    except LabError as error:
        sys.exit(f"sluice demo: {error}")
