"""A district of two schools for district_test: its configuration, its devices, and days of them with
what each device has to get, worked out by hand from DESIGN.md section 5.
"""

POLICIES = """\
  city: {block: [gambling, pornography], ech: withhold, watch: [ads]}
  school-a:
    under: city
    block: [fraud, encrypted-dns, proxy]
    safe_search: strict
    encrypted_dns_ports: refuse
    hours:
      - {categories: [games], only_during: play}
      - {categories: [social], not_during: lessons}
      - {categories: [video, live], not_during: night, at_boundary: cut}
  school-b: {under: city, block: defaults, safe_search: moderate}
  class-7b: {under: school-a, block: [novels], budgets: [chat],
             hours: [{categories: [social], not_during: exam-days}]}
  child: {under: class-7b, block: [video],
          hours: [{categories: [novels, games], not_during: sunday-late}]}
  study: {under: school-a, only: {lists: [lessons]}}
  exam: {block: defaults, only: {lists: [papers], without_name: refuse}}
  young: youth
"""
MORE = """\
calendar:
  time_zone: Asia/Shanghai
  holidays: [cn-2026]
  public_holidays: [2027-02-06/2027-02-12]
  make_up_days: ["2027-02-14"]
  dates: {{exams: [2027-01-11/2027-01-15]}}
  day_begins: "04:00"
schedules:
  play: cn-minors-games-2021
  lessons:
    - {{days: [workdays], except: [exams], from: "08:00", until: "12:00"}}
    - {{days: [workdays], except: [exams], from: "14:00", until: "17:00"}}
  night: [{{days: [every-day], from: "22:00", until: "06:00"}}]
  exam-days: [{{days: [exams], from: "07:30", until: "18:00"}}]
  sunday-late: [{{days: [sunday], from: "23:00", until: "01:00"}}]
curated:
  lessons: {{names: [smartedu.example, library.example], needs: [cdn.example],
            except: [game.smartedu.example]}}
  papers: {{names: [exam.example]}}
budgets: {{chat: {{categories: [social], minutes_a_day: 2}}}}
modes: {{study: study, exam: exam, youth: young}}
search_engines: {{campus: {{names: [search.campus.example], strict: safe.campus.example}}}}
layers:
  parents: {{file: {folder}/parents.yaml, owner: Parents of 7b, groups: [class-7b]}}
  li: {{file: {folder}/li.yaml, owner: Ms Li, groups: [readers]}}
"""
GROUPS = """\
groups:
  teachers: {policy: teachers, prefixes: [10.7.0.0/20, "2001:db8:7::/56"]}
  class-7b: {policy: class-7b, prefixes: [10.9.0.0/16@100.7, 10.7.7.0/24, "2001:db8:7:7::/64"],
             vlans: [{outer: 100, inner: 7}]}
  school-b: {policy: school-b, prefixes: [10.9.0.0/16], vlans: [{outer: 100}, {outer: 200}]}
  child: {policy: child, macs: ["02:00:5e:00:00:31"]}
  youngsters: {policy: young, macs: ["02:00:5e:00:00:41"]}
  readers: {policy: study, macs: ["02:00:5e:00:00:61"]}
default_policy: school-b
"""
PARENTS = """\
block: [ads]
schedules: {homework: [{days: [workdays], from: "17:00", until: "19:00"}]}
hours: [{categories: [games, video], not_during: homework}]
budgets: {play: {categories: [games], minutes_a_day: 1}}
"""
TEACHERS = """\
curated: {week: {names: [www.smartedu.example, news.example]}}
only: {lists: [week], categories: [novels]}
"""
USED_UP = {"chat.example": "chat", "play.example": "layer/parents/play"}
SIGNED = "province: {owner: Education Department, block: [superstition]}\n"
LISTED = {
    "gambling": ["casino.example"], "terror": ["terror.example"], "fraud": ["scam.example"],
    "games": ["play.example", "mixed.example"], "video": ["clips.example", "mixed.example"],
    "live": ["stream.example"], "novels": ["story.example", "tales.library.example"], "superstition": ["oracle.example"],
    "popup": ["pop.example"]}
