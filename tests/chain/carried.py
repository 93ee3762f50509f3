"""Lists that come on a stick: what tests of bundles have in common."""
import json


class Carried:
    """An appliance that no mirror reaches, and a stick."""

    def prepare(self):
        self.box = self.control("https://unused.example/", "/etc/hosts")
        text = self.box.config.read_text()
        self.box.config.write_text("".join(
            line for line in text.splitlines(True) if "url:" not in line))
        self.box.start()
        self.stick = self.folder / "lists.tar"

    def bundle(self):
        self.authority.run("bundle", "--out", self.stick)

    def imported(self, path=None, exit=0):
        told = self.ctl("list", "import-bundle", path or self.stick, "--who", "li", exit=exit)
        self.assertFalse((self.box.state / "bundle").exists(), "unpacked files stay")
        return told

    def refused(self, reason, path=None):
        before = (self.box.current(), self.box.status()["entries"])
        self.assertIn(reason, json.dumps(self.imported(path, exit=1)["error"]))
        self.assertEqual((self.box.current(), self.box.status()["entries"]), before)
