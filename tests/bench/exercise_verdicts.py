"""Whether every verdict stays the same under load: each exercise's solution and wrong answers, again and again.

    .venv/bin/python tests/bench/exercise_verdicts.py [ROUNDS] [NAME …]

First on the machine as it is, one by one; then on one CPU, AT_ONCE of them together with two hogs beside them. Exit
code 1 if any verdict differs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from exercises.engine.problem import ExerciseFile, read
from exercises.engine.verdict import Verdict
from exercises.learner import files, judged

HOG = "while True: pass"
AT_ONCE = 3


@contextmanager
def one_cpu_with_hogs(hogs: int) -> Iterator[None]:
    """This process and `hogs` busy ones share one CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    busy = [subprocess.Popen([sys.executable, "-c", HOG]) for _ in range(hogs)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
        os.sched_setaffinity(0, before)


def answers(file: ExerciseFile) -> dict[str, object]:
    return {"solution": file.solution, **{wrong.name: wrong.function for wrong in file.wrong}}


def essence(verdict: Verdict, file: ExerciseFile, name: str) -> tuple[object, ...]:
    """What of a verdict must not differ: the marks in their order, and for which reason a wrong answer is refused."""
    refusals = [f"{finding.says} {finding.details}" for finding in verdict.findings if finding.ok is False]
    says = next((wrong.says for wrong in file.wrong if wrong.name == name), ())
    reasons = tuple(tuple(part in text for part in says) for text in refusals)
    return verdict.state, "".join(finding.mark for finding in verdict.findings), reasons


def main(rounds: int, paths: list[Path]) -> int:
    exercises = [read(path) for path in paths]
    todo = [(file, name, answer) for file in exercises for name, answer in answers(file).items()]
    quiet = [essence(judged(file, answer), file, name) for file, name, answer in todo]
    for (file, name, _), (state, marks, _) in zip(todo, quiet, strict=True):
        print(f"{file.name:20} {name:44} {state:10} {marks}")

    def compare(case: tuple[tuple[ExerciseFile, str, object], tuple[object, ...]]) -> tuple[str, float]:
        (file, name, answer), expected = case
        start = time.monotonic()
        verdict = judged(file, answer)
        took = (time.monotonic() - start) / file.limit
        seen = essence(verdict, file, name)
        return "" if seen == expected else f"{file.name} {name}: {seen}, quiet {expected}\n{verdict}", took

    differ, nearest = 0, 0.0
    with one_cpu_with_hogs(2), ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(1, rounds + 1):
            for difference, took in pool.map(compare, zip(todo, quiet, strict=True)):
                nearest = max(nearest, took if difference == "" else 0)
                differ += bool(difference)
                print(difference, end="\n" if difference else "")
            print(f"round {number} of {rounds}: {differ} of {number * len(todo)} verdicts differ", flush=True)
    print(f"{differ} of {rounds * len(todo)} verdicts differ under load; the slowest took {nearest:.0%} of its limit")
    return int(differ > 0)


if __name__ == "__main__":
    wanted = [name.replace("-", "_") for name in sys.argv[2:]]
    found = [path for path in files() if not wanted or path.stem in wanted]
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, found))
