"""Layers of other owners: what the authority signs, and files of persons, none of which the site's own
file can lift.
"""
import datetime
import json
import subprocess
import time

from harness import BIN, ChainTest, eventually, main

PROVINCE = """\
province:
  owner: Education Department
  block: [gambling]
  encrypted_dns_ports: refuse
"""
LISTED = "casino.example"


def in_a_month():
    return (datetime.date.today() + datetime.timedelta(days=30)).isoformat()


class LayersTest(ChainTest):
    def setUp(self):
        super().setUp()
        # The site blocks nothing of what is listed.
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts", blocked="malware")
        self.layer = self.box.folder / "li.yaml"

    def start(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] >= 1)

    def ctl(self, *arguments):
        command = [BIN / "sluicectl", "--config", self.box.config, *arguments]
        return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60)

    def explain(self, *arguments):
        return json.loads(self.ctl("-o", "json", "explain", LISTED, *arguments).stdout)

    def verdict(self):
        return self.explain()["verdict"]["action"]

    def sign_layers(self, text):
        folder = self.authority.folder / "policy"
        folder.mkdir(exist_ok=True)
        (folder / "layers.yaml").write_text(text)
        return self.authority.run("sign", "--policy", check=False)

    def publish(self):
        self.authority.run("publish")
        reply = self.box.pull()
        self.assertEqual(reply["outcome"], "published", reply)


class Signed(LayersTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.assertEqual(self.verdict(), "pass")
        self.assertEqual(self.sign_layers(PROVINCE).returncode, 0)
        self.publish()

    def test_the_provinces_layer_holds_and_explain_tells_whose_it_is(self):
        told = self.explain()
        self.assertEqual((told["verdict"]["action"], told["verdict"]["reason"]),
                         ("block", "category"))
        self.assertEqual([(one["policy"], one["owner"]) for one in told["layers"]],
                         [("pupils", "site"), ("signed/province", "Education Department")])
        # A table of cases is of what will be in force, too.
        cases = self.folder / "cases.yaml"
        cases.write_text(f"cases: [{{name: {LISTED}, expect: block, reason: category}}]\n")
        tested = self.ctl("policy", "test", cases)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)
        text = self.ctl("explain", LISTED).stdout
        self.assertIn("does policy 'signed/province' of Education Department block", text)
        self.assertRegex(text, "under +signed/province of Education Department")
        self.assertIn("policy 'signed/province' no longer blocking gambling", text)

    def test_explain_tells_where_a_generation_goes_without_it(self):
        self.assertEqual(self.explain()["generation"]["policy_from"], "the generation")
        names, bare = self.folder / "names.txt", self.folder / "bare.lmdb"
        names.write_text(f"{LISTED}\n")
        subprocess.run([BIN / "sluicectl", "list", "compile", names, "--category", "gambling",
                        "-o", bare], check=True, capture_output=True, timeout=60)
        told = self.explain("--generation", bare)
        self.assertEqual(told["verdict"]["action"], "pass")
        self.assertEqual(told["generation"]["policy_from"],
                         f"{self.box.config} without the layers that the authority signed, as the "
                         "generation carries no policy")

    def test_the_sites_file_cannot_lift_it(self):
        self.box.configure(blocked="")
        self.box.ask("config-reload", who="li", reason="less")
        eventually(lambda: self.explain()["layers"][0]["blocks"] == [])
        self.assertEqual(self.verdict(), "block")
        # Nor can a mode of the group, or a start of its own without the authority's answer.
        self.ctl("mode", "set", "default", "pupils", "--reason", "x", "--who", "li")
        self.assertEqual(self.verdict(), "block")
        self.box.stop()
        (self.authority.repo / "metadata" / "timestamp.json").rename(self.folder / "gone")
        self.box.start()
        self.assertEqual(self.verdict(), "block")

    def test_a_recorded_override_that_ends_does(self):
        done = self.ctl("site", "allow", LISTED, "--until", in_a_month(), "--reason", "lesson 4",
                        "--who", "li")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = self.explain()
        self.assertEqual((told["verdict"]["action"], told["verdict"]["reason"]),
                         ("pass", "site-allow"))

    def test_its_owner_lifts_it(self):
        self.assertEqual(self.sign_layers("province: {owner: Education Department}\n").returncode, 0)
        self.publish()
        self.assertEqual(self.verdict(), "pass")

    def test_the_loss_of_its_file_keeps_nothing_waiting(self):
        (self.authority.repo / "metadata" / "timestamp.json").rename(self.folder / "gone")
        stored = next((self.box.state / "lists").glob("*layers.yaml"))
        before = stored.read_bytes()
        for spoil in (stored.unlink, lambda: stored.write_text("province: {}\n")):
            spoil()
            generation = self.box.status()["generation"]
            done = self.ctl("site", "block", f"n{generation}.example", "--category", "malware",
                            "--reason", "x", "--who", "li")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(self.box.status()["generation"], generation + 1)
            self.assertEqual(self.verdict(), "block")
            self.assertEqual(stored.read_bytes(), before)
            self.assertNotIn("compile-failed", self.box.alarms())
        (self.box.state / "signed-layers.yaml").write_text("province: {}\n")
        self.ctl("mode", "set", "default", "pupils", "--reason", "x", "--who", "li")
        self.assertEqual(self.verdict(), "block")
        self.assertEqual((self.box.state / "signed-layers.yaml").read_bytes(), before)

    def test_the_loss_of_its_files_does_not(self):
        for file in self.box.state.rglob("*layers.yaml"):
            file.unlink()
        self.ctl("mode", "set", "default", "pupils", "--reason", "x", "--who", "li")
        self.assertEqual(self.verdict(), "block")
        self.assertIn("layers.yaml", self.box.alarms()["compile-failed"])
        self.box.stop()
        self.box.start()  # which asks the authority
        eventually(lambda: "compile-failed" not in self.box.alarms(), 15)
        self.assertEqual(self.verdict(), "block")

    def test_what_has_faults_is_not_signed(self):
        done = self.sign_layers("province: {owner: E, block: [gambing]}\n")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("policy/layers.yaml:1:30: province.block[0]: ", done.stderr)
        self.assertIn("did you mean 'gambling'", done.stderr)


