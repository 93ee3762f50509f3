"""An authority that writes lists, signs them and publishes them as static files."""
import os
import pathlib
import shutil

from .process import LabError, run


class Authority:
    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path):
        self.program = binaries / "sluice-authority"
        self.folder = folder
        self.repository = folder / "repo"
        self.root = folder / "root.json"
        self.served = folder.with_name(folder.name + "-served")  # what the web server shows
        self._deployed = 0

    def run(self, *arguments):
        if not self.program.exists():
            raise LabError(f"{self.program} is missing; run ./sluice build")
        return run(self.program, *arguments)

    def init(self):
        self.run("init", self.folder)
        self.publish()

    def add(self, *names, category="gambling", order="PSB-2026-0117", more=()):
        self.run("-d", self.folder, "add", *names, "--category", category, "--order", order,
                 "--legal-basis", "Lab Act, section 7", "--appeal-url",
                 "https://appeal.authority.example/", *more)

    def remove(self, *names):
        self.run("-d", self.folder, "remove", *names)

    def publish(self, spoil=None):
        """Signs and publishes, and shows the release to the world in one step; spoilt first, where
        a test wants it so."""
        self.run("-d", self.folder, "sign")
        self.run("-d", self.folder, "publish")
        self._deployed += 1
        copy = self.served.with_name(f"{self.served.name}-{self._deployed}")
        shutil.copytree(self.repository, copy)
        if spoil:
            spoil(copy)
        self._serve(copy)

    def serve_directly(self):
        """Shows what is published from now on at once, as where it is published by hand."""
        self._serve(self.repository)

    def _serve(self, folder):
        link = self.served.with_suffix(".link")
        link.symlink_to(folder)
        os.replace(link, self.served)
