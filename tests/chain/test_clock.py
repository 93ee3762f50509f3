"""A clock that is set: schedules are worked out anew wherever it goes."""
import os
import subprocess
import unittest.mock

from harness import ChainTest, eventually, main

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  const int code = real(clock, now);
  FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("CLOCK_AHEAD"), "r") : NULL;
  long ahead = 0;
  if (file != NULL && fscanf(file, "%ld", &ahead) == 1) now->tv_sec += ahead;
  if (file != NULL) fclose(file);
  return code;
}
"""


class Clock(ChainTest):
    def setUp(self):
        super().setUp()
        self.ahead = self.folder / "ahead"
        self.ahead.write_text("0")
        shim = self.folder / "shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, "-x", "c", "-", "-ldl"],
                       input=SHIM, text=True, check=True)
        self.authority.add("play.example", category="games", order="PR-1")
        self.authority.release()
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts", blocked="gambling")
        text = self.box.config.read_text().replace(
            "block: [gambling]",
            "block: [gambling], hours: [{categories: [games], not_during: school}]")
        self.box.config.write_text(
            text + "schedules: {school: [{days: [workdays], from: '08:00', until: '16:00'}]}\n")
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        preload = unittest.mock.patch.dict(os.environ, LD_PRELOAD=str(shim),
                                           CLOCK_AHEAD=str(self.ahead), ASAN_OPTIONS=asan)
        preload.start()
        self.addCleanup(preload.stop)

    def is_worked_out(self):
        return "holds" in self.ctl("explain", "play.example")["hours"][0]

    def test_clock_that_is_set_back(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.assertTrue(self.is_worked_out())
        self.box.stop()
        # A pull that comes by would hide what the clock alone does.
        self.box.config.write_text("".join(
            line for line in self.box.config.read_text().splitlines(True) if "url:" not in line))
        self.ahead.write_text(str(400 * 86400))  # no battery, or a wrong one
        self.box.start()
        eventually(lambda: not self.is_worked_out())  # sluicectl's time() is the right one
        self.ahead.write_text("0")
        eventually(self.is_worked_out, 45)


if __name__ == "__main__":
    main()
