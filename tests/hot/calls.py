#!/usr/bin/python3
"""What the data path may call: nothing that allocates, locks, logs, throws or asks the kernel.

    calls.py PROGRAM

Disassembles the program as it was linked, follows every call and jump from the worker's loop, and
holds what leaves our code against ALLOWED, which says why. Calls through pointers end the way: who
makes them is in INDIRECT, and steady.py watches what lies behind them while frames pass.
"""
import bisect
import collections
import re
import subprocess
import sys
import unittest

ROOT = "sluice::worker::Worker::run()"

# Of the C and C++ runtimes, LMDB, OpenSSL and DPDK. A pattern, and why; where only some of our own
# functions may call it, a pattern of those.
ALLOWED = (
    (r"mem(cpy|move|set|cmp|chr)|__mem(cpy|move|set)_chk|strlen", "pure", None),
    (r"__stack_chk_fail|__chk_fail", "ends the process: a buffer was overrun", None),
    (r"_Unwind_Resume", "only behind a throw, and nothing throws", None),
    (r"std::__throw_out_of_range_fmt", "string_view::substr() behind its end: ends the process",
     r"sluice::(name|inspect|act|pipeline)::|string_view<.*>::substr\("),
    (r"poll", "waits for the next frame where there was none for long", r"Worker::wait"),
    (r"nanosleep", "likewise", r"Worker::idle"),
    (r"rte_rcu_qsbr_thread_(un)?register", "at start and end", r"Worker::run"),
    (r"rte_eth_call_[rt]x_callbacks", "nobody adds any", r"Worker::(receive|send)"),
    (r"rte_get_tsc_hz", "a constant by now", None),
    (r"rte_pktmbuf_free_bulk", "to the lcore's cache of buffers", r"sluice::worker::"),
    (r"__rte_panic", "ends the process: a pool of a kind that was never made", None),
    (r"mdb_cursor_get", "reads the map: a read transaction's cursor allocates and locks nothing",
     r"sluice::generation::Cursor::"),
    (r"SHA256_Transform", "pure; where the processor has no SHA", r"sha256_portable|compress_elsewhere"),
)

# Our functions that call through a pointer, and whose.
INDIRECT = (
    (r"sluice::worker::Worker::(receive|send)", "the port's driver"),
    (r"sluice::worker::Worker::emit|rte_pktmbuf_(free|detach)", "the buffers' pool"),
    (r"sluice::inspect::quic::(Crypto|Opener)::|Pipeline::close_quic",
     "Intel's library, by what the processor can do"),
    (r"std::__find_if<char const\*.*_Iter_negate<bool \(\*\)\(char\)>", "a predicate of HTTP's own"),
)

_FUNCTION = re.compile(r"([0-9a-f]+) <(.*)>:$")
_INSTRUCTION = re.compile(r"\s+([0-9a-f]+):\s+(?:bnd |notrack )*(\S+)\s*(.*)$")
_TARGET = re.compile(r"([0-9a-f]+) <")
_PLT = re.compile(r"(.*)@plt$")


class CallGraph:
    """Functions by index: whom each calls or jumps to, and its calls through pointers."""

    def __init__(self, disassembly, sizes):
        """`sizes`: of functions by address. What stands behind one without a name, as the linker
        leaves some, is no part of it."""
        starts, self.names, bodies = [], [], []
        end = None
        for line in disassembly.splitlines():
            if found := _FUNCTION.match(line):
                starts.append(int(found[1], 16))
                self.names.append(found[2])
                bodies.append([])
                end = starts[-1] + sizes[starts[-1]] if starts[-1] in sizes else None
            elif bodies and (found := _INSTRUCTION.match(line)):
                at, operation, operand = int(found[1], 16), found[2], found[3]
                if end is not None and at >= end:
                    starts.append(at)
                    self.names.append(f"what is behind {self.names[-1]}")
                    bodies.append([])
                    end = None
                if operation.startswith("j") or operation in ("call", "syscall", "sysenter"):
                    bodies[-1].append((operation, operand))
        self.calls = collections.defaultdict(set)
        self.pointers = collections.defaultdict(set)
        for at, body in enumerate(bodies):
            for operation, operand in body:
                if found := _TARGET.match(operand):
                    to = bisect.bisect_right(starts, int(found[1], 16)) - 1
                    if to != at:
                        self.calls[at].add(to)
                # A jump to what a register holds is a switch.
                elif operation.startswith("sys") or not operand.startswith("*%") \
                        or operation == "call":
                    self.pointers[at].add(f"{operation} {operand}".strip())

    def reach(self, root):
        """{function: one that calls it} from there on; what is of libraries ends the way."""
        found = {at: None for at, name in enumerate(self.names) if name == root}
        queue = collections.deque(found)
        while queue:
            at = queue.popleft()
            if _PLT.match(self.names[at]):
                continue
            for to in self.calls[at]:
                if to not in found:
                    found[to] = at
                    queue.append(to)
        return found

    def way_to(self, found, at):
        names = []
        while at is not None:
            names.append(re.sub(r"\(.*", "", self.names[at].replace("(anonymous namespace)", "")))
            at = found[at]
        return " > ".join(reversed(names))


def faults(graph, root):
    found = graph.reach(root)
    if len(found) < 100:
        return [f"only {len(found)} functions are reached from {root}: it is not what it was"]
    out = []
    for at in found:
        name = graph.names[at]
        if library := _PLT.match(name):
            callers = [graph.names[by] for by in found if at in graph.calls[by]]
            rules = [rule for rule in ALLOWED if re.fullmatch(rule[0], library[1].split("(")[0])]
            for caller in callers:
                if not any(who is None or re.search(who, caller) for _, _, who in rules):
                    out.append(f"{library[1]} is called by {caller}\n    {graph.way_to(found, at)}")
        elif graph.pointers[at] and not any(re.search(who, name) for who, _ in INDIRECT):
            out.append(f"{name} makes {', '.join(sorted(graph.pointers[at]))}\n"
                       f"    {graph.way_to(found, at)}")
    return sorted(out)


def disassemble(program):
    return subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", "--demangle", program],
                          capture_output=True, text=True, check=True).stdout


def sizes_of(program):
    listing = subprocess.run(["nm", "--print-size", "--defined-only", program],
                             capture_output=True, text=True, check=True).stdout
    return {int(found[1], 16): int(found[2], 16) for found in re.finditer(
        r"^([0-9a-f]+) ([0-9a-f]+) [tTwWuV] ", listing, re.MULTILINE)}


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.graph = CallGraph(disassemble(PROGRAM), sizes_of(PROGRAM))

    def test_the_workers_loop_calls_nothing_that_waits(self):
        self.assertEqual("\n".join(faults(self.graph, ROOT)), "")

    def test_what_loads_a_generation_would_be_found_out(self):
        root = next(name for name in self.graph.names
                    if re.fullmatch(r"sluice::gateway::Gateway::load\([^)]*\)", name))
        text = "\n".join(faults(self.graph, root))
        for name in ("operator new", "operator delete", "mdb_env_open"):
            self.assertIn(name, text)

    def test_no_call_is_looked_up_when_it_is_first_made(self):
        dynamic = subprocess.run(["readelf", "--dynamic", "--wide", PROGRAM], capture_output=True,
                                 text=True, check=True).stdout
        self.assertRegex(dynamic, r"\bNOW\b")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2)
