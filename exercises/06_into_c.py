"""Move the right part into C

The loop below adds up a checksum of a block of bytes. It holds the GIL while it computes: another thread gets its turn
only by asking for it, and takes it from the loop. Write `adler(block)` so that it returns the same number for any
bytes, lets the GIL go by itself for most of its work on a block of 100,000 bytes or more, and goes through the bytes in
no loop of Python.

    low, high = 1, 0
    for byte in block:
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return high << 16 | low
"""

import itertools
import random
import sys
import threading
import time
import zlib
from functools import reduce
from numbers import Integral

from exercises.engine.check import Check
from exercises.kit import shown
from helpers.machine import gil_enabled

LIMIT = 10


def adler(block):
    return zlib.adler32(block)


HINTS = [
    "Which functions of the lesson let the GIL go, and from how many bytes on? Which modules do they live in?",
    "65521 is the largest prime number below 2**16. Which well-known checksum works with that number?",
    "Somebody has put it into C: look among the checksums of the module that compresses, and begin it with 1.",
]


_LARGE = 20_000_000  # bytes: some milliseconds of work


def _blocks():
    some = random.Random(3)
    yield "no byte", b""
    yield "b'a'", b"a"
    yield "b'thread pool'", b"thread pool"
    yield "1,000 times the byte 0", bytes(1_000)
    yield "20,000 times the byte 255", b"\xff" * 20_000
    yield "20,000 bytes at random", some.randbytes(20_000)
    yield "66,001 bytes at random", some.randbytes(66_001)
    yield "300,007 bytes at random", some.randbytes(300_007)


def check(adler):
    for words, block in _blocks():
        same, says = _same(adler, words, block)
        yield same, says
        if not same:
            return

    if gil_enabled():
        for size in (1_000_000, 100_000):
            ran = _steps_beside(adler, bytes(size))
            some = "20 steps or more" if ran >= 20 else f"{ran} steps"
            yield ran >= 20, f"While it worked on {size:,} bytes, again and again, another thread made {some}."
            if ran < 20:
                return
    else:
        yield True, "This Python has no GIL: other threads run whatever the function does."
    for size in (20_000, 600, 60, 50_000):
        what = _singly(adler, random.Random(4).randbytes(size))
        yield what is None, f"Of a block of {size:,} bytes {what or 'no byte was taken singly'}."
        if what is not None:
            return
    if gil_enabled() and hasattr(time, "pthread_getcpuclockid"):
        share = _longest_hold(adler, bytes(_LARGE))
        held = "half or less" if share <= 0.5 else f"{share:.0%}"
        yield share <= 0.5, f"Of its work on {_LARGE:,} bytes it did {held} without letting another thread in."
        if share > 0.5:
            return
    if gil_enabled():
        slept = _only_asleep(adler, bytes(1_000_000))
        yield not slept, f"Another thread got its turn {'only in your time.sleep()' if slept else 'while it worked'}."
    yield _same(adler, f"{_LARGE:,} times the byte 0", bytes(_LARGE))


def _same(adler, words, block):
    right, given = zlib.adler32(block), adler(block)
    same = isinstance(given, Integral) and not isinstance(given, bool) and int(given) == right
    return same, f"For {words} it returned {shown(given, 30)}; the loop gives {right}."


class _Beside:
    """Another thread, which makes `steps` wherever it gets the GIL: only where the answer lets it go by itself.

    `awake`: how many of them came while no other was in time.sleep, as it was `slept` times. `seen`, if `clocked`: the
    others' CPU time at each step.
    """

    def __init__(self, clocked=False):
        self.steps, self.awake, self.seen, self.slept, self._asleep, self._over = 0, 0, [], 0, 0, False
        self._clocked, self._sleep = clocked, time.sleep

    def _step(self):
        while not self._over:
            self.steps += 1
            self.awake += not self._asleep
            if self._clocked:
                self.seen.append(self.others())
            self._sleep(0)

    def others(self):
        """CPU seconds of all threads but this one. They do not grow while the computer is busy with something else."""
        return time.process_time() - time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))

    def _sleep_noted(self, seconds):
        self.slept += 1
        self._asleep += 1
        self._sleep(seconds)
        self._asleep -= 1

    def __enter__(self):
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(6)  # nobody asks for the GIL that soon
        self._thread = threading.Thread(target=self._step, daemon=True)
        self._thread.start()
        while self.steps < 10:
            time.sleep(2 * self._before)  # past the end of every wait for the GIL that began with the old interval
        time.sleep = self._sleep_noted
        return self

    def __exit__(self, *_):
        time.sleep = self._sleep
        sys.setswitchinterval(self._before)
        self._over = True


