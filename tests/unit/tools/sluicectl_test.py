"""sluicectl from outside: what it prints, and its exit codes."""
import contextlib
import datetime
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

SLUICECTL = sys.argv.pop(1)

CONFIG = """
ports: {{in: "af_packet:eth1", out: "af_packet:eth2"}}
pairs: {{main: {{inside: in, outside: out}}}}
policies:
  pupils: {{block: defaults, watch: [social]}}
  staff: {{}}
groups:
  staff:
    policy: staff
    prefixes: [10.7.0.0/16, "2001:db8::/32"]
    macs: ["02:00:5e:10:00:01"]
    vlans: [20, {{outer: 30, inner: 7}}]
default_policy: pupils
state_dir: {folder}/state
run_dir: {folder}
"""


@contextlib.contextmanager
def daemon(path, replies):
    """Answers like one of the processes: a line of JSON for a line of JSON."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve():
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer, peer.makefile("rwb") as stream:
                command = json.loads(stream.readline())["command"]
                stream.write(json.dumps(replies[command]).encode() + b"\n")

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        path.unlink()


class Sluicectl(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = self.folder / "sluice.yaml"
        self.config.write_text(CONFIG.format(folder=self.folder))
        self.generation = self.folder / "1.lmdb"

    def run_ctl(self, *arguments, expect=0):
        result = subprocess.run([SLUICECTL, *map(str, arguments)], capture_output=True, text=True,
                                check=False)
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)
        return result

    def json_of(self, *arguments, expect=0):
        return json.loads(self.run_ctl("-o", "json", *arguments, expect=expect).stdout)

    def compile(self, *names, category="gambling", config=True):
        source = self.folder / "names.txt"
        source.write_text("".join(name + "\n" for name in names))
        more = ["--config", self.config] if config else []
        return self.run_ctl("list", "compile", source, "--category", category, "-o",
                            self.generation, *more)

    def explain(self, name, *arguments):
        return self.json_of("explain", name, "--generation", self.generation, *arguments)

    def test_usage(self):
        self.assertIn("explain", self.run_ctl("--help").stdout)
        self.run_ctl(expect=2)
        self.run_ctl("nonsense", expect=2)
        self.run_ctl("-o", "xml", "status", expect=2)
        self.assertIn("none.yaml", self.run_ctl("--config", "/none.yaml", "status", expect=2).stderr)

    def test_config_check(self):
        self.assertIn("no faults", self.run_ctl("config", "check", self.config).stdout)
        told = self.json_of("config", "check", self.config)
        self.assertEqual((told["ok"], told["faults"]), (True, []))
        self.config.write_text(self.config.read_text() + "colour: green\n")
        line = f"{self.config}:16:1: colour: no such key"
        self.assertTrue(self.run_ctl("config", "check", self.config, expect=1).stdout.startswith(line))
        fault, = self.json_of("config", "check", self.config, expect=1)["faults"]
        self.assertEqual((fault["line"], fault["column"], fault["path"]), (16, 1, "colour"))
        self.run_ctl("config", "check", "/nonexistent.yaml", expect=2)

    def test_compile_reports_what_it_read(self):
        source = self.folder / "mixed.txt"
        source.write_text("bet.example\n0.0.0.0 casino.test\nhttp://url.example/x\nbet.example\n")
        report = self.json_of("list", "compile", source, "--category", "gambling", "-o",
                              self.generation, "--generation-number", "7")
        self.assertEqual((report["generation"], report["accepted"], report["duplicates"],
                          report["rejected"]), (7, 2, 1, 1))
        text = self.run_ctl("list", "compile", source, "--category", "gambling", "-o",
                            self.generation).stdout
        self.assertIn("mixed.txt:3", text)

    def test_compile_refuses_a_number_with_none_after_it(self):
        names = self.folder / "names.txt"
        names.write_text("a.example\n")
        told = self.run_ctl("list", "compile", names, "--category", "gambling", "-o", self.generation,
                            "--generation-number", "1234567890123456789", expect=2).stderr
        self.assertIn("--generation-number: Value 1234567890123456789 not in range", told)

    def test_compile_refuses(self):
        source = self.folder / "names.txt"
        source.write_text("bet.example\n")
        arguments = ["list", "compile", source, "-o", self.generation, "--category"]
        self.assertIn("gambling", self.run_ctl(*arguments, "gamblin", expect=1).stderr)
        self.run_ctl(*arguments, "gambling", "--config", "/nonexistent", expect=2)
        self.run_ctl("list", "compile", "/nonexistent", "--category", "gambling", "-o",
                     self.generation, expect=1)
        self.assertFalse(self.generation.exists())

    def test_changes_to_a_list(self):
        self.compile("bet.example", "casino.test")
        changes = self.folder / "changes.txt"
        changes.write_text("# today\n-bet.example\n+NEW.example\n")
        changed = self.folder / "changed.lmdb"
        arguments = ["list", "compile", "--base", self.generation, "--changes", changes,
                     "--category", "gambling", "-o", changed]
        for more in ((), ("--verified-base",), ("--whole",)):
            report = self.json_of(*arguments, *more)
            self.assertEqual((report["entries"], report["added"], report["removed"],
                              report["overlay"]), (2, 1, 1, "--whole" not in more))
            shown = self.json_of("list", "show", "--generation", changed)
            self.assertEqual([entry["name"] for entry in shown["entries"]],
                             ["new.example", "casino.test"])
        self.assertIn("a whole generation", self.run_ctl(*arguments, "--whole").stdout)
        self.assertIn("an overlay of 2 entries", self.run_ctl(*arguments).stdout)
        # Another base than the changes are for.
        self.assertIn("changes.txt:2", self.run_ctl("list", "compile", "--base", changed, "--changes",
                                                    changes, "--category", "gambling", "-o",
                                                    self.folder / "3.lmdb", expect=1).stderr)
        self.run_ctl("list", "compile", "--changes", changes, "--category", "gambling", "-o",
                     changed, expect=2)
        self.run_ctl("list", "compile", "--category", "gambling", "-o", changed, expect=2)
        self.generation.unlink()
        self.assertIn("its base cannot be used",
                      self.run_ctl("list", "show", "--generation", changed, expect=2).stderr)

    def test_list_show(self):
        self.compile("www.bet.example", "bet.example", "casino.test", "alpha.example")
        shown = self.json_of("list", "show", "--generation", self.generation)
        self.assertEqual([entry["name"] for entry in shown["entries"]],
                         ["alpha.example", "bet.example", "www.bet.example", "casino.test"])
        under = self.json_of("list", "show", "--generation", self.generation, "--under",
                             "BET.example.")
        self.assertEqual([entry["name"] for entry in under["entries"]],
                         ["bet.example", "www.bet.example"])
        text = self.run_ctl("list", "show", "--generation", self.generation).stdout
        self.assertIn("4 shown of 4 records", text)

    def test_list_show_of_no_generation(self):
        self.assertIn("current", self.run_ctl("list", "show", "--config", self.config,
                                              expect=2).stderr)
        self.generation.write_bytes(b"no generation")
        self.run_ctl("list", "show", "--generation", self.generation, expect=2)

    def test_newest_generation_where_none_is_current(self):
        folder = self.folder / "state" / "generations"
        folder.mkdir(parents=True)
        for number in (9, 10):
            self.generation = folder / f"{number}.lmdb"
            self.compile("bet.example", config=False)
        document = self.json_of("explain", "bet.example", "--config", self.config)
        self.assertTrue(document["generation"]["file"].endswith("/10.lmdb"))

    def test_explain_by_device(self):
        self.compile("bet.example")
        for arguments, group, by, action in [
                ([], "default", "default", "block"),
                (["--client", "10.8.0.1"], "default", "default", "block"),
                (["--client", "10.7.3.4"], "staff", "prefix", "pass"),
                (["--client", "2001:db8::9"], "staff", "prefix", "pass"),
                (["--mac", "02:00:5E:10:00:01"], "staff", "mac", "pass"),
                (["--vlan", "20"], "staff", "vlan", "pass"),
                (["--vlan", "30"], "default", "default", "block"),
                (["--vlan", "30.7"], "staff", "vlan", "pass"),
        ]:
            with self.subTest(arguments):
                document = self.explain("www.BET.example", *arguments)
                self.assertEqual(document["name"], "www.bet.example")
                self.assertEqual((document["group"]["name"], document["group"]["matched_by"],
                                  document["verdict"]["action"]), (group, by, action))

    def test_explain_tells_what_may_put_the_device_in_a_group(self):
        self.compile("bet.example")
        why = self.explain("bet.example", "--mac", "02:00:5e:10:00:99")["group"]["why"]
        self.assertEqual(why, "no group names the device; it may be in one by what was not given of "
                              "it: --client, --vlan")
        everything = ("--mac", "02:00:5e:10:00:99", "--client", "10.8.0.1", "--vlan", "21")
        self.assertEqual(self.explain("bet.example", *everything)["group"]["why"],
                         "no group names the device")

    def test_explain_tells_the_decision(self):
        self.compile("bet.example")
        document = self.explain("a.bet.example")
        self.assertEqual(document["verdict"]["category"], "gambling")
        self.assertEqual([step["rule"] for step in document["steps"]], [1, 2, 3, 4, 5])
        self.assertTrue(document["steps"][-1]["decides"])
        record, = document["records"]
        self.assertEqual((record["listed_name"], record["layer"]), ("bet.example", "site"))
        self.assertIn("NXDOMAIN", document["client_gets"]["dns"])
        text = self.run_ctl("explain", "a.bet.example", "--generation", self.generation).stdout
        self.assertIn("a.bet.example: BLOCK (category: gambling", text)

    def test_explain_mandatory_category_holds_for_all(self):
        self.compile("terror.example", category="terror")
        document = self.explain("terror.example", "--client", "10.7.0.1")
        self.assertEqual(document["verdict"]["reason"], "mandatory")
        self.assertEqual(document["steps"][-1]["rule"], 2)

    def test_explain_watched_and_unlisted(self):
        self.compile("social.example", category="social")
        self.assertEqual(self.explain("social.example")["verdict"],
                         {"action": "log", "reason": "watched", "category": "social",
                          "category_zh": "社交平台"})
        self.assertEqual(self.explain("other.example")["verdict"]["reason"], "not-listed")

    def test_explain_without_policy(self):
        self.compile("bet.example", config=False)
        document = self.explain("bet.example")
        self.assertEqual(document["verdict"]["action"], "block")
        document = self.explain("bet.example", "--config", self.config, "--client", "10.7.0.1")
        self.assertEqual(document["group"]["name"], "staff")
        self.assertEqual(document["generation"]["policy_from"], str(self.config))

    def with_hours(self):
        self.config.write_text(self.config.read_text().replace(
            "block: defaults", "block: defaults, hours: [{categories: [games], only_during: play}]")
            + "calendar: {time_zone: Asia/Shanghai}\nschedules: {play: cn-minors-games-2021}\n")
        self.compile("play.example", category="games")

    def test_explain_by_the_clock(self):
        self.with_hours()
        for at, action, until in (
                ("2026-12-04T20:30", "pass", "2026-12-04 21:00:00 +0800"),
                ("2026-12-04T12:30Z", "pass", "2026-12-04 21:00:00 +0800"),
                ("2026-12-04T21:00", "block", "2026-12-05 20:00:00 +0800")):
            with self.subTest(at):
                document = self.explain("www.play.example", "--at", at)
                self.assertEqual(document["verdict"]["action"], action)
                self.assertEqual(document["hours"][0]["until"], until)
                self.assertIn(f"the schedule 'play' at {until}", document["would_change"])
        # Complaints come weeks later.
        weeks_ago = datetime.datetime.now() - datetime.timedelta(weeks=6)
        told = self.explain("www.play.example", "--at", weeks_ago.strftime("%Y-%m-%dT20:30"))
        self.assertNotIn("time", told["hours"][0])
        text = self.run_ctl("explain", "www.play.example", "--generation", self.generation, "--at",
                            "2026-12-04T20:30").stdout
        self.assertIn("20:30:00 +0800, by what is listed, configured and switched now", text)
        unknown = self.explain("www.play.example", "--at", "unknown")
        self.assertEqual(unknown["verdict"]["action"], "block")
        self.assertEqual(unknown["hours"][0]["time"], "not known")
        self.run_ctl("explain", "x.example", "--at", "noon", "--generation", self.generation,
                     expect=2)

    def policy_test_of(self, cases, generation=None):
        """The command that tests a table of them."""
        table = self.folder / "cases.yaml"
        table.write_text("cases:\n" + cases)
        return ("--config", self.config, "policy", "test", table, "--generation",
                generation or self.generation)

    def as_expected(self, cases, generation=None):
        """The explanations of cases, a line each, that `policy test` finds to be right."""
        run = self.policy_test_of(cases, generation)
        count = cases.count("\n")
        self.assertIn(f"{count} cases, all as expected", self.run_ctl(*run).stdout)
        return [case["explanation"] for case in self.json_of(*run)["cases"]]

    def test_policy_test(self):
        self.with_hours()
        table = self.folder / "cases.yaml"

        def run(cases, expect):
            table.write_text("cases:\n" + "".join(f"  - {case}\n" for case in cases))
            return self.run_ctl("--config", self.config, "policy", "test", table, "--generation",
                                self.generation, expect=expect)

        good = ["{name: www.play.example, at: 2026-12-04T20:30, expect: pass}",
                "{name: www.play.example, vlan: 30.10, at: 2026-12-04T21:00, expect: block, category: games}",
                "{name: play.example, client: 10.7.0.1, at: unknown, expect: pass, group: staff}"]
        self.assertIn("3 cases, all as expected", run(good, 0).stdout)
        for friday in ("2001-12-07", "2041-12-06"):  # a table outlives what is worked out ahead
            run([f"{{name: play.example, at: {friday}T20:30, expect: pass}}",
                 f"{{name: play.example, at: {friday}T21:30, expect: block}}"], 0)
        result = run([*good, "{name: other.example, expect: block, group: pupils}"], 1)
        self.assertIn("cases.yaml:5:5: other.example: expected block, not pass, group pupils, not "
                      "default (not-listed;", result.stdout)
        self.assertIn("4 cases, 1 differ", result.stdout)
        self.assertIn("cases.yaml:2:5", run(["{name: a..b, expect: pass}"], 2).stderr)
        self.assertIn("as expected", run(["{name: a.example, vlan: 20, expect: pass, group: staff}"], 0)
                      .stdout)
        self.assertIn("not a VLAN", run(["{name: a.example, vlan: 5000, expect: pass}"], 2).stderr)
        # One that cannot be asked keeps no other from being told.
        result = run(["{name: a..b, expect: pass}", "{name: b.example, mode: nap, expect: pass}",
                      "{name: other.example, expect: block}", good[0]], 2)
        for place in ("cases.yaml:2:5", "cases.yaml:3:5"):
            self.assertIn(place, result.stderr)
        self.assertIn("cases.yaml:4:5: other.example: expected block", result.stdout)
        self.assertIn("4 cases, 1 differ, 2 could not be asked", result.stdout)
        for bad in ("{nam: x.example, expect: pass}", "{name: x.example, expect: maybe}",
                    "{name: x.example, expect: pass, at: noon}", "x.example"):
            with self.subTest(bad):
                self.assertIn("cases.yaml:2", run([bad], 2).stderr)

    def with_lists(self):
        self.config.write_text(self.config.read_text().replace(
            "policies:", "policies:\n  lesson: {only: {lists: [lessons]}}", 1) +
            "curated: {lessons: {names: [learn.example], needs: [cdn.example], "
            "except: [game.learn.example]}}\nmodes: {study: lesson}\n")
        self.compile("play.example", category="games")

    def test_policy_test_with_a_mode(self):
        self.with_lists()
        told = self.as_expected(
            "  - {name: other.example, expect: pass}\n"
            "  - {name: other.example, mode: study, expect: block, reason: not-curated}\n"
            "  - {name: www.learn.example, mode: study, expect: pass, reason: curated}\n"
            "  - {name: a.cdn.example, client: 10.7.0.1, mode: study, expect: pass, group: staff}\n"
            "  - {name: game.learn.example, mode: study, expect: block}\n"
            "  - {name: learn.example, mode: pause, expect: block, reason: paused}\n"
            "  - {name: learn.example, mode: normal, expect: pass, reason: not-listed}\n")
        document = told[3]
        self.assertEqual(document["mode"]["mode"], "study")
        self.assertEqual((document["group"]["policy"], document["group"]["own_policy"]),
                         ("lesson", "staff"))
        self.assertEqual(document["lists"], [{"list": "lessons", "name": "cdn.example",
                                              "of_policy": True, "policies": ["lesson"],
                                              "needed": True,
                                              "excepted": False}])
        self.assertEqual([step["rule"] for step in document["steps"]], [1, 2, 3, 4, 5, 6])
        self.assertIn("the end of the mode 'study' of staff", " ".join(document["would_change"]))
        run = self.policy_test_of("  - {name: a.example, mode: stduy, expect: pass}\n")
        self.assertIn("did you mean 'study'?", self.run_ctl(*run, expect=2).stderr)

    def test_explain_by_layers(self):
        self.config.write_text(self.config.read_text().replace(
            "policies:", "policies:\n  city: {block: [games], safe_search: strict}\n"
            "  school: {under: city, block: [games, social]}\n  class: {under: school}", 1)
            .replace("default_policy: pupils", "default_policy: class"))
        self.compile("play.example", category="games")
        ask = ("explain", "play.example", "--config", self.config, "--generation", self.generation)
        document = self.json_of(*ask)
        self.assertEqual(document["verdict"]["action"], "block")
        self.assertEqual([one["policy"] for one in document["layers"]], ["class", "school", "city"])
        self.assertEqual([(step["question"].split("'")[1], step["answer"], step["decides"])
                          for step in document["steps"] if step["rule"] == 5],
                         [("class", "no", False), ("school", "yes: games", True),
                          ("city", "yes: games", False)])
        # Neither of them alone would do.
        self.assertEqual(document["would_change"][0], "policy 'school' no longer blocking games, and "
                                                      "policy 'city' no longer blocking games")
        self.assertIn("school, city: what they refuse holds as well", self.run_ctl(*ask).stdout)
        document = self.json_of("explain", "www.bing.com", *ask[2:])
        self.assertEqual(document["verdict"]["action"], "rewrite")
        self.assertEqual(document["would_change"][0], "another safe_search of policy 'city'")

    def test_config_check_tells_what_is_hardly_meant(self):
        self.config.write_text(self.config.read_text() + "budgets: {spare: {categories: [games], "
                               "minutes_a_day: 5}}\n")
        checked = self.run_ctl("config", "check", self.config).stdout
        self.assertRegex(checked, r"sluice.yaml:\d+:11: note: budgets.spare: no policy names it; ")
        self.assertRegex(checked, r"no faults, \d notes\n$")
        notes = self.json_of("config", "check", self.config)["notes"]
        self.assertIn("budgets.spare", [one["path"] for one in notes])
        # Not where there are faults, which are to be mended first.
        self.config.write_text(self.config.read_text() + "colour: green\n")
        self.assertEqual(self.json_of("config", "check", self.config, expect=1)["notes"], [])

    def test_explain_tells_until_when_and_all_that_has_to_change(self):
        self.config.write_text(self.config.read_text().replace(
            "policies:", "policies:\n  city: {block: [gambling]}\n"
            "  school: {under: city, hours: [{categories: [games], not_during: lessons}]}\n"
            "  class: {under: school, hours: [{categories: [games], not_during: noon}]}", 1)
            .replace("default_policy: pupils", "default_policy: class") +
            "calendar: {time_zone: Europe/Berlin}\nschedules:\n"
            "  lessons: [{days: [workdays], from: '08:00', until: '12:00'}]\n"
            "  noon: [{days: [every-day], from: '11:00', until: '14:00'}]\n")
        self.compile("play.example", category="games")
        ask = ("explain", "play.example", "--config", self.config, "--generation", self.generation,
               "--at")
        for at, until, then in (("2026-12-04T09:00", "2026-12-04 14:00:00 +0100", "pass"),
                                ("2026-12-04T11:30", "2026-12-04 14:00:00 +0100", "pass"),
                                ("2026-12-04T14:00", "2026-12-05 11:00:00 +0100", "block")):
            document = self.json_of(*ask, at)
            self.assertEqual((document["by_the_clock"]["until"], document["by_the_clock"]["then"]),
                             (until, then), at)
        text = self.run_ctl(*ask, "2026-12-04T11:30").stdout
        self.assertIn("  school: games not during 'lessons': which it is until 2026-12-04 12:00", text)
        self.assertIn("  so: block until 2026-12-04 14:00:00 +0100, then pass (listed-only)", text)
        self.assertIn("  the schedule 'noon' at 2026-12-04 14:00:00 +0100, and the schedule 'lessons' at "
                      "2026-12-04 12:00:00 +0100\n", text)
        self.assertIsNone(self.json_of("explain", "other.example", *ask[2:-1])["by_the_clock"])
        # What the clock does to other categories is no reason for this name's verdict.
        self.assertNotIn("by the clock", self.run_ctl("explain", "other.example", *ask[2:-1]).stdout)
        # A name in two categories is free only of both.
        changes = self.folder / "changes.txt"
        changes.write_text("+play.example\n")
        both = self.folder / "both.lmdb"
        self.run_ctl("list", "compile", "--base", self.generation, "--changes", changes, "--whole",
                     "--category", "gambling", "-o", both, "--generation-number", "2")
        told = self.json_of("explain", "play.example", "--config", self.config, "--generation", both,
                            "--at", "2026-12-04T09:00")["would_change"]
        self.assertEqual(told[:2], [
            "the schedule 'lessons' at 2026-12-04 12:00:00 +0100, and policy 'city' no longer "
            "blocking gambling",
            "an entry of the site that allows the name, which the administrator may make: sluicectl "
            "site allow"])
        self.assertIn("the end of the entry for play.example in games, and", told[2])
        self.assertIn("the end of the entry for play.example in gambling", told[2])

    def test_explain_tells_whose_minutes_and_which_exception(self):
        layer = self.with_a_layer()
        layer.write_text(layer.read_text().replace("only: {lists: [class]}\n", ""))
        table = self.folder / "cases.yaml"
        table.write_text(
            "cases:\n"
            "  - {name: play.example, used_up: [layer/li/games], expect: block, reason: budget}\n"
            "  - {name: game.learn.example, mode: study, expect: block, reason: not-curated}\n")
        cases = self.json_of("--config", self.config, "policy", "test", table, "--generation",
                             self.generation)["cases"]
        minutes, exception = [case["explanation"]["would_change"] for case in cases]
        self.assertEqual(minutes[0], "another day of the budget 'layer/li/games', or more minutes, "
                                     "which only Ms Li gives")
        self.assertEqual(exception[0], "the exception 'game.learn.example' taken out of the list "
                                       "'lessons'")

    def with_a_layer(self):
        self.with_lists()
        layer = self.folder / "li.yaml"
        layer.write_text(
            "curated: {class: {names: [www.learn.example, other.example]}}\n"
            "only: {lists: [class]}\n"
            "budgets: {games: {categories: [games], minutes_a_day: 30}}\n")
        self.config.write_text(self.config.read_text() + f"layers: {{li: {{file: {layer}, owner: Ms "
                               "Li, groups: all}}\n")
        self.compile("play.example", category="games")
        return layer

    def test_lists_and_budgets_of_a_layer(self):
        layer = self.with_a_layer()
        told = self.as_expected(
            "  - {name: other.example, expect: pass, reason: curated}\n"
            "  - {name: learn.example, expect: block, reason: not-curated}\n"
            "  - {name: www.learn.example, mode: study, expect: pass, reason: curated}\n"
            "  - {name: other.example, mode: study, expect: block, reason: not-curated}\n"
            "  - {name: learn.example, mode: study, expect: block, reason: not-curated}\n")
        both, teachers, schools = [
            [(step["question"].split("'")[1], step["answer"], step["decides"])
             for step in one["steps"] if step["rule"] == 6]
            for one in told[2:]]
        self.assertEqual(both, [("lesson", "yes: 'lessons'", False),
                                ("layer/li", "yes: 'layer/li/class'", True)])
        self.assertEqual(teachers, [("lesson", "no", True),
                                    ("layer/li", "yes: 'layer/li/class'", False)])
        self.assertEqual(schools, [("lesson", "yes: 'lessons'", False), ("layer/li", "no", True)])
        changes = told[4]["would_change"]
        self.assertIn("on a list of policy 'layer/li'", changes[0])
        self.assertNotIn("'lesson'", " ".join(changes))
        layer.write_text(layer.read_text().replace("only: {lists: [class]}\n", ""))
        self.as_expected("  - {name: play.example, used_up: [layer/li/games], expect: block, reason: budget}\n")

    def test_one_by_a_list_and_one_by_a_category(self):
        layer = self.with_a_layer()
        layer.write_text("only: {categories: [novels, games]}\n")
        self.compile("www.learn.example", "play.example", category="games")
        told = self.as_expected(
            "  - {name: www.learn.example, mode: study, expect: pass, reason: curated}\n"
            "  - {name: learn.example, mode: study, expect: block, reason: not-curated}\n"
            "  - {name: play.example, mode: study, expect: block, reason: not-curated}\n"
            "  - {name: other.example, mode: study, expect: block, reason: not-curated}\n"
            "  - {name: play.example, expect: pass, reason: curated}\n")
        self.assertEqual(
            [[(step["answer"], step["decides"]) for step in one["steps"] if step["rule"] == 6]
             for one in told[:4]],
            [[("yes: 'lessons'", False), ("yes, by category: games", True)],
             [("yes: 'lessons'", False), ("no", True)],
             [("no", True), ("yes, by category: games", False)],
             [("no", True), ("no", False)]])
        self.assertEqual(
            [one["would_change"][0] for one in told[1:4]],
            ["an entry that puts the name into games or novels, which policy 'layer/li' lets through",
             "the name, or one above it, on a list of policy 'lesson'",
             "the name, or one above it, on a list of policy 'lesson', and an entry that puts the name "
             "into games or novels, which policy 'layer/li' lets through"])

    def test_diff_tells_what_layers_say(self):
        layer = self.with_a_layer()
        other = self.folder / "new.yaml"
        fresh = self.folder / "li-2.yaml"
        fresh.write_text(layer.read_text() + "block: [social]\n")
        other.write_text(self.config.read_text().replace(str(layer), str(fresh)))
        text = self.run_ctl("--config", self.config, "config", "diff", other, expect=1).stdout
        self.assertRegex(text, r"added +layers\.li \(its file\)\.block +social")
        self.assertNotIn("minutes_a_day", text)
        fresh.write_text("budgets: {games: {categories: [games], minutes_a_day: 45}}\n")
        text = self.run_ctl("--config", self.config, "config", "diff", other, expect=1).stdout
        self.assertRegex(text, r"changed +layers\.li \(its file\)\.budgets\.games\.minutes_a_day "
                               r"+30 -> 45")

    def test_explain_tells_what_is_changed_besides_names(self):
        self.config.write_text(self.config.read_text().replace(
            "policies:", "policies:\n  city: {ech: withhold}\n  class: {under: city, ech: withhold, "
            "encrypted_dns_ports: refuse, safe_search: moderate, block: defaults}", 1)
            .replace("default_policy: pupils", "default_policy: class") +
            "block_answer: {dns: address, page_ipv4: 192.0.2.80}\n")
        self.compile("doh.example", category="encrypted-dns")
        ask = ("--config", self.config, "--generation", self.generation)
        told = self.json_of("explain", "other.example", *ask)
        self.assertEqual([(one["switch"], one["value"], one["by"]) for one in told["switches"]],
                         [("ech", "withhold", ["class", "city"]),
                          ("encrypted_dns_ports", "refuse", ["class"]),
                          ("safe_search", "moderate", ["class"])])
        self.assertIn("but for configurations of Encrypted ClientHello", told["client_gets"]["dns"])
        text = self.run_ctl("explain", "other.example", *ask).stdout
        self.assertIn("besides  ech withhold, by class and city; encrypted_dns_ports refuse", text)
        told = self.json_of("explain", "other.example", *ask, "--vlan", "20")
        self.assertEqual(told["switches"], [])
        self.assertEqual(told["client_gets"]["dns"], "the server's own answer")
        # No program shall take the page for a resolver.
        self.assertTrue(self.json_of("explain", "doh.example", *ask)["client_gets"]["dns"]
                        .startswith("NXDOMAIN"))

    def test_explain_by_protocol(self):
        self.compile("casino.example")
        ask = ("explain", "casino.example", "--config", self.config,
               "--generation", self.generation, "--proto")
        self.assertEqual(list(self.json_of(*ask, "quic")["client_gets"]), ["quic"])
        text = self.run_ctl(*ask, "http").stdout.split("the client gets\n")[1]
        self.assertRegex(text, r"^ +HTTP +403 Forbidden.*\n\nwhat would change it")
        self.assertIn("--proto", self.run_ctl(*ask, "ftp", expect=2).stderr)

    def test_which_of_two_budgets_is_used_up(self):
        self.config.write_text(self.config.read_text().replace(
            "block: defaults", "block: defaults, budgets: [play, clips]", 1) +
            "budgets: {play: {categories: [games], minutes_a_day: 60}, "
            "clips: {categories: [video], minutes_a_day: 60}}\n")
        self.compile("play.example", category="games")
        changes, both = self.folder / "changes.txt", self.folder / "both.lmdb"
        changes.write_text("+play.example\n")
        self.run_ctl("list", "compile", "--base", self.generation, "--changes", changes, "--whole",
                     "--category", "video", "-o", both, "--generation-number", "2")
        self.as_expected(
            "  - {name: play.example, used_up: [play], expect: block, reason: budget, category: games}\n"
            "  - {name: play.example, used_up: [clips], expect: block, reason: budget, category: video}\n"
            "  - {name: play.example, used_up: [clips, play], expect: block, category: games}\n",
            generation=both)

    def test_policy_test_with_budgets(self):
        self.config.write_text(self.config.read_text().replace(
            "block: defaults", "block: defaults, budgets: [play]", 1) +
            "budgets: {play: {categories: [games], minutes_a_day: 60}}\n")
        self.compile("play.example", category="games")
        told = self.as_expected(
            "  - {name: play.example, expect: pass}\n"
            "  - {name: play.example, used_up: [], expect: pass}\n"
            "  - {name: play.example, used_up: [play], expect: block, reason: budget}\n"
            "  - {name: play.example, client: 10.7.0.1, used_up: [play], expect: pass, group: staff}\n"
            "  - {name: other.example, used_up: [play], expect: pass}\n")
        document = told[2]
        self.assertEqual([(one["budget"], one["state"]) for one in document["budgets"]],
                         [("play", "exhausted")])
        run = self.policy_test_of("  - {name: play.example, used_up: [paly], expect: pass}\n")
        told = self.run_ctl(*run, expect=2).stderr
        self.assertIn("cases.yaml:2:5: used_up: no budget is named 'paly'", told)
        self.assertIn("did you mean 'play'?", told)

    def test_budgets(self):
        self.config.write_text(self.config.read_text().replace(
            "block: defaults", "block: defaults, budgets: [play]", 1) +
            "budgets: {play: {categories: [games], minutes_a_day: 60, minutes_a_week: 90}}\n"
            "calendar: {time_zone: Asia/Shanghai, day_begins: \"04:00\"}\n")
        self.compile("play.example", category="games")
        mac = "02:00:5e:10:00:09"
        text = self.run_ctl("explain", "play.example", "--mac", mac, "--config", self.config,
                            "--generation", self.generation).stdout
        self.assertIn("'play': 60 minutes a day, 90 minutes a week; what is spent, the dataplane "
                      "does not tell", text)
        spent = {"device": mac, "budget": "play", "state": "exhausted", "used_today": 60,
                 "used_this_week": 70, "added_today": 0, "left": 0, "day_ends": "tomorrow"}
        replies = {"budgets": {"ok": True, "budgets": [{"name": "play"}], "spent": [spent]},
                   "budget-add": {"ok": True, "done": "30 minutes more"}}
        with daemon(self.folder / "dataplane.sock", replies):
            document = self.explain("play.example", "--mac", mac, "--config", self.config)
            self.assertEqual((document["verdict"]["action"], document["verdict"]["reason"]),
                             ("block", "budget"))
            self.assertIn("sluicectl budget add", " ".join(document["would_change"]))
            self.assertNotIn("ordered", document["client_gets"]["dns"])
            # Today's minutes are not those of another day.
            for ends, verdict in (("2026-12-05 04:00:00 +0800", "block"),
                                  ("2026-12-06 04:00:00 +0800", "pass")):
                spent["day_ends"] = ends
                document = self.explain("play.example", "--mac", mac, "--config", self.config,
                                        "--at", "2026-12-04T20:30")
                self.assertEqual(document["verdict"]["action"], verdict)
                self.assertEqual(document["budgets"][0]["known"], verdict == "block")
                self.assertEqual(document["by_the_clock"], {
                    "until": "2026-12-05 04:00:00 +0800", "then": "pass", "reason": "listed-only",
                    "because": ["minutes of the budget 'play' begin anew"]}
                    if verdict == "block" else None)
            self.assertIn("what is spent by then, nobody knows", self.run_ctl(
                "explain", "play.example", "--mac", mac, "--config", self.config, "--generation",
                self.generation, "--at", "2026-12-04T20:30").stdout)
            # A week's are those of its other days, and of no other week.
            spent.update({"used_this_week": 90, "day_ends": "2026-12-03 04:00:00 +0800"})
            for at, verdict in (("2026-12-04T20:30", "block"), ("2026-12-07T03:59", "block"),
                                ("2026-12-07T04:00", "pass"), ("2026-12-01T20:30", "pass")):
                document = self.explain("play.example", "--mac", mac, "--config", self.config,
                                        "--at", at)
                self.assertEqual((at, document["verdict"]["action"]), (at, verdict))
                self.assertEqual(document["budgets"][0]["known"], verdict == "block")
                self.assertEqual(document["by_the_clock"] and document["by_the_clock"]["until"],
                                 "2026-12-07 04:00:00 +0800" if verdict == "block" else None)
            spent.update({"state": "good", "added_today": 30, "left": 30})  # for that day alone
            document = self.explain("play.example", "--mac", mac, "--config", self.config,
                                    "--at", "2026-12-04T20:30")
            self.assertEqual(document["verdict"]["reason"], "budget")
            spent.update({"state": "exhausted", "added_today": 0, "left": 0})
            # Who has spent nothing today may have, or will have, on another day.
            replies["budgets"]["spent"] = []
            for days, known in ((-2, False), (0, True), (2, False)):
                at = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
                at += datetime.timedelta(days=days)
                document = self.explain("play.example", "--mac", mac, "--config", self.config,
                                        "--at", at.strftime("%Y-%m-%dT%H:%M"))
                self.assertEqual((days, document["budgets"][0]["known"]), (days, known))
            replies["budgets"]["spent"] = [spent]
            spent.update({"used_this_week": 70, "day_ends": "tomorrow"})
            other = self.explain("other.example", "--mac", mac, "--config", self.config)
            self.assertEqual(other["budgets"], [])
            listed = self.run_ctl("--config", self.config, "budget", "list").stdout
            self.assertRegex(listed, mac + " +play +exhausted +0 +60 +0 +70 +tomorrow")
            self.assertIn("30 minutes more", self.run_ctl(
                "--config", self.config, "budget", "add", mac, "play", "30", "--reason", "x").stdout)
        self.run_ctl("--config", self.config, "budget", "add", mac, "play", "0", "--reason", "x",
                     expect=2)
        self.run_ctl("--config", self.config, "budget", "add", mac, "play", "5", expect=2)

    def test_mode_asks_control(self):
        reply = {"mode-set": {"ok": True, "done": "pupils: mode pause", "dataplane": None},
                 "mode-list": {"ok": True, "modes": [
                     {"subject": "pupils", "mode": "pause", "ends": "until somebody ends it",
                      "who": "li", "reason": "exam"}]}}
        with daemon(self.folder / "control.sock", reply):
            text = self.run_ctl("--config", self.config, "mode", "set", "pupils", "pause",
                                "--for", "1h30m", "--reason", "exam").stdout
            self.assertIn("in force once sluice-dataplane runs", text)
            self.assertRegex(self.run_ctl("--config", self.config, "mode", "list").stdout,
                             "pupils +pause +until somebody ends it +li +exam")
        for arguments in (("--for", "45"), ("--for", "m"), ("--for", "0m"),
                          ("--for", "1h", "--until", "2026-12-04T20:30"), ()):
            with self.subTest(arguments):
                reason = ("--reason", "x") if arguments else ()
                self.run_ctl("--config", self.config, "mode", "set", "pupils", "pause", *arguments,
                             *reason, expect=2)

    def test_explain_refuses(self):
        self.compile("bet.example")
        for arguments, told in (
                (["a..b"], "a label is empty"), (["192.0.2.1"], "give a domain name"),
                (["https://bet.example/odds"], "without https:// and without a path"),
                (["x.example", "--client", "10.0.0.0/8"], "not an IP address"),
                (["x.example", "--mac", "1:2"], "not a MAC"), (["x.example", "--vlan", "5000"], "not a VLAN"),
                (["x.example", "--config", self.config, "--port", "nowhere"], "known are: in")):
            with self.subTest(arguments):
                self.assertIn(told, self.run_ctl("explain", *arguments, "--generation", self.generation,
                                                 expect=2).stderr)

    def test_rollback_goes_back_only_where_nothing_is_tried(self):
        before = self.config.with_name(self.config.name + ".before")
        before.write_text(self.config.read_text() + "keep_generations: 7\n")
        text = self.config.read_text()
        replies = {"config-end": {"ok": False, "error": {"what": "another generation is made"}},
                   "config-reload": {"ok": True}}
        with daemon(self.folder / "control.sock", replies):
            result = self.run_ctl("--config", self.config, "config", "rollback", "--reason", "x",
                                  expect=1)
        self.assertIn("another generation is made", result.stderr)
        self.assertEqual(self.config.read_text(), text)
        replies["config-end"]["error"]["what"] = "no configuration is being tried"
        with daemon(self.folder / "control.sock", replies):
            self.run_ctl("--config", self.config, "config", "rollback", "--reason", "x")
        self.assertIn("keep_generations: 7", self.config.read_text())

    def test_status(self):
        document = self.json_of("--config", self.config, "status", expect=1)
        self.assertFalse(document["dataplane"]["running"])
        with daemon(self.folder / "dataplane.sock",
                    {"status": {"ok": True, "generation": 42, "pairs": [{"link": "up"}]}}):
            text = self.run_ctl("status", "--config", self.config, expect=1).stdout
            self.assertIn("dataplane: running", text)
            self.assertRegex(text, r"pairs\n +link\n +up")
            self.assertIn("control: NOT RUNNING", text)
            with daemon(self.folder / "control.sock", {"status": {"ok": True}}):
                document = self.json_of("--config", self.config, "status")
                self.assertEqual(document["dataplane"]["status"]["generation"], 42)

    def test_stages(self):
        stages = {"hertz": 2_000_000_000, "timed_one_in": 17, "lcores": [
            {"frames": 60, "receive": 1000, "parse": 500, "classify": 2500},
            {"frames": 20, "receive": 1000, "send": 3000}]}
        reply = {"ok": True, "counters": {}, "lcores": [], "stages": stages}
        with daemon(self.folder / "dataplane.sock", {"stats": reply}):
            options = ("stats", "--stages", "--seconds", "0.1", "--config", self.config)
            told = self.json_of(*options)  # no frame came meanwhile: all since the start
            self.assertEqual((told["frames_timed"], told["seconds"], told["lcores"]), (80, 0, 2))
            self.assertEqual(told["cycles_a_frame"], 100)
            by_name = {stage["name"]: stage for stage in told["stages"]}
            self.assertEqual(by_name["receive"]["cycles_a_frame"], 25)
            self.assertEqual(by_name["send"]["share"], 0.375)
            text = self.run_ctl(*options).stdout
            self.assertIn("80 frames timed since the start", text)
            self.assertRegex(text, r"classify +31.2 +31.2 %")
        with daemon(self.folder / "dataplane.sock", {"stats": {"ok": True, "counters": {}}}):
            self.assertIn("no stages", self.run_ctl(*options, expect=2).stderr)

    def test_stats(self):
        self.run_ctl("stats", "--config", self.config, expect=2)
        reply = {"ok": True, "counters": {"rx_packets": 5, "lost": 0}, "lcores": [],
                 "ports": [{"name": "in", "rx": 3}]}
        with daemon(self.folder / "dataplane.sock", {"stats": reply}):
            self.assertEqual(self.json_of("stats", "--config", self.config)["counters"],
                             {"rx_packets": 5, "lost": 0})
            text = self.run_ctl("stats", "--config", self.config).stdout
            self.assertRegex(text, r"rx_packets +5")
            self.assertNotIn("lost", text)
            self.assertIn("lost", self.run_ctl("stats", "--all", "--config", self.config).stdout)
        refusal = {"ok": False, "error": {"what": "busy", "where": "x", "advice": "wait"}}
        with daemon(self.folder / "dataplane.sock", {"stats": refusal}):
            self.assertIn("busy", self.run_ctl("stats", "--config", self.config, expect=2).stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
