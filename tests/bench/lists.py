"""Names to list and names to ask for: real ones out of ../shared/lists, and beyond those names made
by a generator that always makes the same ones. No name is ever resolved or visited: they only stand
in frames and in lists.

Files are made once and kept in the cache folder; their names carry what they depend on.
"""
import itertools
import lzma
import pathlib
import random
import re
import tarfile

from tests.lab.process import LabError

SEED = 20260822
SCALE_LIST = "tb0hdan-scale-list-3.77m.txt.xz"
MISS_LIST = "tb0hdan-scale-miss-0.5m.txt.xz"
ARCHIVES = (("ut1-2026-08-17.tar.xz", re.compile(r"ut1/[^/]+/domains$")),
            ("shadowwhisperer-2026-08-22.tar.xz", re.compile(r"shadowwhisperer/[A-Z]\w+$")),
            ("bonappetit-porn-2023-02-26.tar.xz", re.compile(r"bonappetit/block-2023.*\.txt$")))
NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
SYLLABLES = ("ka", "lo", "mi", "ne", "pu", "ra", "so", "ti", "ve", "xo", "bet", "win", "max", "top")
ENDINGS = ("com", "net", "org", "info", "cn", "com.cn", "ru", "de", "co.uk", "top", "xyz", "vip")


def generated():
    """Names without end, the same ones each time; of 3 to 5 syllables and a number."""
    choose = random.Random(SEED)
    for number in itertools.count():
        word = "".join(choose.choices(SYLLABLES, k=choose.randint(3, 5)))
        yield f"{word}-{number:x}.{choose.choice(ENDINGS)}"


def is_name(text):
    return len(text) <= 253 and NAME.fullmatch(text) is not None


def _lines(folder, archive, pattern):
    with tarfile.open(folder / archive) as tar:
        for member in tar:
            if member.isfile() and pattern.search(member.name):
                for line in tar.extractfile(member):
                    yield line.decode("ascii", "replace").strip().lower()


class Names:
    def __init__(self, shared: pathlib.Path, cache: pathlib.Path):
        self.shared = shared
        self.cache = cache
        cache.mkdir(parents=True, exist_ok=True)

    def _open(self, name):
        path = self.shared / name
        if not path.exists():
            raise LabError(f"the list {path} is missing; say with --lists where it is")
        return path

    def _misses(self):
        """The names that stand in no list, by the list's own claim."""
        with lzma.open(self._open(MISS_LIST), "rt") as file:
            return [line.strip() for line in file if is_name(line.strip())]

    def _pool(self):
        """Every real listed name, shuffled, so that the first N of them are a fair sample."""
        path = self.cache / "pool.txt"
        if not path.exists():
            names = set()
            with lzma.open(self._open(SCALE_LIST), "rt") as file:
                names.update(line.strip() for line in file)
            for archive, pattern in ARCHIVES:
                self._open(archive)
                names.update(_lines(self.shared, archive, pattern))
            misses = set(self._misses())
            parents = {miss.split(".", depth)[-1] for miss in misses
                       for depth in range(1, miss.count(".") + 1)}
            kept = sorted(name for name in names - misses - parents if is_name(name))
            random.Random(SEED).shuffle(kept)
            write(path, kept)
        return path

    def listed(self, count):
        """A file of `count` names; those of a shorter one are the first of every longer one."""
        path = self.cache / f"listed-{count}.txt"
        if not path.exists():
            with open(self._pool(), encoding="ascii") as file:
                real = (line.rstrip("\n") for line in file)
                write(path, itertools.islice(itertools.chain(real, generated()), count))
        return path

    def sample_listed(self, count, of):
        """`count` names out of the list of `of` names."""
        with open(self.listed(of), encoding="ascii") as file:
            names = [line.rstrip("\n") for line in file]
        return random.Random(SEED + 1).choices(names, k=count)

    def sample_misses(self, count):
        path = self.cache / "misses.txt"
        if not path.exists():
            names = self._misses()
            random.Random(SEED).shuffle(names)
            write(path, names)
        with open(path, encoding="ascii") as file:
            names = [line.rstrip("\n") for line in file]
        return list(itertools.islice(itertools.cycle(names), count))


def write(path, names):
    """Whole or not at all: an interrupted run leaves no half list to the next one."""
    part = path.with_suffix(".part")
    with open(part, "w", encoding="ascii") as file:
        file.writelines(f"{name}\n" for name in names)
    part.rename(path)


def zipf(names, count, exponent=1.0, seed=SEED):
    """`count` draws, the k-th name with a weight of 1/k^exponent."""
    weights = itertools.accumulate(1 / rank ** exponent for rank in range(1, len(names) + 1))
    return random.Random(seed).choices(names, cum_weights=list(weights), k=count)


def deepen(names, labels, seed=SEED):
    """The names with labels put in front, until each has at least `labels` of them."""
    choose = random.Random(seed)
    out = []
    for name in names:
        missing = max(0, labels - name.count(".") - 1)
        front = ["".join(choose.choices("abcdefghijklmnopqrstuvwxyz", k=4)) for _ in range(missing)]
        out.append(".".join([*front, name]))
    return out