def _steps_beside(adler, block):
    """How many steps, up to 20, another thread makes while the answer works on `block`, again and again."""
    with _Beside() as other:
        start, patience = other.steps, time.monotonic() + 2
        while other.steps - start < 20 and time.monotonic() < patience:
            adler(block)
        return other.steps - start


def _only_asleep(adler, block):
    """Whether another thread makes its steps only while the answer is in time.sleep, and does not work on `block`."""
    with _Beside() as other:
        start, patience = other.awake, time.monotonic() + 1
        while time.monotonic() < patience:
            adler(block)
            if not other.slept or other.awake > start:
                return False
        return True


def _longest_hold(adler, block):
    """The longest part of its work that the answer does between two steps of another thread, in the best of its calls.

    Work is the CPU time of all threads but that one.
    """
    best, patience = 1.0, time.monotonic() + 1
    with _Beside(clocked=True) as other:
        while best > 0.5 and time.monotonic() < patience:
            other.seen.clear()
            begin = other.others()
            adler(block)
            end = other.others()
            if end - begin < 1e-3:  # it works in another process, and has no GIL to let go
                return 0.0
            marks = [begin, *(min(max(begin, used), end) for used in list(other.seen)), end]
            best = min(best, max(b - a for a, b in itertools.pairwise(marks)) / (end - begin))
    return best


def _singly(adler, block):
    """How the answer went through the bytes in a loop, in Python objects or lines of Python; None if it did not."""
    taken, lines = itertools.count(), itertools.count()
    learners = Check.now.learners
    owns = learners.owns if learners else lambda file, _: True

    class Watched(bytes):
        def __iter__(self):
            for byte in bytes(self):
                next(taken)
                yield byte

        def __getitem__(self, at):
            if not isinstance(at, slice):
                next(taken)
            return super().__getitem__(at)

    def trace(frame, event, _):
        if event in ("call", "line") and frame.f_code not in ours and owns(frame.f_code.co_filename, frame.f_lineno):
            next(lines)
        return trace

    ours, before = (Watched.__iter__.__code__, Watched.__getitem__.__code__), sys.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        adler(Watched(block))
    finally:
        sys.settrace(before)
        threading.settrace(before)
    singly, steps = next(taken), next(lines)
    if singly:
        return f"it took {singly:,} one at a time, each as a Python object"
    return f"Python ran {steps:,} steps of your code, in a loop" if steps >= 40 + len(block) // 64 else None


def wrong_python_loop(block):
    """says: another thread made 0 steps"""
    low, high = 1, 0
    for byte in block:
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return high << 16 | low


def wrong_c_that_keeps_the_gil(block):
    """says: another thread made 0 steps"""
    low = 1 + sum(block)
    high = sum(itertools.accumulate(block, initial=1)) - 1
    return (high % 65521) << 16 | low % 65521


def wrong_python_loop_that_lets_go(block):
    """says: it took 20,000 one at a time, each as a Python object"""
    low, high = 1, 0
    for number, byte in enumerate(block):
        low = (low + byte) % 65521
        high = (high + low) % 65521
        if number % 1000 == 0:
            time.sleep(0)
    return high << 16 | low


def wrong_another_checksum(block):
    """says: For b'a' it returned"""
    return zlib.crc32(block) ^ 1


def wrong_slices_too_small_to_let_go(block):
    """says: another thread made 0 steps"""
    total = 1
    for start in range(0, len(block), 4096):
        total = zlib.adler32(block[start : start + 4096], total)
    return total


def wrong_forgets_the_start(block):
    """says: For no byte it returned 0; the loop gives 1."""
    return zlib.adler32(block, 0)


