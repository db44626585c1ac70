"""The pacing lab without a browser: its law, its measurement over real sockets, its picture, and its manners."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

import helpers.labs.pacing as module
from helpers.labs.pacing import PLACES, Client, Pace, PacingLab, pacing_lab, pacing_picture
from helpers.processes.slow_http import slow_server


@pytest.fixture
def lab() -> Iterator[PacingLab]:
    before = set(threading.enumerate()), set(psutil.Process().children())
    lab = pacing_lab()
    yield lab
    lab.close()
    threads, children = before
    assert set(threading.enumerate()) <= threads and set(psutil.Process().children()) <= children


def choose(lab: PacingLab, workers: int, latency: float, requests: int) -> None:
    lab.workers.value, lab.latency.value, lab.requests.value = workers, latency, requests
    assert (lab.workers.value, lab.latency.value, lab.requests.value) == (workers, latency, requests)


def until(true: Callable[[], bool], what: str, limit: float = 30) -> None:
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline, f"waited {limit} s for: {what}"
        time.sleep(0.01)


def pace(workers: int, latency: float, a_second: int) -> Pace:
    """A run that measured `a_second` answers in its one second."""
    return Pace(workers, latency, a_second, [(0.0, latency)] * (a_second - 1) + [(1 - latency, 1.0)])


def test_the_prediction_is_littles_law_up_to_the_servers_places() -> None:
    assert [Pace(w, 0.05, 64).predicted for w in (1, 8, 32, 33, 64)] == pytest.approx([20, 160, 640, 640, 640])
    assert Pace(64, 0.2, 64).predicted == pytest.approx(160)


def test_what_is_measured_follows_from_the_answers() -> None:
    run = Pace(2, 0.1, 64, [(5.0, 5.1), (5.0, 5.2), (5.1, 5.2), (5.2, 5.5)])
    assert (run.measured, run.took) == (pytest.approx(8), pytest.approx(0.175))
    assert (Pace(2, 0.1, 64).measured, Pace(2, 0.1, 64).took) == (0, 0)


@pytest.mark.parametrize(("workers", "line"), [(1, False), (8, False), (48, True)])
def test_a_run_measures_the_real_server(lab: PacingLab, workers: int, line: bool) -> None:
    requests = 64 if workers < 48 else 192
    choose(lab, workers, 0.02, requests)
    before = lab.still().png(50)
    words = lab.run_once(60)
    assert not lab.error and lab.still().png(50) != before
    (run,) = lab.runs
    assert len(run.answers) == requests and 1 <= run.peak <= workers
    # No answer comes before its latency is over, and `predicted` of them at most fit into a second.
    assert min(end - start for start, end in run.answers) >= 0.019
    assert 0 < run.measured <= run.predicted * 1.02
    assert run.measured * run.took <= workers * 1.001  # no more under way at once than there are workers
    assert words.startswith("1 worker, 20 ms: predicted 50 " if workers == 1 else f"{workers} workers, 20 ms: ")
    assert ("in its line" in words) == line
    assert lab._count.value == f"{requests} of {requests} answers"


def test_the_server_has_its_places_and_every_connection_is_closed(
    lab: PacingLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    clients: list[Client] = []
    monkeypatch.setattr(module, "slow_server", lambda **settings: asked.append(settings) or slow_server(**settings))
    monkeypatch.setattr(module, "Client", lambda run: clients.append(Client(run)) or clients[-1])
    choose(lab, 4, 0.02, 64)
    lab.run_once(60)
    assert asked == [{"latency": 0.02, "slots": PLACES}]
    assert 1 <= len(clients[0].connections) <= 4  # one a thread, kept alive
    assert all(connection.sock is None for connection in clients[0].connections)


def test_the_prediction_follows_the_sliders(lab: PacingLab) -> None:
    choose(lab, 8, 0.05, 256)
    assert "8 workers / 0.05 s = <b>160 requests/s</b>, so 256 requests take 1.6 s." in lab.prediction.value
    choose(lab, 48, 0.2, 64)
    assert "the server's 32 places / 0.2 s = <b>160 requests/s</b>" in lab.prediction.value


def test_a_click_returns_at_once_and_a_second_one_starts_nothing(lab: PacingLab) -> None:
    before = set(psutil.Process().children())
    choose(lab, 1, 0.2, 1024)  # about 200 s, if nobody stopped it
    lab.run_button.click()
    assert lab.running and lab.run_button.disabled and not lab.stop_button.disabled
    assert lab.start() is False
    until(lambda: lab._bar.value >= 3, "three answers to show")
    assert sum(t.name.startswith("fetch") for t in threading.enumerate()) == 1
    assert len(set(psutil.Process().children()) - before) == 1
    lab.stop_button.click()
    assert lab.wait(30) and not lab.running and not lab.run_button.disabled
    (run,) = lab.runs
    assert 3 <= len(run.answers) < 1024
    assert lab.words.startswith(f"Stopped after {len(run.answers)} of 1024 requests. 1 worker, 200 ms: predicted 5 ")


@pytest.mark.parametrize(
    ("workers", "answers", "enough"), [(1, 1, False), (1, 2, True), (8, 15, False), (48, 95, False), (48, 96, True)]
)
def test_a_run_stopped_too_early_adds_no_dot(workers: int, answers: int, enough: bool) -> None:
    run = Pace(workers, 0.05, 1024, [(0.0, 0.05)] * answers)
    assert run.enough is enough
    assert Pace(64, 0.05, 64, [(0.0, 0.05)] * 64).enough  # complete
    assert module._summary(run).startswith(f"Stopped after {answers} of 1024 requests. ")
    assert module._summary(Pace(workers, 0.05, 1024)) == "Stopped before the first answer."


def test_runs_add_up(lab: PacingLab) -> None:
    for workers in (4, 16):
        choose(lab, workers, 0.02, 64)
        lab.run_once(60)
    assert [run.workers for run in lab.runs] == [4, 16]


def test_an_error_is_shown_and_the_next_run_works(lab: PacingLab, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(lab, 4, 0.02, 64)

    def failing(**settings: Any) -> Any:
        return slow_server(**settings, error_rate=1)

    monkeypatch.setattr(module, "slow_server", failing)
    lab.run_once(60)
    assert "RuntimeError: the server answered 50" in lab.error and lab.runs == []
    monkeypatch.undo()
    lab.run_once(60)
    assert not lab.error and len(lab.runs) == 1


def test_closing_ends_a_run(lab: PacingLab) -> None:
    choose(lab, 1, 0.2, 1024)
    lab.start()
    until(lambda: lab._bar.value >= 1, "an answer")
    lab.close()
    assert not lab.running and lab.wait(0)


def test_the_picture_has_a_dot_a_run_and_a_line_a_latency() -> None:
    runs = [pace(4, 0.05, 76), pace(4, 0.05, 77), pace(32, 0.05, 600), pace(64, 0.1, 300)]
    picture = pacing_picture(runs, 0.02)
    (axes,) = picture.axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [tuple(map(float, dot.get_xydata()[0])) for dot in dots] == [(4, 76), (4, 77), (32, 600), (64, 300)]
    texts = [text.get_text() for text in axes.texts]
    assert [t for t in texts if t.endswith("/s")] == ["300/s", "600/s", "77/s"]  # of two dots on one spot, the latest
    assert [t for t in texts if "predicted" in t] == [
        "predicted for 20 ms: 1,600/s at most",
        "predicted for 50 ms: 640/s at most",
        "predicted for 100 ms: 320/s at most",
    ]
    assert dots[0].get_color() == dots[2].get_color() != dots[3].get_color()
    lines = {line.get_color(): line.get_xydata().tolist() for line in axes.lines if len(line.get_xdata()) == 3}
    assert lines[dots[0].get_color()][1] == [PLACES, 640]
    assert "32 workers 600/s" in picture.alt
    inside = [text.get_window_extent() for text in axes.texts]
    page = picture.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1 for box in inside)