OWN = {"social": "chat.example", "ads": "ads.example", "proxy": "vpn.example"}  # the site's

# Group, the last octet of the MAC address, address, VLANs.
TEACHER = ("teachers", 0x01, "10.7.1.5", ())
TEACHER6 = ("teachers", 0x01, "2001:db8:7:1::5", ())
PUPIL = ("class-7b", 0x11, "10.7.7.9", ())
PUPIL6 = ("class-7b", 0x11, "2001:db8:7:7::9", ())
PLACED = ("class-7b", 0x12, "10.9.3.4", (100, 7))     # by a prefix in a VLAN
PAIR = ("class-7b", 0x13, "172.16.0.9", (100, 7))     # by QinQ
SAME = ("school-b", 0x21, "10.9.3.4", ())             # PLACED's address, elsewhere
TAGGED = ("school-b", 0x22, "172.16.0.10", (200,))
OUTER = ("school-b", 0x23, "172.16.0.11", (100, 8))
CHILD = ("child", 0x31, "10.7.7.30", ())
AWAY = ("child", 0x31, "10.7.1.31", ())               # where teachers are
YOUNG = ("youngsters", 0x41, "10.9.9.9", ())
READER = ("readers", 0x61, "10.9.1.61", ())           # studies, under a teacher's list
STRANGER = ("default", 0x51, "192.168.9.9", ())

