"""A class's Friday in seconds: the dataplane's clock leaps from hour to hour, clients ask."""
import shutil
import unittest

from .case import BINARIES
from .lab import Lab

MORE = """\
calendar: {time_zone: Asia/Shanghai, holidays: [cn-2026], day_begins: "04:00"}
schedules:
  play: cn-minors-games-2021
  lessons:
    - {days: [workdays], from: "08:00", until: "11:50"}
    - {days: [workdays], from: "14:00", until: "17:00"}
curated:
  lessons: {names: [library.example], except: [game.library.example]}
  papers: {names: [school.example]}
budgets:
  clips: {categories: [video], minutes_a_day: 2}
modes: {study: lesson, exam: exam}
"""
PUPILS = ("block: defaults, budgets: [clips], hours: [{categories: [games], only_during: play}, "
          "{categories: [novels], not_during: lessons}]")
POLICIES = """\
  lesson: {block: defaults, only: {lists: [lessons]}}
  exam: {block: defaults, only: {lists: [papers]}}
"""
NAMES = {"library": "www.library.example", "its game": "game.library.example",
         "school": "www.school.example", "news": "www.news.test", "games": "www.play.example",
         "video": "www.clips.example", "novels": "www.chat.example",
         "casino": "www.casino.example"}
# What passes at each time; all else is refused. A step's command comes before its questions.
DAY = [
    ("2026-12-04T07:30:00", None, "library, its game, school, news, novels, video"),
    ("2026-12-04T08:05:00", "set default study --until 2026-12-04T08:45", "library"),
    ("2026-12-04T08:44:40", None, "library"),
    ("2026-12-04T08:45:00", None, "library, its game, school, news, video"),
    ("2026-12-04T10:00:00", "set default exam --until 2026-12-04T11:00", "school"),
    ("2026-12-04T10:30:00", "end default", "library, its game, school, news"),
    ("2026-12-04T12:10:00", None, "library, its game, school, news, novels"),
    ("2026-12-04T13:00:00", "set default pause --until 2026-12-04T13:10", ""),
    ("2026-12-04T13:10:00", None, "library, its game, school, news, novels"),
    ("2026-12-04T14:30:00", None, "library, its game, school, news"),
    ("2026-12-04T19:59:30", None, "library, its game, school, news, novels"),
    ("2026-12-04T20:00:00", None, "library, its game, school, news, novels, games"),
    ("2026-12-04T20:30:00", "set default exam --until 2026-12-04T20:40", "school"),
    ("2026-12-04T20:40:00", None, "library, its game, school, news, novels, games"),
    ("2026-12-04T21:00:00", None, "library, its game, school, news, novels"),
    ("2026-12-05T03:59:00", None, "library, its game, school, news, novels"),
    ("2026-12-05T04:00:00", None, "library, its game, school, news, novels, video"),
    ("2026-12-05T20:30:00", None, "library, its game, school, news, novels, video, games"),
]


class Day(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(BINARIES))
        cls.appliance = cls.lab.appliance
        cls.lab.start_servers()
        authority = cls.lab.authority
        authority.init()
        for name, category in (("play.example", "games"), ("clips.example", "video"),
                               ("chat.example", "novels"), ("casino.example", "gambling")):
            authority.add(name, category=category)
        authority.publish()

    def passing(self):
        out = []
        for title, name in NAMES.items():
            text = self.lab.dig(name, "A", check=False)
            self.assertIn("status: ", text)
            if "; incident " not in text:
                out.append(title)
        return sorted(out)

    def start(self, clock):
        if self.appliance.dataplane:
            self.appliance.dataplane.stop()
        self.appliance.start_dataplane("--clock-for-tests", clock)

    def test_friday(self):
        shutil.rmtree(self.appliance.folder / "state", ignore_errors=True)
        self.appliance.configure(pupils=PUPILS, more=MORE, policies=POLICIES,
                                 authority=self.lab.authority_settings())
        self.start(DAY[0][0])
        self.addCleanup(self.appliance.stop)
        self.appliance.start_control()
        self.appliance.wait_for_generation()
        for at, command, expected in DAY:
            with self.subTest(at, command=command):
                self.start(at)
                if command:
                    words = command.split()
                    self.appliance.ctl("mode", *words, "--reason", "the day's plan")
                self.assertEqual(self.passing(), sorted(filter(None, expected.split(", "))))


if __name__ == "__main__":
    unittest.main()
