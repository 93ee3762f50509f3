"""Programs that the lab runs: each with its log, ended by its pid and with the lab itself."""
import ctypes
import pathlib
import signal
import subprocess
import time

PATIENCE = 10.0  # seconds; everything here is ready well before, also on a busy machine

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class LabError(Exception):
    """What went wrong, for a person."""


def run(*argv, timeout=60.0, check=True, **options):
    """Runs to the end; output is returned as text."""
    try:
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True,
                              timeout=timeout, check=False, **options)
    except FileNotFoundError as error:
        raise LabError(f"the program {error.filename} is missing; run ./sluice setup") from error
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(map(str, argv))}: exit code {done.returncode}: "
                       f"{(done.stderr or done.stdout).strip()}")
    return done


def wait_until(what, condition, patience=PATIENCE, interval=0.02):
    """The first true answer of `condition`; a LabError after `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {patience:g} s")
        time.sleep(interval)


class Process:
    """A program in the background. Dies with the lab, even where the lab is killed: by the signal
    `at_our_death`, which for a program that may be stopped meanwhile has to be SIGKILL."""

    def __init__(self, name, argv, log: pathlib.Path, at_our_death=signal.SIGTERM):
        self.name = name
        self.log = log
        with open(log, "ab") as output:
            try:
                # pylint: disable=subprocess-popen-preexec-fn
                self._popen = subprocess.Popen(
                    [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, start_new_session=True,
                    preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, at_our_death))
            except FileNotFoundError as error:
                raise LabError(f"the program {error.filename} is missing; run ./sluice setup") \
                    from error

    @property
    def pid(self):
        return self._popen.pid

    def alive(self):
        return self._popen.poll() is None

    def kill(self, number=signal.SIGKILL):
        """Sends a signal and waits for the end."""
        if self.alive():
            self._popen.send_signal(number)
        return self._popen.wait(PATIENCE)

    def stop(self):
        """Asks it to end; insists after a while."""
        if self.alive():
            self._popen.terminate()
        try:
            return self._popen.wait(5)
        except subprocess.TimeoutExpired:
            return self.kill()

    def tail(self, lines=15):
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"  {self.name}: {line}" for line in text[-lines:])

    def wait_until(self, what, condition, patience=PATIENCE):
        """Like wait_until(), but gives up at once when the program ends."""
        def ask():
            answer = condition()
            if not answer and not self.alive():
                raise LabError(f"{self.name} ended with {self._popen.returncode}\n{self.tail()}")
            return answer
        try:
            return wait_until(f"{self.name}: {what}", ask, patience)
        except LabError as error:
            if self.alive():
                raise LabError(f"{error}\n{self.tail()}") from error
            raise
