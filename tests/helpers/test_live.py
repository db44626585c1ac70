"""The kernel's half of the live timeline: what it sends, when, and that nothing is left of it."""

from __future__ import annotations

import base64
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import Gate, Recording, replay, timeline, watch
from helpers.live.messages import MOST_ROWS, Feed
from helpers.live.timeline import VIEW, LiveTimeline
from helpers.recording.data import Thread

LIMIT = 30
ROW = [("submitted", "f8"), ("started", "f8"), ("finished", "f8"), ("cpu", "f4"), ("index", "i4"), ("label", "i4"),
       ("worker", "i2"), ("submitter", "i2"), ("outcome", "u1")]  # fmt: skip


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def until(true: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end, f"not within {LIMIT} s: {what}"
        time.sleep(0.005)


def unpack(data: bytes, count: int, columns: list[tuple[str, str]]) -> dict[str, list[Any]]:
    """Columns as timeline.js reads them."""
    at, found = 0, {}
    for name, kind in columns:
        found[name] = np.frombuffer(data, kind, count, at).tolist()
        at += count * np.dtype(kind).itemsize
    assert at == len(data)
    return found


def rows_of(head: dict[str, Any]) -> dict[str, list[Any]]:
    return unpack(head["rows"], head["rows_n"], ROW)


class Told(LiveTimeline):
    """A picture whose messages are kept; `answer` is what the browser says when it opens."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.heads: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)

    def send(self, content: Any, buffers: Any = None) -> None:
        rest = iter(buffers)
        for head in content["sections"]:
            columns = {name: next(rest) if head[f"{name}_n"] else b"" for name in ("rows", "waits", "calls")}
            self.heads.append(head | columns)
        assert list(rest) == []

    def answer(self, have: Any = ()) -> None:
        self._asked(self, {"kind": "have", "have": list(have)}, [])


def test_a_message_has_what_is_new_since_the_last() -> None:
    with ThreadPoolExecutor(1) as pool, watch(pool) as run, Gate() as gate:
        feed = Feed(run, "title", seconds=2)
        first = pool.submit(gate.task)
        until(lambda: run.tasks[0].started, "it runs")
        head = feed.news(False)
        assert (head["seq"], head["title"], head["seconds"], head["ended"]) == (1, "title", 2, False)
        assert head["labels"] == ["task"] and [lane[:2] for lane in head["lanes"]] == [
            ["asker", "main"],
            ["worker", "worker 0"],
        ]
        row = rows_of(head)
        assert row["index"] == [0] and row["submitted"] == [0.0] and row["started"][0] > 0 and row["outcome"] == [0]
        assert math.isnan(row["finished"][0])
        assert feed.news(False)["rows_n"] == 0, "nothing is new"
        second = pool.submit(int)
        head = feed.news(False)
        assert rows_of(head)["index"] == [1] and head["labels"] == ["int"]
        gate.open()
        until(lambda: first.done() and second.done(), "both have ended")
        head = feed.news(True)
        row = rows_of(head)
        assert sorted(row["index"]) == [0, 1] and row["outcome"] == [1, 1] and not any(map(math.isnan, row["finished"]))
        assert "lanes" not in head and "labels" not in head and head["ended"]


def test_waits_callbacks_and_marks_are_sent_once_and_again_when_they_end() -> None:
    with ThreadPoolExecutor(1) as pool, watch(pool) as run, Gate() as gate:
        feed = Feed(run)
        future = pool.submit(gate.task)
        future.add_done_callback(lambda _: None)
        asker = threading.Thread(target=future.result, name="asker")
        asker.start()
        until(lambda: run.waits, "it is blocked")
        run.mark("now")
        head = feed.news(False)
        kinds = [("start", "f8"), ("end", "f8"), ("position", "i4"), ("task", "i4"), ("thread", "i2"), ("call", "i2")]
        found = unpack(head["waits"], head["waits_n"], kinds)
        assert found["task"] == [0] and math.isnan(found["end"][0]) and head["calls_in"] == ["result"]
        assert [mark[2] for mark in head["marks"]] == ["now"] and head["calls_n"] == 0
        assert [label for _, label, _ in head["lanes"]] == ["main", "asker", "worker 0"]
        assert feed.news(False)["waits_n"] == 0
        gate.open()
        until(lambda: not asker.is_alive(), "the asker has its answer")
        until(lambda: run.calls, "the callback has run")
        head = feed.news(False)
        again = unpack(head["waits"], head["waits_n"], kinds)
        assert again["position"] == [0] and again["end"][0] >= again["start"][0]
        assert head["calls_n"] == 1 and head["marks"] == []


def test_what_raised_and_what_ran_unseen_is_said() -> None:
    run = Recording()
    me, worker = Thread("main", 1), Thread("w", 2)
    run.rows = [
        ["fails", 0, me, worker, 10, 20, None, "raised", None, "ValueError: no such row"],
        ["elsewhere", 0, me, None, None, 30, None, "returned", "ran where watch can't see"],
        ["waits", 0, me, None, None, None, None, None, None],
    ]
    feed = Feed(run)
    head = feed.news(False)
    assert head["errors"] == {0: "ValueError: no such row"}
    assert rows_of(head)["outcome"] == [2, 1 + 4, 0]
    assert feed.news(False)["errors"] == {}


def test_a_refused_submit_is_taken_back() -> None:
    pool = ThreadPoolExecutor(1)
    with watch(pool) as run:
        feed = Feed(run)
        pool.submit(int)
        pool.submit(int)
        pool.shutdown()
        epoch = feed.news(False)["epoch"]
        del run.rows[1]
        head = feed.news(False)
        assert head["epoch"] != epoch and head["seq"] == 1 and head["rows_n"] == 1


def test_of_a_deep_queue_a_part_is_looked_at_and_in_the_end_all() -> None:
    run = Recording()
    for i in range(5000):
        run.rows.append(["load", i, Thread("MainThread", 1), None, None, None, None, None])
    feed = Feed(run)
    assert feed.news(False)["rows_n"] == 5000
    for i in range(0, 5000, 2):
        run.rows[i][5], run.rows[i][7] = 10_000, "cancelled"
    seen = [rows_of(feed.news(False))["index"] for _ in range(3)]
    assert all(0 < len(some) <= 1000 for some in seen)
    rest = rows_of(feed.news(True))["index"]
    assert sorted([i for some in seen for i in some] + rest) == list(range(0, 5000, 2))


def test_long_messages_are_cut() -> None:
    run = Recording()
    run.rows.extend([f"load{i % 3}", i, Thread("MainThread", 1), None, None, None, None, None] for i in range(25_000))
    picture = Told()
    picture.show(Feed(run))
    assert [head["rows_n"] for head in picture.heads] == [MOST_ROWS, MOST_ROWS, 5000]
    assert [head["ended"] for head in picture.heads] == [False, False, True]
    picture.close()


def test_it_follows_a_run_and_its_thread_ends_with_it() -> None:
    picture = Told()
    with ThreadPoolExecutor(2) as pool, watch(pool) as run, Gate() as gate:
        picture.follow(Feed(run))
        picture.answer()
        picture.heads.clear()
        futures = [pool.submit(gate.task) for _ in range(4)]
        started = lambda head: dict(zip(rows_of(head)["index"], rows_of(head)["started"], strict=True))
        told = lambda: {i: t for head in list(picture.heads) for i, t in started(head).items()}
        until(lambda: sum(not math.isnan(t) for t in told().values()) == 2 and len(told()) == 4, "two run, two wait")
        assert "live timeline" in [thread.name for thread in threading.enumerate()]
        gate.open()
        wait(futures)
        picture.settle()
    assert "live timeline" not in [thread.name for thread in threading.enumerate()]
    assert picture.heads[-1]["ended"]
    outcomes = {
        i: o for head in picture.heads for i, o in zip(rows_of(head)["index"], rows_of(head)["outcome"], strict=True)
    }
    assert outcomes == dict.fromkeys(range(4), 1)
    seqs = [head["seq"] for head in picture.heads if head["epoch"] == picture.heads[-1]["epoch"]]
    assert seqs == list(range(1, len(seqs) + 1))
    picture.settle()
    picture.close()


def test_until_the_browser_answers_everything_is_sent_each_time() -> None:
    picture = Told()
    with ThreadPoolExecutor(1) as pool, watch(pool) as run:
        pool.submit(int).result()
        picture.follow(Feed(run))
        until(lambda: len(picture.heads) >= 2, "two messages")
        picture.settle()
    assert all(head["seq"] == 1 and head["rows_n"] == 1 for head in picture.heads)
    picture.close()


def test_who_has_less_gets_everything() -> None:
    with ThreadPoolExecutor(1) as pool, watch(pool) as run:
        pool.submit(int).result()
    picture = Told([Feed(run)])
    (head,) = picture.state["sections"]
    assert head["rows_n"] == 1 and head["ended"], "a finished run goes with the widget's opening"
    picture.answer([[head["epoch"], head["seq"]]])
    assert picture.heads == []
    for have in ([], [[head["epoch"], 0]], [[head["epoch"] - 1, 1]]):
        picture.heads.clear()
        picture.answer(have)
        assert [one["rows_n"] for one in picture.heads] == [1]
    picture._asked(picture, {"kind": "else"}, [])
    picture._asked(picture, None, [])
    picture.close()


@pytest.mark.parametrize("end", ["close", "follow again", "close all"])
def test_nothing_is_left_of_a_picture(end: str) -> None:
    picture, run = LiveTimeline(), Recording()
    picture.follow(Feed(run))
    if end == "follow again":
        picture.follow(Feed(run))
        assert [t.name for t in threading.enumerate()].count("live timeline") == 1
        picture.settle()
    elif end == "close all":
        LiveTimeline.close_all()
    else:
        picture.close()
    until(lambda: "live timeline" not in [t.name for t in threading.enumerate()], "its thread has ended")


def test_a_replay_carries_the_view_and_the_still_in_one_output(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool, watch(pool) as run:
        wait([pool.submit(time.sleep, 0.01) for _ in range(4)])
    run.save(tmp_path / "run.json")
    for shown in (run, Recording.load(tmp_path / "run.json")):
        played = replay(shown, title="Four naps")
        bundle, looks = played._repr_mimebundle_()
        assert bundle[VIEW]["model_id"] == played.picture.model_id
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert looks["image/png"]["alt"] == bundle["text/plain"] == timeline(run, title="Four naps").alt
        played.picture.close()


@pytest.mark.parametrize(
    ("runs", "title", "error", "says"),
    [
        ((), None, TypeError, "run must be a Recording"),
        ((3,), None, TypeError, "run must be a Recording"),
        ((Recording(), Recording()), "one", ValueError, "title must be a text for each of 2 runs, not 'one'"),
        ((Recording(),), ["a", "b"], ValueError, "title must be"),
    ],
)
def test_a_bad_argument_is_named(runs: Any, title: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        replay(*runs, title=title)


def test_a_program_without_jupyter_can_make_one() -> None:
    code = "from helpers import Recording, replay; print(sorted(replay(Recording())._repr_mimebundle_()[0]))"
    ran = subprocess.run([sys.executable, "-c", code], timeout=4 * LIMIT, capture_output=True, text=True)
    assert "image/png" in ran.stdout, ran.stderr
