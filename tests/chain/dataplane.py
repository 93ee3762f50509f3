"""A stand-in for the dataplane's control socket."""
import json
import os
import pathlib
import socket
import threading

from harness import eventually


class FakeDataplane:
    def __init__(self, path, refuse=None):
        self.path = pathlib.Path(path)
        self.refuse = refuse
        self.generation = None
        self.loads = []
        self.events = []  # what it remembers of blocks
        self.counters = {}
        self.blocks = {"authority": 0, "site": 0}  # that it reported, by whose rule they were
        self.asked = 0  # how often for those
        self.passed = None  # what it answers of names that passed; None: it knows no such command
        self.trials = []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(self.path))
        self.socket.listen()
        self.socket.settimeout(0.1)
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.stopping:
            try:
                peer, _ = self.socket.accept()
            except TimeoutError:
                continue
            with peer:
                peer.settimeout(2)
                try:
                    request = json.loads(peer.makefile().readline())
                    peer.sendall(json.dumps(self.answer(request)).encode() + b"\n")
                except (OSError, ValueError):
                    pass

    def answer(self, request):
        if request["command"] == "load":
            self.loads.append(request["path"])
            if self.refuse:
                return {"ok": False, "error": {"what": self.refuse, "where": "", "advice": ""}}
            if os.path.getsize(request["path"]) == 0:
                return {"ok": False, "error": {"what": "empty file", "where": "", "advice": ""}}
            self.generation = int(pathlib.Path(request["path"]).stem)
        if request["command"] == "events":
            return {"ok": True, "events": self.events}
        if request["command"] == "trial":
            self.trials.append(request["path"])
            if self.passed is None:
                return {"ok": False, "error": {"what": "there is no command 'trial'", "where": "dataplane",
                                               "advice": ""}}
            return {"ok": True, "running": self.generation or 0, **self.passed}
        if request["command"] == "stats":
            self.asked += 1
            return {"ok": True, "counters": self.counters, "blocks": self.blocks}
        return {"ok": True, "generation": self.generation or 0}

    def seen(self, box):
        """Until the appliance has asked for the counts of the generation that runs."""
        eventually(lambda: self.generation == box.status()["generation"])
        for _ in range(2):  # the first may have asked which generation runs before that did
            asked = self.asked
            box.pull()
            eventually(lambda: self.asked > asked, 40, "a look at the counts")

    def close(self):
        self.stopping = True
        self.thread.join()
        self.socket.close()
        self.path.unlink(missing_ok=True)