class Files(LayersTest):
    def setUp(self):
        super().setUp()
        self.layer.write_text("block: [gambling]\n")
        with self.box.config.open("a") as config:
            config.write(f"layers: {{li: {{file: {self.layer}, owner: Ms Li, groups: all}}}}\n")
        self.start()

    def check(self):
        return self.ctl("config", "check", self.box.config)

    def test_its_owner_alone_writes_it(self):
        self.assertEqual(self.verdict(), "block")
        self.assertEqual(self.explain()["layers"][1]["owner"], "Ms Li")
        # Nobody is asked, and nobody reloads.
        self.layer.write_text("block: [social]\n")
        eventually(lambda: self.verdict() == "pass", 15)
        self.layer.write_text("block: [gambling, social]\n")
        eventually(lambda: self.verdict() == "block", 15)
        self.assertEqual(self.box.alarms(), {})
        self.assertEqual(self.check().returncode, 0)

    def test_who_spoils_his_file_lifts_nothing(self):
        self.assertEqual(self.verdict(), "block")
        self.layer.write_text("block: [gambling\n")
        alarm = eventually(lambda: self.box.alarms().get("layer"), 15)
        self.assertIn(f"{self.layer}:", alarm)
        self.assertIn("what the file said before counts", alarm)
        self.assertEqual(self.verdict(), "block")
        done = self.check()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{self.layer}:", done.stdout)
        self.box.stop()
        self.layer.unlink()
        self.box.start()  # nor does a start without it
        self.assertEqual(self.verdict(), "block")
        self.assertIn("layer", self.box.alarms())
        self.layer.write_text("block: []\n")
        eventually(lambda: self.verdict() == "pass", 15)
        self.assertEqual(self.box.alarms(), {})

    def spoil(self):
        self.layer.write_text("block: [gambling\n")
        eventually(lambda: self.box.alarms().get("layer"), 15)
        self.assertEqual(self.verdict(), "block")

    def try_and_end(self, text):
        answer = self.box.ask("config-try", text=text, seconds=60, who="li", reason="x")
        self.assertTrue(answer["ok"], answer)
        self.assertEqual(self.verdict(), "pass")
        self.assertTrue(self.box.ask("config-end", who="li", reason="x")["ok"])
        self.assertEqual(self.verdict(), "block")
        self.assertIn("what the file said before counts", self.box.alarms()["layer"])

    def test_a_trial_without_it_forgets_nothing(self):
        self.spoil()
        text = self.box.config.read_text()
        self.try_and_end("".join(line for line in text.splitlines(True)
                                 if not line.startswith("layers: ")))

    def test_a_trial_with_another_in_its_place_is_not_what_it_said(self):
        self.spoil()
        other = self.box.folder / "other.yaml"
        other.write_text("block: [social]\n")
        self.try_and_end(self.box.config.read_text().replace(str(self.layer), str(other)))

    def test_what_is_written_while_the_sites_file_has_faults_is_taken_with_it(self):
        text = self.box.config.read_text()
        self.box.config.write_text(text + "nonsense: 1\n")
        self.layer.write_text("block: [social]\n")
        eventually(lambda: "config-refused" in self.box.alarms(), 15)
        reloads = lambda: self.box.log.read_text().count("error reload: ")
        before = reloads()
        time.sleep(4)
        self.assertEqual(reloads(), before)  # not tried again and again
        self.box.config.write_text(text)
        self.assertTrue(self.box.ask("config-reload", who="li", reason="mended")["ok"])
        eventually(lambda: self.verdict() == "pass", 15)

    def test_what_is_new_and_bad_is_not_in_force(self):
        other = self.box.folder / "other.yaml"
        other.write_text("blok: [gambling]\n")
        text = self.box.config.read_text().replace(
            "layers: {", f"layers: {{zhang: {{file: {other}, owner: Mr Zhang, groups: all}}, ")
        self.box.config.write_text(text)
        self.assertTrue(self.box.ask("config-reload", who="li", reason="more")["ok"])
        alarm = eventually(lambda: self.box.alarms().get("layer"), 15)
        self.assertIn(f"{other}:1:1: blok: ", alarm)
        self.assertIn("the layer is not in force", alarm)
        self.assertEqual(self.verdict(), "block")  # the other one is


if __name__ == "__main__":
    main()
