"""The GIL lab without a browser: a run shows its trace, a click never blocks, and nothing is left behind."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

import helpers.labs.gil as module
from helpers.gil.measure import gil_trace
from helpers.gil.words import explain, percent
from helpers.labs.gil import INTERVALS, KINDS, MOST_THREADS, GilLab, gil_lab
from helpers.machine import gil_enabled

PNG = b"\x89PNG"


@pytest.fixture
def lab() -> Iterator[GilLab]:
    before, interval = set(threading.enumerate()), sys.getswitchinterval()
    lab = gil_lab()
    yield lab
    lab.close()
    assert set(threading.enumerate()) <= before
    assert sys.getswitchinterval() == interval


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_shows_picture_histogram_and_words(lab: GilLab, kind: str) -> None:
    assert lab.still() is None
    assert lab.histogram.layout.display == "none"
    lab.threads.value, lab.interval.value, lab.kind.value = 3, 2, kind
    words = lab.run_once(60)
    assert not lab.error
    assert lab.trace is not None and lab.trace.switch_interval == 0.002
    works = [piece.__name__ for piece in KINDS[kind]]
    assert [thread.work for thread in lab.trace.threads] == [works[i % len(works)] for i in range(3)]
    assert [head["kind"] for head in (feed.news(True) for feed in lab.timeline._feeds)] == ["gil"]
    assert bytes(lab.histogram.value[:4]) == PNG and lab.histogram.layout.display is None
    assert words.startswith("Two or more") and words.endswith(explain(lab.trace))
    assert "3 threads of" in lab.still().alt


@pytest.mark.skipif(not gil_enabled(), reason="this interpreter has no GIL")
def test_the_words_follow_the_trace(lab: GilLab) -> None:
    words = lab.run_once(60)
    assert lab.trace is not None and lab.trace.overlap < 0.05
    assert words.startswith(f"Two running at once {percent(lab.trace.overlap)} of the time, median hold ")
    assert words.endswith(explain(lab.trace))
    assert lab.trace.waits or lab.trace.nobody, "of two threads, one waits while the other runs"


def test_a_trace_lasts_several_rounds_of_its_switch_interval(lab: GilLab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def note(works: list[object], seconds: float, switch_interval: float) -> None:
        asked.append((len(works), seconds, switch_interval))
        raise RuntimeError("noted")

    monkeypatch.setattr(module, "gil_trace", note)
    for threads, interval in ((1, INTERVALS[0]), (MOST_THREADS, INTERVALS[-1])):
        lab.threads.value, lab.interval.value = threads, interval
        lab.run_once(60)
    assert asked == [(1, 0.2, 0.001), (8, pytest.approx(1.6), 0.05)]


def test_a_click_returns_at_once_and_a_second_one_starts_nothing(lab: GilLab, monkeypatch: pytest.MonkeyPatch) -> None:
    go, runs = threading.Event(), []

    def slow(*args: object, **kwargs: object) -> object:
        runs.append(threading.current_thread())
        assert go.wait(30)
        return gil_trace(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "gil_trace", slow)
    lab.run_button.click()
    assert lab.running and lab.run_button.disabled
    lab.run_button.click()
    assert lab.start() is False
    go.set()
    assert lab.wait(60) and not lab.running and not lab.run_button.disabled
    assert len(runs) == 1 and runs[0] is not threading.main_thread()
    assert lab.trace is not None and not lab.error


def test_an_error_is_shown_and_the_next_run_works(lab: GilLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "pure Python", (lambda: None,))
    lab.run_once(60)
    assert "ValueError: work takes" in lab.error and lab.trace is None
    monkeypatch.undo()
    lab.run_once(60)
    assert not lab.error and lab.trace is not None
