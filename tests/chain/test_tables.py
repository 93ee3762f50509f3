"""Tables of names with their notices, and what people are told."""
import datetime
import json
import os
import pty
import subprocess

from harness import BIN, ChainTest, eventually, main


class Tables(ChainTest):
    HEAD = "name,category,order,authority,legal_basis,expires,match\n"

    def table(self, text, *more, check=True):
        file = self.folder / "table.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.authority.run("import", file, "--format", "csv", *more, check=check)

    def test_each_name_under_its_own_notice(self):
        told = self.table("\ufeff" + self.HEAD +
                          'a.example,gambling,P-1,"Bureau, 3rd office","Act ""12""",,\r\n'
                          "b.example,gambling,P-1,\"Bureau, 3rd office\",\"Act \"\"12\"\"\",,exact\n"
                          "c.example,games,N-7,Press,,2027-01-01,\n"
                          "A.EXAMPLE,gambling,P-1,\"Bureau, 3rd office\",\"Act \"\"12\"\"\",,\n"
                          "\n"
                          "bücher.example,fraud,P-2,,,,\n"
                          "https://d.example/page,gambling,P-1,\"Bureau, 3rd office\",\"Act \"\"12\"\"\",,\n"
                          "192.0.2.1,fraud,P-2,,,,\n"
                          "test,fraud,P-2,,,,\n"
                          "e.example,gambl,P-1,,,,\n"
                          "f.example,ads,P-1,,,,\n"
                          "g.example,fraud,,,,,\n"
                          "h.example,fraud,P-2,,,,all\n"
                          "i.example,games,N-7,Another,,2027-01-01,\n"
                          "j.example,fraud,P-3,,,2035-01-01,\n"
                          "k.example,fraud,P-2,,,,,extra\n"
                          'l.example,fraud,P-4,"two\nlines",,,\n').stdout
        self.assertIn("read 16, accepted 4, 1 given twice, 11 rejected", told)
        for line in ("police: 3 added", "press: 1 added", "1 name: ", "'gambl' is no category",
                     "'ads' is no category", "no order is named", "'all' is not tree, exact or subs",
                     "an earlier row says another thing of the order N-7", "longer than two years",
                     "has a control character", "more fields than the first row names", "table.csv:8"):
            self.assertIn(line, told)
        names = (self.authority.folder / "lists/police/names.tsv").read_text()
        self.assertIn("b.example\texact\t1\n", names)
        self.assertIn("xn--bcher-kva.example\ttree\t2\n", names)
        self.assertNotIn("d.example", names)
        order = json.loads((self.authority.folder / "lists/police/orders.jsonl").read_text().splitlines()[1])
        self.assertEqual((order["authority"], order["legal_basis"], order["order"]),
                         ("Bureau, 3rd office", 'Act "12"', "P-1"))
        self.authority.release()
        box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        box.start()
        eventually(lambda: box.status()["generation"] == 1)
        self.assertEqual(box.status()["entries"], 6)

    def test_options_stand_for_what_the_table_leaves_out(self):
        self.table("name\na.example\n", "--category", "games", "--order", "N-1", "--match", "exact")
        self.assertEqual((self.authority.folder / "lists/press/names.tsv").read_text(),
                         "a.example\texact\t0\n")

    def test_tables_that_are_none_change_nothing(self):
        draft = self.authority.folder / "lists/police/names.tsv"
        before = draft.read_text()
        row = "a.example,fraud,P-1,,,,\n"
        for text, reason in (("", "names no column 'name'"),
                             ("host,category\n", "the column 'host' means nothing here"),
                             ("name,name\n", "is there twice"),
                             (self.HEAD + row + '"b.example,fraud\n', "a quoted field does not end"),
                             (self.HEAD + row + 'b"c.example,fraud,P-1\n', "a quote stands within"),
                             (self.HEAD + row + "x" * 5000 + "\n", "a field is too long"),
                             (self.HEAD + row + "," * 70 + "\n", "too many fields"),
                             (self.HEAD.encode() + row.encode() + b"\xff\xfe\0\n", None)):
            done = self.table(text, check=reason is None)
            if reason is not None:
                self.assertNotEqual(done.returncode, 0, reason)
                self.assertIn(reason, done.stderr)
                self.assertEqual(draft.read_text(), before)
            else:
                self.assertIn("1 rejected", done.stdout)

    def test_names_of_plain_lists_need_a_notice(self):
        file = self.folder / "plain.txt"
        file.write_text("a.example\n")
        self.assertIn("names need --category and --order",
                      self.authority.run("import", file, check=False).stderr)


