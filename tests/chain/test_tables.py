"""Tables of names with their notices, and what people are told."""
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


if __name__ == "__main__":
    main()
