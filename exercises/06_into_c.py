"""Move the right part into C

`adler(block)` below adds up a checksum in a Python loop, and holds the GIL all the time: other threads stand still
while it runs. Write `adler(block)` so that it returns the same number for any bytes, other threads can run
meanwhile, and no loop in Python goes through the bytes.

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

from exercises.kit import shown
from helpers.machine import gil_enabled

LIMIT = 10


def adler(block):
    return zlib.adler32(block)


HINTS = [
    "Which functions of the lesson let the GIL go? Which modules do they live in?",
    "This checksum has a name, Adler-32, and the standard library computes it in C.",
    "`zlib.adler32(block)`: it lets the GIL go for more than 5,120 bytes.",
]


def check(adler):
    blocks = [b"", b"a", b"thread pool", random.Random(3).randbytes(20_000)]
    right = [zlib.adler32(block) for block in blocks]
    given = [adler(block) for block in blocks]
    wrong = [shown(g) for g, r in zip(given, right, strict=True) if g != r]
    yield not wrong, f"For 4 blocks it returned {4 - len(wrong)} right numbers{': not ' + wrong[0] if wrong else ''}."
    if wrong:
        return

    singly = _bytes_taken_singly(adler, blocks[-1])
    loop = f"Of a block of {len(blocks[-1]):,} bytes it took {singly:,} one at a time, each as a Python object."
    if not gil_enabled():
        yield True, "This Python has no GIL: other threads run whatever the function does."
        yield not singly, loop
        return
    steps, over = itertools.count(), threading.Event()
    taken = [0]

    def step():
        while not over.is_set():
            taken[0] = next(steps)
            time.sleep(0)

    before = sys.getswitchinterval()
    sys.setswitchinterval(6)  # so a thread gets the GIL only where another lets it go by itself
    try:
        threading.Thread(target=step, daemon=True).start()
        while taken[0] < 10:
            time.sleep(2 * before)  # past the end of every wait for the GIL that began with the old interval
        block, start, patience = bytes(1_000_000), taken[0], time.monotonic() + 2
        while taken[0] - start < 20 and time.monotonic() < patience:
            adler(block)
        ran = taken[0] - start
    finally:
        sys.setswitchinterval(before)
        over.set()
    some = "20 steps or more" if ran >= 20 else f"{ran} steps"
    yield ran >= 20, f"While it worked on a block of 1,000,000 bytes, again and again, another thread made {some}."
    if ran >= 20:
        yield not singly, loop


def _bytes_taken_singly(adler, block):
    class Watched(bytes):
        singly = 0

        def __iter__(self):
            for byte in bytes(self):
                Watched.singly += 1
                yield byte

        def __getitem__(self, at):
            Watched.singly += not isinstance(at, slice)
            return super().__getitem__(at)

    adler(Watched(block))
    return Watched.singly


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
    """says: it took 20,000 one at a time"""
    low, high = 1, 0
    for number, byte in enumerate(block):
        low = (low + byte) % 65521
        high = (high + low) % 65521
        if number % 1000 == 0:
            time.sleep(0)
    return high << 16 | low


def wrong_another_checksum(block):
    """says: For 4 blocks it returned 1 right numbers"""
    return zlib.crc32(block) ^ 1


def wrong_slices_too_small_to_let_go(block):
    """says: another thread made 0 steps"""
    total = 1
    for start in range(0, len(block), 4096):
        total = zlib.adler32(block[start : start + 4096], total)
    return total


def wrong_forgets_the_start(block):
    """says: right numbers: not 0"""
    return zlib.adler32(block, 0)
