"""From the authority's command line to an acknowledged generation, over HTTPS."""
import signal
import time

from dataplane import FakeDataplane
from harness import ChainTest, eventually, main
from mirror import Mirror, make_ca


class Publish(ChainTest):
    def setUp(self):
        super().setUp()
        self.ca, certificate, key = make_ca(self.folder / "tls")
        self.mirror = Mirror(self.authority.repo, certificate, key)
        self.addCleanup(self.mirror.close)
        self.box = self.control(self.mirror.url, self.ca)

    def dataplane(self, **options):
        fake = FakeDataplane(self.box.run_dir / "dataplane.sock", **options)
        self.addCleanup(fake.close)
        return fake

    def test_pull_at_start_and_on_command(self):
        dataplane = self.dataplane()
        self.box.start()
        eventually(lambda: dataplane.generation == 1, what="the first generation")
        self.authority.add("new.example", category="games", order="PR-1")
        self.authority.release()
        reply = self.box.pull()
        self.assertEqual((reply["outcome"], reply["generation"]), ("published", 2))
        self.assertEqual(reply["dataplane"], 2)
        self.assertEqual(self.box.pull()["outcome"], "unchanged")
        lists = {row["department"]: row for row in self.box.ask("lists")["lists"]}
        self.assertEqual(lists["police"]["entries"], 2)
        self.assertEqual(lists["press"]["entries"], 1)
        self.assertIn("expires", lists["press"])
        status = self.box.status()
        self.assertEqual((status["entries"], status["alarms"]), (3, []))
        self.assertEqual(self.box.stop(), 0)

    def test_removed_name(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.authority.run("remove", "bet.test")
        self.authority.release()
        self.assertEqual(self.box.pull()["generation"], 2)
        self.assertEqual(self.box.status()["entries"], 1)

    def test_no_emergency_list_is_signed_that_appliances_refuse(self):
        names = [f"e{i}.example" for i in range(101)]
        decree = ("--category", "fraud", "--order", "E-1")
        done = self.authority.run("emergency", *names, *decree, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("would hold 101 entries; 100 are the most", done.stderr)
        self.authority.run("remove", names[0])
        self.authority.run("emergency", names[1], *decree)

    def test_import_of_a_quarter_million_names_takes_seconds(self):
        names = self.folder / "names.txt"
        with names.open("w") as out:
            for i in range(250_000):
                out.write(f"n{i * 7919 % 250_007}.site{i % 97}.example\n")
            out.write("https://site.example/page\n192.0.2.1\n")
        begin = time.monotonic()
        report = self.authority.run("import", names, "--category", "pornography",
                                    "--order", "CAC-1").stdout
        self.authority.release()
        self.box.start()
        eventually(lambda: self.box.status()["entries"] == 250_002, 30)
        self.assertLess(time.monotonic() - begin, 20)
        self.assertIn("accepted 250000", report)
        self.assertIn("2 rejected", report)
        self.assertIn("1 url", report)
        self.assertIn("1 ip-address", report)

    def test_two_officials_sign_in_turn(self):
        keys = self.authority.folder / "keys"
        self.authority.add("second.example")
        first = self.authority.run("sign", "--department", "police",
                                   "--key", keys / "list-police-1.pem").stdout
        self.assertIn("1 of 2 signatures so far", first)
        refused = self.authority.run("publish", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("has 1 of 2 signatures", refused.stderr)
        again = self.authority.run("sign", "--department", "police",
                                   "--key", keys / "list-police-1.pem").stdout
        self.assertIn("1 of 2 signatures so far", again)
        other = self.authority.run("sign", "--department", "police",
                                   "--key", keys / "list-press-1.pem", check=False)
        self.assertIn("does not belong to the role list-police", other.stderr)
        self.authority.run("sign", "--department", "police", "--key", keys / "list-police-3.pem")
        self.authority.run("publish")
        self.box.start()
        eventually(lambda: self.box.status()["entries"] == 3)

    def test_dataplane_first_last_and_restarted(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.assertFalse(self.box.status()["dataplane"]["connected"])
        dataplane = FakeDataplane(self.box.run_dir / "dataplane.sock")
        eventually(lambda: dataplane.generation == 1, what="loading by a late dataplane")
        dataplane.close()
        again = self.dataplane()
        eventually(lambda: again.generation == 1, what="loading by a restarted dataplane")
        eventually(lambda: self.box.status()["dataplane"]["connected"])

    def test_dataplane_refuses(self):
        dataplane = self.dataplane(refuse="digest does not match")
        self.box.start()
        eventually(lambda: "dataplane-refused" in self.box.alarms())
        self.assertIn("digest does not match", self.box.alarms()["dataplane-refused"])
        time.sleep(2.5)
        self.assertEqual(len(dataplane.loads), 1)

    def test_reload_compiles_retained_lists(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.mirror.behaviours["/"] = lambda request: request.reply(503, b"")
        self.box.configure(blocked="gambling")
        self.box.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.box.status()["generation"] == 2)
        self.assertEqual(self.box.status()["entries"], 2)
        self.box.configure(blocked="gamblin")
        self.box.process.send_signal(signal.SIGHUP)
        eventually(lambda: "config-refused" in self.box.alarms())
        self.assertIn("gamblin", self.box.alarms()["config-refused"])
        self.assertEqual(self.box.status()["generation"], 2)

    def test_once(self):
        done = self.box.once()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.box.current(), "0000000001.lmdb")
        self.mirror.behaviours["timestamp"] = lambda request: request.reply(404, b"")
        done = self.box.once()
        self.assertEqual(done.returncode, 1)
        self.assertIn("the mirror has no such file", done.stderr)

    def test_a_second_instance_is_refused(self):
        self.box.start()
        done = self.box.once()
        self.assertEqual(done.returncode, 1)
        self.assertIn("another sluice-control works in this folder", done.stderr)

    def test_no_client_data_and_one_line_an_event_in_the_log(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.box.stop()
        for line in self.box.log.read_text().splitlines():
            self.assertRegex(line, r"^(info|warning|error) [a-z]+: .+")
            self.assertNotIn("casino", line)


if __name__ == "__main__":
    main()
