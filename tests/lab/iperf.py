"""iperf3 through the gateway."""
import json


def iperf(lab, *arguments):
    """What the client's iperf3 says at the end; arguments: those of the client."""
    server = lab.server.start("iperf3", "iperf3", "-s", "-1", log=lab.folder / "iperf3.log")
    try:
        server.wait_until("listens", lambda: lab.server.run(
            "ss", "-Htln", "sport", "=", ":5201").stdout.strip())
        done = lab.client.run("iperf3", "-J", "-t", "1", *arguments, check=False)
        return json.loads(done.stdout)["end"]
    finally:
        server.stop()
