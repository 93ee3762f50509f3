"""Firefox of the client, steered by Marionette, its own remote control: one JSON array a message,
its length and a colon before it."""
import contextlib
import json
import re
import socket
import time

from .browser import Page
from .frames import inside
from .process import PATIENCE, LabError

PORT = 2828
START_PATIENCE = 40.0  # seconds; the first start of a profile is slow
# A browser that asks for nothing by itself, and not by DNS over HTTPS.
PREFERENCES = {
    "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
    "network.trr.mode": 5, "app.normandy.enabled": False, "toolkit.telemetry.enabled": False,
    "browser.newtabpage.enabled": False, "dom.security.https_first": False,
    "media.gmp-manager.updateEnabled": False, "extensions.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False, "browser.safebrowsing.phishing.enabled": False,
    "services.settings.server": "data:,", "app.support.baseURL": "http://support.test/",
}

ENVIRONMENT = ["MOZ_REMOTE_SETTINGS_DEVTOOLS=1"]  # without it services.settings.server is ignored


class Firefox:
    """`preferences` are those of about:config."""

    def __init__(self, lab, name, preferences):
        profile = lab.folder / name
        profile.mkdir()
        (profile / "user.js").write_text("".join(
            f"user_pref({json.dumps(key)}, {json.dumps(value)});\n"
            for key, value in {**PREFERENCES, **preferences}.items()))
        self._process = lab.client.start(
            "firefox", "env", f"HOME={profile}", *ENVIRONMENT, "firefox-esr", "--headless",
            "--marionette", "--no-remote", "--profile", profile, log=lab.folder / f"{name}.log")
        self._peer = self._process.wait_until("answers", lambda: _connect(lab.client),
                                              START_PATIENCE)
        self._stream = self._peer.makefile("rwb")
        self._receive()
        self._number = 0
        session = self._ask("NewSession", acceptInsecureCerts=True)
        self.version = session["capabilities"]["browserVersion"]

    def stop(self):
        self._stream.close()
        self._peer.close()
        self._process.stop()

    def open(self, url):
        start = time.monotonic()
        error = None
        try:
            self._ask("Navigate", url=url)
        except LabError as failure:
            kind = re.search(r"about:neterror\?e=(\w+)", str(failure))
            if not kind:
                raise
            error = kind.group(1)
        seconds = time.monotonic() - start
        if error == "nssFailure2":
            error = self.evaluate("return document.getNetErrorInfo().errorCodeString")
        return Page(error, seconds, self.evaluate("return document.body.innerText"))

    def evaluate(self, script):
        """What a script in the page returns; a promise is waited for."""
        return self._ask("ExecuteScript", script=script, args=[], sandbox=None)["value"]

    def _ask(self, command, **parameters):
        self._number += 1
        message = json.dumps([0, self._number, f"WebDriver:{command}", parameters]).encode()
        self._stream.write(b"%d:%s" % (len(message), message))
        self._stream.flush()
        _, _, error, result = self._receive()
        if error:
            raise LabError(f"Marionette: {command}: {error['message']}")
        return result

    def _receive(self):
        length = b""
        while not length.endswith(b":"):
            more = self._stream.read(1)
            if not more:
                raise LabError("Firefox has ended")
            length += more
        return json.loads(self._stream.read(int(length[:-1])))


def _connect(namespace):
    with contextlib.suppress(OSError), inside(namespace):
        return socket.create_connection(("127.0.0.1", PORT), timeout=START_PATIENCE + PATIENCE)
    return None
