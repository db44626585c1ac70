"""The event loop lab without a browser: each way of calling, what it says of the loop's silence, and its manners."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
import traitlets

import helpers.labs.loop as module
from helpers.labs.loop import LATENCY, MOST, ON_LOOP, OWN_POOL, ROOM, TO_THREAD, WAYS, LoopLab, OnTheSpot, loop_lab
from helpers.processes.slow_http import slow_server
from helpers.recording.data import Mark, Recording, Thread


@pytest.fixture
def lab() -> Iterator[LoopLab]:
    before = set(threading.enumerate()), set(psutil.Process().children())
    lab = loop_lab()
    yield lab
    lab.close()
    threads, children = before
    assert set(threading.enumerate()) <= threads and set(psutil.Process().children()) <= children


def choose(lab: LoopLab, calls: int, way: str, k: int = 1) -> None:
    lab.calls.value, lab.way.value, lab.k.value = calls, way, k
    assert (lab.calls.value, lab.way.value, lab.k.value) == (calls, way, k)


def until(true: Callable[[], bool], what: str, limit: float = 30) -> None:
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline, f"waited {limit} s for: {what}"
        time.sleep(0.01)


def beats_during(run: Recording) -> list[Mark]:
    """The beats between the first submit and the last end of a call."""
    span = run.span
    assert span is not None
    return [mark for mark in run.marks if span[0] < mark.time < span[1]]


def test_calls_in_the_loop_silence_it(lab: LoopLab) -> None:
    choose(lab, 3, ON_LOOP)
    words = lab.run_once(60)
    run = lab.recording
    assert lab.error == "" and run.count("returned") == 3 and run.peak_in_flight == 1
    assert [worker.name for worker in run.workers] == ["loop_0"] == [t.name for t in {m.thread for m in run.marks}]
    assert not beats_during(run), "no beat comes while a call stands on the loop"
    assert module.silence(run) >= 3 * LATENCY
    assert words.startswith("3 calls, in the loop: ")
    assert f"The loop's longest silence: {module.silence(run) * 1000:.0f} ms; a beat is due every 50 ms." in words
    assert "Threads beside the loop's own: 0. Calls handed over and not done: at most 1; under way: at most 1." in words
    assert lab._count.value == "3 of 3 answers"


@pytest.mark.parametrize(
    ("way", "k", "threads", "handed", "how"),
    [
        (TO_THREAD, 1, None, 12, "to_thread"),
        (OWN_POOL, 3, 3, 12, "a pool of 3"),
        (OWN_POOL, 12, 12, 12, "a pool of 12"),
        (ROOM, 3, None, 3, "to_thread, a room of 3"),
    ],
)
def test_calls_in_threads_let_it_beat(
    lab: LoopLab, way: str, k: int, threads: int | None, handed: int, how: str
) -> None:
    choose(lab, 12, way, k)
    with ThreadPoolExecutor() as default:
        most = threads or min(default._max_workers, 12)
    words = lab.run_once(60)
    run = lab.recording
    assert lab.error == "" and run.count("returned") == 12
    assert len(beats_during(run)) >= 1 and {mark.thread.name for mark in run.marks} == {"loop_0"}
    assert not {thread.name for thread in run.workers} & {"loop_0"} and len(run.workers) <= most
    assert run.peak_in_flight <= min(most, handed)
    assert words.startswith(f"12 calls, {how}: ")
    assert f"Threads beside the loop's own: {len(run.workers)}. " in words
    # A computer that stands still between two calls lets the first of them end before the last is handed over.
    tasks = run.tasks
    together = max(sum(one.submitted <= task.submitted < one.finished for one in tasks) for task in tasks)
    assert f"Calls handed over and not done: at most {together}; " in words and together <= handed
    assert {task.submitter.name for task in tasks} == {"loop_0"}
    assert {thread.name.rstrip("0123456789") for thread in run.workers} == {"pool_" if way == OWN_POOL else "asyncio_"}
    lanes = {thread.name for thread in [wait.thread for wait in run.blocked]}
    assert not lanes, "nobody waits in the picture: what ends the pool is not in it"


def test_the_handed_over_are_counted_from_submit_to_end() -> None:
    run, loop, worker = Recording(), Thread("loop_0", 1), Thread("pool_0", 2)
    # Two calls one after the other on one worker, handed over together.
    run.rows += [
        ["fetch", 0, loop, worker, 1, 200_000_000, None, "returned"],
        ["fetch", 2, loop, worker, 200_000_000, 400_000_000, None, "returned"],
    ]
    run.marks += [Mark(loop, moment, "♥") for moment in (0, 50_000_000, 350_000_000, 400_000_000)]
    assert module.silence(run) == 0.3 and module.silence(Recording()) == 0
    assert module._summary(run, "a pool of 1", 2, 2) == (
        "2 calls, a pool of 1: 0.40 s. The loop's longest silence: 300 ms; a beat is due every 50 ms.\n"
        "Threads beside the loop's own: 1. Calls handed over and not done: at most 2; under way: at most 1."
    )
    assert module._summary(run, "a pool of 1", 1, 2).startswith("Stopped after 1 of 2 calls. ")


@pytest.mark.parametrize("way", WAYS)
def test_stop_ends_a_run_and_the_next_one_works(lab: LoopLab, way: str) -> None:
    before = set(psutil.Process().children())
    choose(lab, MOST, way, 1)
    lab.run_button.click()
    assert lab.running and lab.run_button.disabled and lab.start() is False
    until(lambda: lab._bar.value >= 1, "an answer to show")
    assert len(set(psutil.Process().children()) - before) == 1
    lab.stop_button.click()
    assert lab.wait(30) and not lab.running and lab.error == ""
    run = lab.recording
    answered = run.count("returned")
    assert 1 <= answered <= MOST and run.count("running") == run.count("queued") == 0
    if way in (ON_LOOP, OWN_POOL) or answered < MOST:  # a large pool may have been too fast
        assert lab.words.startswith(f"Stopped after {answered} of 40 calls. ")
    choose(lab, 1, way, 1)
    assert lab.run_once(60).startswith("1 call, ") and lab.recording is not run


@pytest.mark.parametrize("way", WAYS)
def test_an_error_of_the_server_is_said(lab: LoopLab, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(**settings: Any) -> Any:
        return slow_server(**settings, error_rate=1)

    monkeypatch.setattr(module, "slow_server", failing)
    choose(lab, 2, way, 2)
    lab.run_once(60)
    assert lab.error.startswith("The run ended with HTTPError: HTTP Error 50")
    monkeypatch.undo()
    lab.run_once(60)
    assert lab.error == "" and lab.recording.count("returned") == 2


def test_closing_ends_a_run(lab: LoopLab) -> None:
    choose(lab, MOST, OWN_POOL, 1)
    lab.start()
    until(lambda: lab._bar.value >= 1, "an answer")
    lab.close()
    assert not lab.running and lab.wait(0)


def test_the_controls_say_what_they_do(lab: LoopLab) -> None:
    for way in WAYS:
        choose(lab, 1, way, 1)
        assert lab.k.disabled == (way in (ON_LOOP, TO_THREAD)) and module.CODE[way] in lab.code.value
    with pytest.raises(traitlets.TraitError, match="selection"):
        lab.way.value = "by hand"
    lab.calls.value = MOST + 1
    assert lab.calls.value == MOST


def test_a_task_on_the_spot_runs_in_submit() -> None:
    with OnTheSpot() as here:
        assert here.submit(threading.current_thread).result(0) is threading.current_thread()
        failed = here.submit(int, "x")
    assert isinstance(failed.exception(0), ValueError)