# From each moment on: modes that are switched then; and who asks for what, to what end.
DAYS = [
    ("2026-12-04T07:50", [], [  # a Friday, before lessons
        (PUPIL, "www.news.example", "pass", "not-listed"),
        (PUPIL, "www.casino.example", "block", "category"),       # the city's
        (TEACHER, "www.casino.example", "pass", "listed-only"),   # under nobody
        (TEACHER6, "terror.example", "block", "mandatory"),
        (TEACHER6, "a.oracle.example", "block", "category"),      # the province's, for everybody
        (PUPIL, "chat.example", "pass", "listed-only"),
        (PUPIL6, "story.example", "block", "category"),
        (PLACED, "story.example", "block", "category"),
        (PAIR, "story.example", "block", "category"),
        (SAME, "story.example", "pass", "listed-only"),
        (TAGGED, "story.example", "pass", "listed-only"),
        (OUTER, "scam.example", "block", "category"),
        (AWAY, "casino.example", "block", "category"),            # a MAC address comes first
        (PUPIL, "clips.example", "pass", "listed-only"),
        (CHILD, "clips.example", "block", "category"),
        (PUPIL, "vpn.example", "block", "category"),
        (PUPIL, "ads.example", "block", "category"),              # the parents'
        (CHILD, "ads.example", "log", "watched"),                 # of another group
        (PUPIL, "www.google.com", "rewrite", "safe-search"),
        (SAME, "www.youtube.com", "rewrite", "safe-search"),
        (PUPIL, "search.campus.example", "rewrite", "safe-search"),
        (TEACHER, "www.google.com", "pass", "not-listed"),
        (STRANGER, "pop.example", "block", "category"),
        (READER, "www.smartedu.example", "pass", "curated"),      # on both lists
        (READER, "www.library.example", "block", "not-curated"),  # on the school's alone
        (READER, "www.news.example", "block", "not-curated"),     # on the teacher's alone
        (READER, "tales.library.example", "pass", "curated"),     # by the list and by the category
        (READER, "story.example", "block", "not-curated"),        # by the category alone
        (YOUNG, "play.example", "block", "category"),
        (PUPIL, "mixed.example", "block", "category")]),
    ("2026-12-04T08:00", [], [
        (PUPIL6, "chat.example", "block", "category"), (SAME, "chat.example", "pass", "listed-only")]),
    ("2026-12-04T10:00", ["set class-7b study --until 2026-12-04T10:45"], [
        (PUPIL, "www.smartedu.example", "pass", "curated"),
        (PUPIL, "x.game.smartedu.example", "block", "not-curated"),
        (PLACED, "static.cdn.example", "pass", "curated"),
        (PUPIL6, "www.news.example", "block", "not-curated"),
        (PUPIL, "casino.example", "block", "category"),
        (PAIR, "www.google.com", "block", "not-curated"),
        (PUPIL, "ads.example", "block", "category"),              # no mode lifts the parents'
        (CHILD, "www.news.example", "pass", "not-listed")]),
    ("2026-12-04T10:45", [], [
        (PUPIL, "www.news.example", "pass", "not-listed"),
        (PUPIL, "www.google.com", "rewrite", "safe-search")]),
    ("2026-12-04T12:00", [], [(PUPIL6, "chat.example", "pass", "listed-only")]),
    ("2026-12-04T17:30", [], [                                    # homework, the parents say
        (PUPIL, "clips.example", "block", "category"),
        (SAME, "clips.example", "pass", "listed-only"),
        (PUPIL, "chat.example", "block", "budget"),               # two minutes, over both families
        (PAIR, "chat.example", "pass", "listed-only")]),
    ("2026-12-04T20:00", [], [
        (PUPIL, "play.example", "pass", "listed-only"), (YOUNG, "play.example", "pass", "listed-only"),
        (CHILD, "mixed.example", "block", "category")]),          # games pass; it is video as well
    ("2026-12-04T20:30", [], [
        (PUPIL, "play.example", "block", "budget"),               # the parents give a minute
        (PAIR, "play.example", "pass", "listed-only")]),
    ("2026-12-04T21:00", [], [
        (PUPIL, "play.example", "block", "category"), (YOUNG, "play.example", "block", "category")]),
    ("2026-12-04T22:00", [], [
        (PUPIL, "stream.example", "block", "category"), (SAME, "stream.example", "pass", "listed-only"),
        (YOUNG, "chat.example", "block", "category")]),
    ("2026-12-05T05:59", [], [(PUPIL, "clips.example", "block", "category")]),
    ("2026-12-05T10:00", [], [                                    # a Saturday, and another day's minutes
        (PUPIL, "clips.example", "pass", "listed-only"), (PUPIL, "chat.example", "pass", "listed-only")]),
    ("2026-12-07T00:59", [], [(CHILD, "story.example", "block", "category")]),
    ("2026-12-07T20:30", [], [(PUPIL, "play.example", "block", "category")]),  # a Monday
    ("2027-01-11T13:00", [], [                                    # exams: the class's rule, no lessons
        (PUPIL, "chat.example", "block", "category"), (SAME, "chat.example", "pass", "listed-only")]),
    ("2027-01-12T09:00", ["set class-7b exam --until 2027-01-12T11:00"], [
        (PUPIL, "www.exam.example", "pass", "curated"),
        (PUPIL, "www.smartedu.example", "block", "not-curated"),
        (PUPIL, "scam.example", "block", "category")]),
    ("2027-02-08T09:00", ["set 02:00:5e:00:00:11 pause --until 2027-02-08T09:30",
                          "set 02:00:5e:00:00:12 youth --until 2027-02-08T09:30",
                          "set class-7b youth --until 2027-02-08T10:00"], [  # a holiday Monday
        (PUPIL6, "www.smartedu.example", "block", "paused"),
        (PAIR, "story.example", "pass", "listed-only"),           # youth in place of the class's own
        (PAIR, "scam.example", "block", "category"),
        (PLACED, "ads.example", "block", "category"),             # a device's mode lifts no parents'
        (PLACED, "chat.example", "pass", "listed-only")]),
    ("2027-02-08T20:30", [], [(PUPIL, "play.example", "pass", "listed-only")]),
    ("2027-02-14T09:00", ["set 02:00:5e:00:00:12 youth --until 2027-02-14T09:30"], [
        (PUPIL, "chat.example", "block", "category"),             # a Sunday with lessons
        (PLACED, "chat.example", "block", "category")]),          # the school's, above the mode
    ("2027-02-14T20:30", [], [(PUPIL, "play.example", "block", "category")]),
]
