"""sluicectl calendar import: days of iCalendar files, as a configuration that the program takes."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SLUICECTL = sys.argv.pop(1)

CONFIG = """
ports: {{in: "af_packet:eth1", out: "af_packet:eth2"}}
pairs: {{main: {{inside: in, outside: out}}}}
policies: {{pupils: {{block: defaults}}}}
default_policy: pupils
{calendar}
"""
ZONE = "calendar: {time_zone: Asia/Shanghai}"
RANGE = ("--from", "2026-09-01", "--until", "2027-07-31")


def event(*lines):
    return "\r\n".join(["BEGIN:VEVENT", "UID:x", *lines, "END:VEVENT", ""])


class CalendarImport(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = self.folder / "sluice.yaml"
        self.config.write_text(CONFIG.format(calendar=ZONE))

    def run_import(self, content, *arguments, as_name="exams"):
        file = self.folder / "days.ics"
        file.write_bytes(content if isinstance(content, bytes) else
                         f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{content}END:VCALENDAR\r\n".encode())
        return subprocess.run([SLUICECTL, "--config", self.config, "calendar", "import", file,
                               "--as", as_name, *arguments],
                              capture_output=True, text=True, timeout=30)

    def days(self, *events, arguments=RANGE):
        done = self.run_import("".join(events), "-o", "json", *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)["days"]

    def refused(self, content, *arguments):
        done = self.run_import(content, *arguments)
        self.assertEqual(done.returncode, 2, done.stdout)
        return done.stderr

    def test_whole_days(self):
        self.assertEqual(self.days(event("DTSTART;VALUE=DATE:20261001")), ["2026-10-01"])
        self.assertEqual(self.days(event("DTSTART;VALUE=DATE:20261001",
                                         "DTEND;VALUE=DATE:20261008")), ["2026-10-01/2026-10-07"])
        self.assertEqual(self.days(event("DTSTART;VALUE=DATE:20261001", "DURATION:P3D")),
                         ["2026-10-01/2026-10-03"])

    def test_days_that_follow_or_overlap_are_one_range(self):
        self.assertEqual(self.days(event("DTSTART;VALUE=DATE:20261003"),
                                   event("DTSTART;VALUE=DATE:20261001",
                                         "DTEND;VALUE=DATE:20261003"),
                                   event("DTSTART;VALUE=DATE:20261002"),
                                   event("DTSTART;VALUE=DATE:20261005")),
                         ["2026-10-01/2026-10-03", "2026-10-05"])

    def test_recurrence(self):
        self.assertEqual(self.days(event("DTSTART;VALUE=DATE:20260904",
                                         "RRULE:FREQ=WEEKLY;COUNT=4",
                                         "EXDATE;VALUE=DATE:20260911")),
                         ["2026-09-04", "2026-09-18", "2026-09-25"])
        # Began long ago, and goes on for ever.
        self.assertEqual(self.days(event("DTSTART;VALUE=DATE:20151225", "RRULE:FREQ=YEARLY")),
                         ["2026-12-25"])
        self.assertEqual(self.days(event("DTSTART;VALUE=DATE:20260907",
                                         "RDATE;VALUE=DATE:20260921")),
                         ["2026-09-07", "2026-09-21"])

    def test_weeks_that_begin_on_a_saturday(self):
        def every_second(first, days, week):
            return self.days(event(f"DTSTART;VALUE=DATE:{first}",
                                   f"RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;WKST={week};BYDAY={days}"))
        for days, told in (("TU,TH", ["2026-09-03", "2026-09-15", "2026-09-17", "2026-09-29"]),
                           ("SU,TH", ["2026-09-03", "2026-09-13", "2026-09-17", "2026-09-27"]),
                           ("MO,TH", ["2026-09-03", "2026-09-14", "2026-09-17", "2026-09-28"])):
            self.assertEqual(every_second("20260903", days, "SA"), told, days)
        self.assertEqual(every_second("20260907", "MO,TU", "WE"), ["2026-09-07/2026-09-08", "2026-09-21/2026-09-22"])
        told = self.refused(event("DTSTART;VALUE=DATE:20260907", "RRULE:FREQ=WEEKLY;INTERVAL=3;WKST=WE;BYDAY=SU,MO,WE"),
                            *RANGE)
        self.assertIn("days that WKST puts apart; write its days as events of their own", told)
        self.assertIn("days.ics:3:1", told)

    def test_rules_that_the_library_follows_wrongly(self):
        for rule in ("YEARLY;BYWEEKNO=1;BYDAY=MO", "YEARLY;BYWEEKNO=20,53", "YEARLY;BYWEEKNO=-1;BYDAY=FR",
                     "DAILY;BYMONTHDAY=1,-1"):
            told = self.refused(event("DTSTART;VALUE=DATE:20261229", f"RRULE:FREQ={rule}"), *RANGE)
            self.assertRegex(told, r"days.ics:3:1: an event that comes back .*; |events of their own")
        self.assertEqual(self.days(event("DTSTART;VALUE=DATE:20260928", "RRULE:FREQ=YEARLY;BYWEEKNO=40;BYDAY=MO")),
                         ["2026-09-28"])

    def test_single_dates_are_in_the_zone_that_they_name(self):
        # Noon in New York is the next day in Shanghai.
        new_york = ";TZID=America/New_York"
        rule = [f"DTSTART{new_york}:20270111T120000", f"DTEND{new_york}:20270111T130000"]
        self.assertEqual(self.days(event(*rule, f"RDATE{new_york}:20270120T120000,20270125T120000",
                                         f"EXDATE{new_york}:20270125T120000")),
                         ["2027-01-12", "2027-01-21"])
        self.assertEqual(self.days(event(*rule, "RDATE:20270120T170000Z")), ["2027-01-12", "2027-01-21"])
        self.assertEqual(self.days(event("DTSTART:20270111T080000", "DURATION:P1D", "RDATE:20270120T230000")),
                         ["2027-01-11/2027-01-12", "2027-01-20/2027-01-21"])
        moved = event(f"DTSTART{new_york}:20270201T120000", f"RECURRENCE-ID{new_york}:20270120T120000")
        self.assertEqual(self.days(event(*rule, f"RDATE{new_york}:20270120T120000"), moved),
                         ["2027-01-12", "2027-02-02"])

    def test_times_by_the_clock_on_the_wall(self):
        # 22:00 in Shanghai is 14:00 UTC; 17:00 UTC is the next day there.
        self.assertEqual(self.days(event("DTSTART:20270111T140000Z", "DTEND:20270111T150000Z")),
                         ["2027-01-11"])
        self.assertEqual(self.days(event("DTSTART:20270111T170000Z", "DTEND:20270111T180000Z")),
                         ["2027-01-12"])
        self.assertEqual(self.days(event("DTSTART:20270111T083000", "DTEND:20270113T120000")),
                         ["2027-01-11/2027-01-13"])
        # An end at midnight is not of the day that begins then.
        self.assertEqual(self.days(event("DTSTART:20270111T083000", "DTEND:20270112T000000")),
                         ["2027-01-11"])
        self.assertEqual(self.days(event("DTSTART;TZID=America/New_York:20270111T120000",
                                         "DTEND;TZID=America/New_York:20270111T130000")),
                         ["2027-01-12"])

    def test_what_goes_on_long_after_the_days_that_are_asked_for(self):
        # 17:00 UTC is the next day in Shanghai.
        for end in ("20270120", "20290120"):
            self.assertEqual(self.days(event("DTSTART:20270111T000000Z", f"DTEND:{end}T150000Z"), arguments=(
                "--from", "2027-01-11", "--until", "2027-01-11")), [f"2027-01-11/{end[:4]}-01-20"])
            self.assertEqual(self.days(event("DTSTART:20270111T000000Z", f"DTEND:{end}T170000Z"), arguments=(
                "--from", "2027-01-11", "--until", "2027-01-11")), [f"2027-01-11/{end[:4]}-01-21"])

    def test_zone_of_the_file(self):
        zone = "\r\n".join(["BEGIN:VTIMEZONE", "TZID:School", "BEGIN:STANDARD",
                            "DTSTART:19700101T000000", "TZOFFSETFROM:-0800",
                            "TZOFFSETTO:-0800", "END:STANDARD", "END:VTIMEZONE", ""])
        self.assertEqual(self.days(zone, event("DTSTART;TZID=School:20270111T120000",
                                               "DTEND;TZID=School:20270111T130000")),
                         ["2027-01-12"])

    def test_titles(self):
        both = (event("DTSTART;VALUE=DATE:20270111", "DTEND;VALUE=DATE:20270116",
                      "SUMMARY:期末考试 grade 9"),
                event("DTSTART;VALUE=DATE:20270118", "SUMMARY:期末考试 gra\r\n de 10"),
                event("DTSTART;VALUE=DATE:20270120", "SUMMARY:Sports day"))
        self.assertEqual(self.days(*both, arguments=(*RANGE, "--match", "考试")),
                         ["2027-01-11/2027-01-15", "2027-01-18"])
        self.assertEqual(self.days(*both, arguments=(*RANGE, "--match", "考试", "--except", "grade 10")),
                         ["2027-01-11/2027-01-15"])

    def test_what_is_cancelled_or_moved_is_told(self):
        events = (event("DTSTART;VALUE=DATE:20270111", "SUMMARY:on"),
                  event("DTSTART;VALUE=DATE:20270118", "SUMMARY:off", "STATUS:CANCELLED"),
                  event("DTSTART;VALUE=DATE:20270125", "RECURRENCE-ID;VALUE=DATE:20270124"))
        done = self.run_import("".join(events), *RANGE)
        self.assertIn("# cancelled ones, left out: 1", done.stdout)
        self.assertIn("# moved single ones: 1", done.stdout)
        self.assertNotIn("2027-01-18", done.stdout)

    def test_one_day_of_a_rule_that_is_cancelled_or_moved(self):
        for zone, at in ((";VALUE=DATE", ""), ("", "T080000"), (";TZID=Asia/Shanghai", "T010000"),
                         (";TZID=Europe/Berlin", "T080000")):
            rule = event(f"DTSTART{zone}:20261023{at}", "RRULE:FREQ=DAILY;COUNT=5")
            gone = event(f"DTSTART{zone}:20261026{at}", f"RECURRENCE-ID{zone}:20261026{at}",
                         "STATUS:CANCELLED")
            moved = event(f"DTSTART{zone}:20261102{at}", f"RECURRENCE-ID{zone}:20261024{at}")
            for events in ((rule, gone, moved), (moved, gone, rule)):
                self.assertEqual(self.days(*events), ["2026-10-23", "2026-10-25", "2026-10-27",
                                                      "2026-11-02"], zone)

    def test_the_one_that_is_moved_by_its_moment_in_utc(self):
        rule = event("DTSTART;TZID=Europe/Berlin:20261023T080000", "RRULE:FREQ=DAILY;COUNT=4")
        for name in ("RECURRENCE-ID:20261024T060000Z", "RECURRENCE-ID:20261025T070000Z",
                     "RECURRENCE-ID;VALUE=DATE:20261025"):
            moved = event("DTSTART;TZID=Europe/Berlin:20261102T080000", name)
            gone = f"2026-10-{24 if '1024' in name else 25}"
            days = [f"2026-10-{day}" for day in (23, 24, 25, 26) if f"2026-10-{day}" != gone]
            done = self.run_import(rule + moved, "-o", "json", *RANGE)
            told = [one["days"] for one in json.loads(done.stdout)["events"]]
            self.assertEqual(told, days + ["2026-11-02"], name)

    def test_what_calendars_export_besides_days(self):
        # Google leaves texts empty; Outlook breaks lines without a space; both add alarms.
        whole = event("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20270107", "DESCRIPTION:",
                      "LOCATION:", "SUMMARY:", "X-ALT-DESC;FMTTYPE=text/html:<p>", "not folded",
                      "nor: this", "ATTENDEE;CN=\"Li: Ms\":mailto:li@school.example",
                      "BEGIN:VALARM", "TRIGGER:soon", "ACTION:DISPLAY", "END:VALARM")
        self.assertEqual(self.days(whole), ["2026-12-24/2027-01-06"])
        alone = f"BEGIN:VCALENDAR\r\n{whole}END:VCALENDAR\r\n"
        for content in (alone, "\ufeff" + alone, alone.replace("\r", ""), "\r\n" + alone,
                        alone + alone.replace("202612", "202611"), alone.replace("VEV", "vev")):
            done = self.run_import(content.encode(), *RANGE)
            self.assertIn("2026-12-24/2027-01-06", done.stdout, done.stderr)
            self.assertEqual("2026-11-24" in done.stdout, content.count("VCAL") > 2)
        done = self.run_import(event("DTSTART;TZID=China Standard Time:20261224T090000"), *RANGE)
        self.assertIn("nobody knows the time zone 'China Standard Time'", done.stdout)
        self.assertIn('- "2026-12-24"', done.stdout)

    def test_faults_have_their_line(self):
        first = event("DTSTART;VALUE=DATE:20261001", "SUMMARY:x")
        for lines, line, told in (
                (["SUMMARY:when?"], 8, "DTSTART"),
                (["DTSTART:not a day"], 10, "what stands behind DTSTART is no iCalendar"),
                (["DTSTART:20261001T000000", "RRULE:FREQ=SOMETIMES"], 11, "behind RRULE"),
                (["DTSTART:20261001T000000", "and more"], 11, "begins the line"),
                (["DTSTART;VALUE=DATE:20261005", "DTEND;VALUE=DATE:20261001"], 8, "ends before"),
                (["DTSTART;VALUE=DATE:20261005",
                  "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20261004"], 8, "THISANDFUTURE"),
                (["DTSTART:20261005T000000Z", "RDATE;VALUE=PERIOD:20261006T000000Z/P1D"], 8,
                 "VALUE=PERIOD"),
                (["BEGIN:VALARM"], 11, "ends what did not begin: BEGIN:VALARM of line 10")):
            error = self.refused(first + event(*lines), *RANGE)
            self.assertIn(told, error)
            self.assertIn(f"days.ics:{line}:1", error)
        self.assertIn("days.ics:2:1: BEGIN:VEVENT has no END", self.refused(
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261001\r\n", *RANGE))

    def test_range(self):
        year = event("DTSTART;VALUE=DATE:20260901", "DTEND;VALUE=DATE:20270901")
        self.assertEqual(self.days(year, arguments=("--from", "2027-01-01", "--until", "2027-01-02")),
                         ["2026-09-01/2027-08-31"])
        self.assertIn("no event of the file is among",
                      self.refused(year, "--from", "2028-01-01", "--until", "2028-01-02"))
        self.assertIn("before --from", self.refused(year, "--from", "2028-01-03",
                                                    "--until", "2028-01-02"))
        self.assertIn("2028-13-01", self.refused(year, "--from", "2028-13-01"))

    def test_the_configuration_takes_what_is_printed(self):
        for name in ("public_holidays", "make_up_days", "mid-terms"):
            done = self.run_import(event("DTSTART;VALUE=DATE:20261001", "DTEND;VALUE=DATE:20261008",
                                         "SUMMARY:National\x07 Day: 国庆 # \\n evil: yes") +
                                   event("DTSTART;VALUE=DATE:20261225"),
                                   *RANGE, as_name=name)
            self.assertEqual(done.returncode, 0, done.stderr)
            taken = self.folder / "taken.yaml"
            taken.write_text(CONFIG.format(calendar=done.stdout))
            checked = subprocess.run([SLUICECTL, "config", "check", taken], capture_output=True,
                                     text=True, timeout=30)
            self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_what_is_no_calendar(self):
        whole = event("DTSTART;VALUE=DATE:20261001")
        self.assertIn("BEGIN:VCALENDAR", self.refused(b""))
        self.assertIn("BEGIN:VCALENDAR", self.refused(b"\x00\xff" * 500))
        self.assertIn("BEGIN:VCALENDAR", self.refused(b"<html>please log in</html>"))
        self.assertIn("BEGIN:VCALENDAR", self.refused(whole.encode()))
        self.assertIn("DTSTART", self.refused(event("SUMMARY:when?"), *RANGE))
        self.assertIn("no iCalendar", self.refused(event("DTSTART:not a day"), *RANGE))
        self.assertIn("within a day", self.refused(
            event("DTSTART:20260901T000000Z", "RRULE:FREQ=SECONDLY"), *RANGE))
        self.assertIn("no event", self.refused("", *RANGE))

    def test_what_would_take_all_memory(self):
        sixty = ",".join(map(str, range(60)))
        for rule in ("RRULE", "EXRULE"):
            told = self.refused(event("DTSTART:20261001T000000", "RRULE:FREQ=DAILY;COUNT=3",
                                      f"{rule}:FREQ=DAILY;BYMINUTE={sixty};BYSECOND={sixty}"),
                                *RANGE)
            self.assertIn("comes back within a day", told)
        daily = event("DTSTART;VALUE=DATE:20260901", "RRULE:FREQ=DAILY")
        self.assertIn("more than 100000 events", self.refused(daily * 400, *RANGE))
        depth = 400_000
        told = self.refused(b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * depth +
                            b"END:VEVENT\r\n" * depth + b"END:VCALENDAR\r\n", *RANGE)
        self.assertIn("within more than 16 others", told)

    def test_days_that_are_none(self):
        self.assertIn("a day which is none",
                      self.refused(event("DTSTART;VALUE=DATE:20270230"), *RANGE))
        self.assertIn("after the year 9999",
                      self.refused(event("DTSTART;VALUE=DATE:20261001", "DURATION:P999999999D"),
                                   *RANGE))

    def test_a_title_stays_in_its_line(self):
        done = self.run_import(event("DTSTART;VALUE=DATE:20261001",
                                     "SUMMARY:a\u2028b\u0085c\u2029d\u009be \u4e2d\u00e9"), *RANGE)
        self.assertIn("  abcde \u4e2d\u00e9\n", done.stdout)

    def test_wrong_use_is_told(self):
        whole = event("DTSTART;VALUE=DATE:20261001")
        self.assertIn("no-such", subprocess.run(
            [SLUICECTL, "--config", self.config, "calendar", "import", "no-such", "--as", "x"],
            capture_output=True, text=True, timeout=30).stderr)
        done = self.run_import(whole, as_name="Final Exams: x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("letters", done.stderr)


if __name__ == "__main__":
    unittest.main()
