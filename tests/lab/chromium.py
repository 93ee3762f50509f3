"""Chromium of the client, steered by its driver."""
import json
import re
import time

from .browser import Page
from .process import LabError, run

PORT = 9515
# A browser that asks for nothing by itself, and for no name outside of the lab.
SWITCHES = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--remote-debugging-pipe"]


class Chromium:
    """`addresses` are {pattern of names: address}, and no other names are known then; without any,
    the lab's names are asked of DNS."""

    def __init__(self, lab, name, addresses, *switches):
        self._lab = lab
        self._folder = lab.folder / name
        self._folder.mkdir()
        self._driver = lab.client.start(
            "chromedriver", "env", f"HOME={self._folder}", "chromedriver", f"--port={PORT}",
            log=self._folder / "chromedriver.log")
        rules = [f"MAP {pattern} {address}" for pattern, address in addresses.items()]
        if not rules:
            rules = ["EXCLUDE *.example", "EXCLUDE *.test"]
        rules.append("MAP * ~NOTFOUND")
        options = [*SWITCHES, f"--user-data-dir={self._folder}/profile",
                   f"--ignore-certificate-errors-spki-list={key_of(lab.certs)}",
                   "--host-resolver-rules=" + ", ".join(rules), *switches]
        self._session = None
        self._driver.wait_until("answers", lambda: self._ask("GET", "/status", check=False))
        session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"args": options}}}})
        self._session = f"/session/{session['sessionId']}"
        self.version = session["capabilities"]["browserVersion"]

    def stop(self):
        if self._session:
            self._ask("DELETE", self._session, check=False)
        self._driver.stop()

    def open(self, url):
        start = time.monotonic()
        done = self._ask("POST", f"{self._session}/url", {"url": url}, check=False) or {}
        seconds = time.monotonic() - start
        text = self.evaluate("return document.body.innerText")
        shown = re.search(r"\bERR_\w+", done.get("message", "")) or re.search(r"\bERR_\w+\Z", text)
        return Page(shown and shown.group(), seconds, text)

    def evaluate(self, script):
        """What a script in the page returns; a promise is waited for."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def _ask(self, method, path, body=None, check=True):
        """The driver's answer, its "value" taken out; None where nobody answers."""
        data = [] if body is None else ["--data-binary", json.dumps(body)]
        done = self._lab.client.run("curl", "--silent", "--max-time", "60", "--request", method,
                                    *data, f"http://127.0.0.1:{PORT}{path}", check=False)
        value = json.loads(done.stdout)["value"] if done.returncode == 0 else None
        if check and (done.returncode != 0 or isinstance(value, dict) and "error" in value):
            raise LabError(f"chromedriver: {method} {path}: {value or done.stderr}")
        return value


def key_of(certs):
    """The server's public key as Chromium wants it named: base64 of its SHA-256."""
    return run("sh", "-c", f"openssl pkey -in {certs.server_key} -pubout -outform der |"
               " openssl dgst -sha256 -binary | base64").stdout.strip()