def wrong_loops_over_a_memoryview(block):
    """says: Of a block of 20,000 bytes Python ran"""
    low, high = 1, 0
    for number, byte in enumerate(memoryview(block)):
        low = (low + byte) % 65521
        high = (high + low) % 65521
        if number % 1000 == 0:
            time.sleep(0)
    return high << 16 | low


def wrong_hides_the_loop_in_reduce(block):
    """says: Of a block of 20,000 bytes Python ran"""

    def add(sums, pair):
        number, byte = pair
        if number % 1000 == 0:
            time.sleep(0)
        low = (sums[0] + byte) % 65521
        return low, (sums[1] + low) % 65521

    low, high = reduce(add, enumerate(memoryview(block)), (1, 0))
    return high << 16 | low


def wrong_forgets_the_remainder(block):
    """says: For 20,000 times the byte 255 it returned"""
    if len(block) > 20_000:
        return zlib.adler32(block)
    low = 1 + sum(block)
    high = sum(itertools.accumulate(block, initial=1)) - 1
    return high << 16 | low


def wrong_gives_the_digits(block):
    """says: For no byte it returned '1'; the loop gives 1."""
    return str(zlib.adler32(block))


def wrong_leaves_out_the_last_block(block):
    """says: For 66,001 bytes at random it returned"""
    size = 1 << 16
    return zlib.adler32(block[: len(block) // size * size] if len(block) > size else block)


def wrong_loops_over_small_blocks(block):
    """says: Of a block of 600 bytes it took 600 one at a time, each as a Python object"""
    if len(block) > 5000:
        return zlib.adler32(block)
    low, high = 1, 0
    for byte in block:
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return high << 16 | low


def _sums(view, low=1, high=0):
    """The sums of a part, in C that keeps the GIL."""
    high += sum(itertools.accumulate(view, initial=low)) - low
    return (low + sum(view)) % 65521, high % 65521


def wrong_lets_go_once_before_it_begins(block):
    """says: Of its work on 20,000,000 bytes it did"""
    time.sleep(0)
    low, high = _sums(memoryview(block))
    return high << 16 | low


def wrong_keeps_the_gil_for_half_a_million_bytes(block):
    """says: While it worked on 100,000 bytes, again and again, another thread made 0 steps"""
    if len(block) >= 500_000:
        return zlib.adler32(block)
    low, high = _sums(memoryview(block))
    return high << 16 | low


def wrong_loops_over_eight_bytes_a_turn(block):
    """says: Of a block of 20,000 bytes Python ran"""
    low, high = 1, 0
    for start in range(0, len(block), 8):
        low, high = _sums(memoryview(block)[start : start + 8], low, high)
        if start % 4096 == 0:
            time.sleep(0)
    return high << 16 | low


def wrong_leaves_out_what_is_beyond_66_001_bytes(block):
    """says: For 300,007 bytes at random it returned"""
    return zlib.adler32(block[:66_001])


def wrong_keeps_the_gil_in_another_thread(block):
    """says: Of its work on 20,000,000 bytes it did"""
    sums = []
    thread = threading.Thread(target=lambda: sums.extend(_sums(memoryview(block))))
    thread.start()
    thread.join()
    return sums[1] << 16 | sums[0]


def wrong_lets_go_between_parts_alone(block):
    """says: Another thread got its turn only in your time.sleep()."""
    low, high = 1, 0
    for start in range(0, len(block), 20_000):
        low, high = _sums(memoryview(block)[start : start + 20_000], low, high)
        time.sleep(0)
    return high << 16 | low


def wrong_loops_over_a_hundred_bytes(block):
    """says: Of a block of 60 bytes Python ran"""
    if len(block) > 100:
        return zlib.adler32(block)
    low, high = 1, 0
    for byte in memoryview(block):
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return high << 16 | low


def wrong_loops_below_100_000_bytes(block):
    """says: Of a block of 50,000 bytes it took 50,000 one at a time, each as a Python object"""
    if not 30_000 < len(block) < 100_000:
        return zlib.adler32(block)
    low, high = 1, 0
    for byte in block:
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return high << 16 | low


def wrong_leaves_out_what_is_beyond_5_million_bytes(block):
    """says: For 20,000,000 times the byte 0 it returned"""
    return zlib.adler32(block[:5_000_000])