class Telling(ChainTest):
    def test_categories_in_both_languages(self):
        told = self.authority.run("categories").stdout
        self.assertRegex(told, r"  8  police +gambling 赌博\n")
        self.assertIn("    gambling 赌博: 2\n", self.authority.run("status").stdout)

    def test_progress_is_for_terminals_only(self):
        file = self.folder / "table.csv"
        file.write_text("name\n" + "".join(f"n{i}.example\n" for i in range(3000)))
        command = [str(c) for c in (BIN / "sluice-authority", "--dir", self.authority.folder, "import",
                                    file, "--format", "csv", "--category", "games", "--order", "N-1")]
        mine, theirs = pty.openpty()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=60)
        os.close(theirs)
        shown = os.read(mine, 65536).decode()
        os.close(mine)
        self.assertRegex(shown, r"reading table.csv \[ *\] +0 %")
        self.assertIn("accepted 3000", done.stdout)
        quiet = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(quiet.stderr, "")


class DueNotices(ChainTest):
    def day(self, days):
        return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days)).strftime("%F")

    def due(self, *more):
        return self.authority.run("due", *more).stdout.splitlines()

    def test_what_comes_soon(self):
        self.assertIn("nothing until", self.due()[0])
        for name, order, extra in (
                ("a.example", "E-1", ["--expires", self.day(10)]),
                ("b.example", "R-1", ["--review-by", self.day(5), "--expires", self.day(20)]),
                ("c.example", "R-2", ["--review-by", self.day(-3)]),
                ("d.example", "R-3", ["--review-by", self.day(60)]),
                ("e.example", "R-4", ["--review-by", self.day(2)]),
                ("f.example", "O-1", ["--effective", self.day(-40), "--expires", self.day(-1)])):
            self.authority.add(name, order=order, extra=extra)
        self.authority.add("g.example", order="R-1")
        # An order without names, and one that was withdrawn, wait for nobody.
        self.authority.run("remove", "e.example")
        told = self.due()
        self.assertEqual([line.split()[:4] for line in told], [
            [self.day(-3) + "T00:00:00Z", "OVERDUE", "police", "R-2"],
            [self.day(-1) + "T00:00:00Z", "ENDED", "police", "O-1"],
            [self.day(5) + "T00:00:00Z", "review", "police", "R-1"],
            [self.day(10) + "T00:00:00Z", "ends", "police", "E-1"],
            [self.day(20) + "T00:00:00Z", "ends", "police", "R-1"]])
        self.assertTrue(told[2].endswith("gambling 赌博  2 names"), told)
        self.assertTrue(told[3].endswith("1 name"), told)
        self.assertEqual(len(self.due("--days", "7")), 3)
        self.assertEqual(len(self.due("--days", "0")), 2)
        self.assertEqual(len(self.due("--days", "61")), 6)
        file = self.authority.folder / "lists/police/orders.jsonl"
        lines = file.read_text().splitlines(keepends=True)
        [at] = [i for i, line in enumerate(lines) if "R-2" in line]
        lines[at] = lines[at].replace('"active"', '"withdrawn"')
        file.write_text("".join(lines))
        self.assertNotIn("R-2", "".join(self.due()))
        # A day that people wrote wrongly hides none of the others.
        [at] = [i for i, line in enumerate(lines) if "R-3" in line]
        lines[at] = lines[at].replace(self.day(60), "soon")
        file.write_text("".join(lines))
        told = self.due()
        self.assertIn(f"orders.jsonl:{at + 1}: review_by is no day: soon", told[0])
        self.assertEqual(len(told), 5)

    def test_days_that_are_none(self):
        before = (self.authority.folder / "lists/police/orders.jsonl").read_bytes()
        told = self.authority.run("add", "a.example", "--category", "gambling", "--order", "R-9",
                                  "--review-by", "soon", check=False)
        self.assertEqual(told.returncode, 1)
        self.assertIn("review_by", told.stderr)
        self.assertEqual((self.authority.folder / "lists/police/orders.jsonl").read_bytes(), before)
        self.assertNotEqual(self.authority.run("due", "--days", "-1", check=False).returncode, 0)


if __name__ == "__main__":
    main()
