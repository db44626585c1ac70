"""The labs without a browser: what their pictures and words say, that Stop works, and that no thread outlives one."""

import base64
import io
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import ipywidgets
import jupyter_client
import pytest
import traitlets
from PIL import Image

from helpers.drawing.figure import figure
from helpers.labs import callback as callback_module
from helpers.labs import future as future_module
from helpers.labs import order as order_module
from helpers.labs import panel as panel_module
from helpers.labs import pool as pool_module
from helpers.labs.callback import callback_lab
from helpers.labs.future import answers, future_lab, state_of, twin_of
from helpers.labs.gil import gil_lab
from helpers.labs.loop import loop_lab
from helpers.labs.order import Run, order_lab, use_as_completed, use_map, use_wait
from helpers.labs.pacing import pacing_lab
from helpers.labs.panel import RunPanel, holding
from helpers.labs.pool import COMPUTING, MIX, WAITING, pool_lab

LIMIT = 60


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    for lab in list(panel_module._open.values()):
        lab.close()
    until(lambda: set(threading.enumerate()) <= before, "every thread of the labs has ended")


def until(true, what):
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end, f"not within {LIMIT} s: {what}"
        time.sleep(0.005)


def size(png):
    return Image.open(io.BytesIO(png)).size


class HeldLab(RunPanel):
    """A lab whose run lasts until Stop or until `free` is set."""

    name, about = "Held <lab>", "Press & hold."

    def __init__(self):
        self.entered, self.free, self.runs = threading.Semaphore(0), threading.Event(), 0
        super().__init__([], alt="nothing much")

    def run(self):
        self.runs += 1
        self.entered.release()
        while not self.free.is_set() and not self.stopping.wait(0.005):
            pass
        return "stopped" if self.stopping.is_set() else "ended & <fine>"


class FailingLab(RunPanel):
    error_to_raise: BaseException = ZeroDivisionError("division by zero")

    def __init__(self):
        super().__init__([], alt="nothing")

    def run(self):
        raise self.error_to_raise


# The frame


def test_a_click_returns_while_the_run_goes_on_and_a_second_one_changes_nothing():
    lab = HeldLab()
    lab.run_button.click()
    assert lab.entered.acquire(timeout=LIMIT)
    assert lab.running and lab.run_button.disabled and not lab.stop_button.disabled
    thread = lab._thread
    lab.run_button.click()
    assert lab.start() is False
    assert lab._thread is thread and lab.runs == 1
    lab.free.set()
    assert lab.wait(LIMIT)
    assert lab.words == "ended & <fine>" and lab.error == ""
    assert not lab.running and not lab.run_button.disabled and lab.stop_button.disabled


def test_stop_ends_this_run_and_not_the_next():
    lab = HeldLab()
    for run in (1, 2):
        lab.run_button.click()
        assert lab.entered.acquire(timeout=LIMIT)
        assert lab.runs == run and not lab.stopping.is_set()
        lab.stop_button.click()
        assert lab.wait(LIMIT) and lab.words == "stopped"
    lab.stop()
    assert lab.words == "stopped"


@pytest.mark.parametrize(
    "error, says",
    [
        (ZeroDivisionError("division by zero"), "The run ended with ZeroDivisionError: division by zero"),
        (SystemExit(3), "The run ended with SystemExit: 3"),
    ],
)
def test_an_exception_of_the_run_is_a_sentence_and_the_lab_goes_on(error, says):
    lab = FailingLab()
    lab.error_to_raise = error
    lab.run_once(LIMIT)
    assert lab.error == says and says in lab._error.value and "role='alert'" in lab._error.value
    assert not lab.run_button.disabled
    lab.run = lambda: "better"
    assert lab.run_once(LIMIT) == "better" and lab.error == "" and lab._error.value == ""


def test_words_are_shown_as_words():
    lab = HeldLab()
    lab.say("a < b\nc & d")
    assert "a &lt; b<br>c &amp; d" in lab._words.value and "role='status'" in lab._words.value
    assert "Held &lt;lab&gt;" in lab.box.children[0].value


def end_by_close(lab):
    lab.close()


def end_by_closing_the_widget(lab):
    lab.box.close()


def end_by_closing_all_widgets(lab):
    ipywidgets.Widget.close_all()


def end_by_running_the_cell_again(lab):
    type(lab)()


@pytest.mark.parametrize(
    "end", [end_by_close, end_by_closing_the_widget, end_by_closing_all_widgets, end_by_running_the_cell_again]
)
def test_a_run_ends_with_its_panel(end):
    lab = HeldLab()
    lab.start()
    assert lab.entered.acquire(timeout=LIMIT)
    end(lab)
    assert lab.closed and lab.wait(0), "close() waits for the run's end"
    assert lab.words == "stopped"
    assert lab.start() is False
    assert lab.image.comm is None and lab.timeline.comm is None and lab.box.comm is None, "its widgets are closed too"


class Shell(traitlets.HasTraits):
    """What the labs use of IPython's shell in a kernel."""

    exit_now = traitlets.Bool(False)
    cell = "one"

    def get_parent(self):
        return {"metadata": {"cellId": self.cell}}


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    monkeypatch.setattr(panel_module, "get_ipython", lambda: shell)
    return shell


def test_each_cell_keeps_its_own_lab(shell):
    first = HeldLab()
    shell.cell = "two"
    second = HeldLab()
    assert not first.closed and not second.closed
    third = HeldLab()
    assert not first.closed and second.closed and not third.closed


def test_the_end_of_the_kernel_ends_the_runs(shell):
    lab = HeldLab()
    lab.start()
    assert lab.entered.acquire(timeout=LIMIT)
    shell.exit_now = True
    assert lab.wait(LIMIT) and lab.words == "stopped"


def test_a_worker_is_held_for_long_only_where_the_end_is_told(shell, monkeypatch):
    assert holding() == 3600
    monkeypatch.setattr(panel_module, "get_ipython", lambda: None)
    assert holding() == 60


LEFT_OPEN = """
from helpers.labs.pool import pool_lab
from helpers.labs.gil import gil_lab
from helpers.labs.order import order_lab
from helpers.labs.future import future_lab
from helpers.labs.callback import callback_lab
from helpers.labs.loop import loop_lab
pool, order, future, callback, loop = pool_lab(), order_lab(), future_lab(), callback_lab(), loop_lab()
loop.calls.value = 40
pool.tasks.value, pool.workers.value, pool.work.value = 64, 1, 1000
pool.run_button.click(); order.run_button.click(); loop.run_button.click()
future.submit_button.click(); future.start_button.click()
callback.add_buttons["pending"].click()
assert future.words == "The worker took the task and runs it." and not future.error, future.error
"""


def test_a_kernel_with_labs_at_work_ends_when_asked():
    manager, client = jupyter_client.manager.start_new_kernel(kernel_name="python3")
    try:
        reply = client.execute_interactive(LEFT_OPEN, timeout=LIMIT, output_hook=lambda message: None)
        assert reply["content"]["status"] == "ok", reply["content"]
        client.shutdown()
        until(lambda: not manager.is_alive(), "the kernel has ended by itself")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize("make", [pool_lab, order_lab, gil_lab, pacing_lab, loop_lab])
def test_an_opened_lab_has_run_once_and_its_still_picture_is_saved(make):
    lab = make()
    bundle, looks = lab._repr_mimebundle_()
    assert lab.error == "" and lab.words and not lab.running
    assert bundle["text/plain"] == f"{lab.name}. {lab.about} (Run this cell in JupyterLab to use it.)"
    assert bundle[VIEW]["model_id"] == lab.box.model_id
    assert size(base64.b64decode(bundle["image/png"]))[0] > 600
    assert looks["image/png"]["alt"] == lab.still().alt != ""
    words = lab.words
    lab._repr_mimebundle_()
    assert lab.words == words, "it is opened once"


def test_without_widgets_a_sentence_is_shown():
    for lab in (future_lab(), callback_lab()):
        bundle, _ = lab._repr_mimebundle_()
        text = f"{lab.name}. {lab.about} (Run this cell in JupyterLab to use it.)"
        assert bundle["text/plain"] == text
        assert bundle[VIEW]["model_id"] == lab.box.model_id
        lab.close()
        assert lab._repr_mimebundle_() == ({"text/plain": text}, {})


def test_the_page_under_a_picture_does_not_move_during_a_run():
    lab = HeldLab()
    lab.inches = 2.0
    lab.start()
    assert lab.entered.acquire(timeout=LIMIT)
    heights = []
    for inches in (1.0, 3.0, 2.5):
        lab.show(figure(5, inches, alt=f"{inches} inches"), dpi=100)
        heights.append(size(lab.image.value))
    assert heights == [(500, 200), (500, 300), (500, 300)]
    assert lab.image.tooltip == "2.5 inches"
    lab.stop()
    assert lab.wait(LIMIT)
    lab.free.set()
    lab.run_once(LIMIT)
    lab.show(figure(5, 1), dpi=100)
    assert size(lab.image.value) == (500, 200), "the next run starts low again"


def test_progress_is_said_in_words():
    lab = HeldLab()
    lab.progress(3, 40)
    assert (lab._bar.value, lab._bar.max, lab._count.value) == (3, 40, "3 of 40 tasks done")
    lab.progress(0, 0, "pages")
    assert lab._count.value == "0 of 0 pages"


def test_a_run_that_takes_too_long_is_stopped():
    lab = HeldLab()
    with pytest.raises(TimeoutError, match=r"the run of the Held <lab> went on after 0.01 s"):
        lab.run_once(0.01)
    assert lab.wait(LIMIT) and lab.words == "stopped"


@pytest.mark.parametrize("timeout, error", [(-1, ValueError), ("soon", TypeError), (None, TypeError)])
def test_a_bad_timeout_is_named_before_anything_starts(timeout, error):
    lab = HeldLab()
    for call in (lab.run_once, lab.wait):
        with pytest.raises(error, match="timeout"):
            call(timeout)
    assert lab.runs == 0


def test_no_lab_needs_pyplot():
    labs = ", ".join(f"helpers.labs.{name}" for name in ("pool", "order", "future", "callback", "loop"))
    code = f"import sys, {labs}; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT)


# The pool lab


def choose(lab, tasks, workers, work=20, kind=WAITING):
    lab.tasks.value, lab.workers.value, lab.work.value, lab.kind.value = tasks, workers, work, kind
    return lab


@pytest.mark.parametrize("kind", [WAITING, COMPUTING, MIX])
@pytest.mark.parametrize("tasks, workers", [(1, 1), (9, 3), (2, 16)])
def test_the_pool_lab_runs_what_was_chosen(kind, tasks, workers):
    lab = choose(pool_lab(), tasks, workers, kind=kind)
    words = lab.run_once(LIMIT)
    run = lab.recording
    assert lab.error == "" and len(run.tasks) == run.count("returned") == tasks
    assert 1 <= run.peak_in_flight <= min(tasks, workers) and len(run.workers) <= min(tasks, workers)
    assert words.startswith(f"{len(run.workers)} of {workers} workers ran {tasks} task{'s' * (tasks > 1)} in ")
    assert f"At most {run.peak_in_flight} in flight, {run.concurrency:.1f} on average." in words
    assert lab._count.value == f"{tasks} of {tasks} tasks done"


def heard(lab):
    """What the lab's picture sends from now on."""
    sent = []
    lab.timeline.send = lambda content, buffers=None: sent.append(content)
    return sent


def test_the_pool_lab_sends_while_it_runs_and_stops():
    lab = choose(pool_lab(), 64, 2, work=1000)
    sent = heard(lab)
    lab.run_button.click()
    until(lambda: len(sent) >= 3, "three messages of the run")
    assert lab.running and not any(head["ended"] for one in sent for head in one["sections"])
    lab.stop_button.click()
    assert lab.wait(LIMIT), "it would have taken 32 s"
    run = lab.recording
    ended = run.count("returned")
    assert run.count("cancelled") >= 64 - ended > 0 and run.count("running") == run.count("queued") == 0
    assert lab.words.startswith("Stopped after ") and f"{run.count('cancelled')} cancelled in the queue." in lab.words
    assert "2 cut short" in lab.words
    assert lab.run_once(LIMIT) if choose(lab, 1, 1) else False, "it runs again"


@pytest.mark.parametrize("kind, computed", [(WAITING, 0), (COMPUTING, 40), (MIX, 20)])
def test_the_kinds_of_work(kind, computed, monkeypatch):
    done = []
    monkeypatch.setattr(pool_module, "python_task", done.append)
    assert pool_module._work(40, kind, threading.Event()) is True
    assert sum(done) == computed
    cut = threading.Event()
    cut.set()
    done.clear()
    assert pool_module._work(100_000, kind, cut) is False
    assert done == []


def test_an_error_ends_the_run_of_the_pool_lab(monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("no ink")

    lab = choose(pool_lab(), 64, 1, work=1000)
    monkeypatch.setattr(lab, "until_done", broken)
    lab.run_once(LIMIT)
    assert lab.error == "The run ended with OSError: no ink"
    assert lab.recording.count("running") == lab.recording.count("queued") == 0


def test_a_second_run_is_a_recording_of_its_own():
    lab = choose(pool_lab(), 5, 2)
    lab.run_once(LIMIT)
    first = lab.recording
    choose(lab, 3, 2).run_once(LIMIT)
    assert (len(first.tasks), len(lab.recording.tasks)) == (5, 3)


# The order lab


class Steps:
    """Tasks that each end when told, and the list of results seen."""

    def __init__(self, tasks):
        self.ends = [threading.Event() for _ in range(tasks)]
        self.ended = []
        self.seen = []

    def task(self, number):
        assert self.ends[number].wait(LIMIT)
        self.ended.append(number)
        return number

    def collect(self, results):
        for number in results:
            self.seen.append(number)

    def end(self, number):
        self.ends[number].set()
        until(lambda: number in self.ended, f"task {number} ended")


@pytest.mark.parametrize("way", [use_as_completed, use_wait])
def test_as_completed_and_wait_show_each_result_as_it_ends(way):
    steps = Steps(4)
    with ThreadPoolExecutor(4) as pool, ThreadPoolExecutor(1) as collector:
        collecting = collector.submit(steps.collect, way(pool, steps.task, 4))
        for count, number in enumerate((2, 0, 3, 1), start=1):
            steps.end(number)
            until(lambda count=count: len(steps.seen) == count, "it is seen")
        collecting.result(LIMIT)
    assert steps.seen == [2, 0, 3, 1]


def test_map_holds_results_back_behind_a_slow_first():
    steps = Steps(4)
    with ThreadPoolExecutor(4) as pool, ThreadPoolExecutor(1) as collector:
        collecting = collector.submit(steps.collect, use_map(pool, steps.task, 4))
        for number in (2, 1, 3):
            steps.end(number)
        assert steps.seen == []
        steps.end(0)
        collecting.result(LIMIT)
    assert steps.seen == [0, 1, 2, 3]


def test_the_order_lab_runs_the_same_tasks_in_three_ways():
    lab = order_lab()
    lab.tasks.value, lab.workers.value = 4, 2
    words = lab.run_once(LIMIT)
    assert [run.way for run in lab.runs] == ["map", "as_completed", "wait(FIRST_COMPLETED)"]
    assert list(lab.runs[0].seen) == [0, 1, 2, 3]
    for run, line in zip(lab.runs, words.splitlines(), strict=True):
        assert sorted(run.seen) == [0, 1, 2, 3] and len(run.recording.workers) <= 2
        assert all(run.seen[task.index] >= task.finished for task in run.recording.tasks)
        assert line == (f"{run.way.split('(')[0]}: first result seen at {run.first:.2f} s, last at {run.last:.2f} s, "
                        f"ready but unseen for {run.unseen:.2f} s in all.")  # fmt: skip
    assert lab._count.value == "12 of 12 results seen" and lab.error == ""
    assert [mark.text for mark in lab.runs[0].recording.marks] == [f"saw {n}" for n in range(4)]
    assert lab.still().alt.count(": 4 tasks; ") == 3


def test_the_numbers_of_a_run_come_from_its_stamps():
    run = Run("map")
    run.recording.rows += [
        ["task", 100, None, None, 100, 1_000_000_100, None, "returned"],
        ["task", 200, None, None, 300, 500_000_100, None, "returned"],
    ]
    run.seen = {0: 1_000_000_100, 1: 1_250_000_100}
    assert (run.first, run.last, run.unseen) == (1.0, 1.25, 0.75)


def test_the_order_lab_stops():
    lab = order_lab()
    lab.tasks.value, lab.workers.value = 12, 1
    sent = heard(lab)
    lab.run_button.click()
    until(lambda: len(sent) >= 2, "two messages of the run")
    lab.stop_button.click()
    assert lab.wait(LIMIT)
    assert lab.words.startswith("Stopped: ") and lab.error == ""
    assert all(len(run.seen) == 12 for run in lab.runs)


def test_an_error_in_one_way_is_said_and_ends_all(monkeypatch):
    def broken(pool, task, tasks):
        raise ValueError("no way")

    monkeypatch.setitem(order_module.WAYS, "map", broken)
    lab = order_lab()
    lab.run_once(LIMIT)
    assert lab.error == "The run ended with ValueError: no way"


def test_the_makespan_is_that_of_a_pool():
    assert order_module._makespan([3.0, 1.0, 1.0, 1.0], 2) == 3.0
    assert order_module._makespan([1.0, 1.0, 3.0], 2) == 4.0


# The Future lab

WAITS, LATE, ADD = "raises TimeoutError", "raises CancelledError", "None, fn ran at once"
TABLE = {  # what the seven methods answer in each state
    "PENDING": ["True", "False", "False", "False", WAITS, WAITS, "None"],
    "RUNNING": ["False", "False", "True", "False", WAITS, WAITS, "None"],
    "FINISHED": ["False", "False", "False", "True", "42", "None", ADD],
    "FAILED": ["False", "False", "False", "True", "raises ValueError('disk full')", "ValueError('disk full')", ADD],
    "CANCELLED": ["True", "True", "False", "True", LATE, LATE, ADD],
    "CANCELLED_AND_NOTIFIED": ["True", "True", "False", "True", LATE, LATE, ADD],
}
PATHS = {
    "PENDING": ["submit"],
    "RUNNING": ["submit", "start"],
    "FINISHED": ["submit", "start", "finish"],
    "FAILED": ["submit", "start", "fail"],
    "CANCELLED": ["submit", "cancel"],
    "CANCELLED_AND_NOTIFIED": ["submit", "cancel", "start"],
}
ENABLED = {
    None: {"submit"},
    "PENDING": {"start", "cancel"},
    "RUNNING": {"finish", "fail", "cancel"},
    "FINISHED": {"submit", "cancel"},
    "FAILED": {"submit", "cancel"},
    "CANCELLED": {"start", "cancel"},
    "CANCELLED_AND_NOTIFIED": {"submit", "cancel"},
}


def press(lab, *buttons):
    for name in buttons:
        getattr(lab, f"{name}_button").click()
        assert lab.error == ""


def enabled(lab):
    names = ("submit", "start", "finish", "fail", "cancel")
    return {name for name in names if not getattr(lab, f"{name}_button").disabled}


@pytest.mark.parametrize("state", PATHS)
def test_a_future_in_each_state(state):
    lab = future_lab()
    assert enabled(lab) == ENABLED[None] and lab.future is None
    press(lab, *PATHS[state])
    real = "FINISHED" if state == "FAILED" else state
    assert isinstance(lab.future, Future) and state_of(lab.future) == real
    assert [one.answer for one in answers(lab.future)] == TABLE[state]
    for one in answers(lab.future):
        row = lab._table.value.split(f">{one.call}<")[1].split("</tr>")[0]
        assert one.answer.replace("'", "&#x27;") in row and one.why.replace("'", "&#x27;") in row
    assert enabled(lab) == ENABLED[state]
    assert f"the Future is {real}" in lab.image.tooltip
    assert state_of(lab.future) == real, "asking has changed nothing"


@pytest.mark.parametrize("state", PATHS)
def test_a_twin_answers_as_the_future_itself_does(state):
    lab = future_lab()
    press(lab, *PATHS[state])
    twin, called = twin_of(lab.future), []
    assert twin is not lab.future and state_of(twin) == state_of(lab.future)
    lab.future.add_done_callback(called.append)
    assert bool(called) == (TABLE[state][6] == ADD)
    assert repr(lab.future.cancel()) == TABLE[state][0]


def test_cancel_does_not_stop_a_running_task():
    lab = future_lab()
    press(lab, "submit", "start", "cancel")
    assert lab.words == "future.cancel() returned False." and state_of(lab.future) == "RUNNING"
    press(lab, "finish")
    assert lab.future.result(0) == 42


def test_what_changed_is_marked():
    lab = future_lab()
    press(lab, "submit")
    assert "←" not in lab._table.value.split("</table>")[0]
    press(lab, "start")
    marked = [line.split("<")[1] for line in lab._table.value.split("</table>")[0].split("←")]
    assert len(marked) == 3, "cancel() and running() changed"


def test_one_future_after_another():
    lab = future_lab()
    seen = []
    for path in PATHS.values():
        if "submit" in enabled(lab):
            press(lab, *path)
        seen.append(lab.future)
        if "start" in enabled(lab):
            press(lab, "start")
        if "finish" in enabled(lab):
            press(lab, "finish")
    assert len(set(seen)) == len(PATHS)


def close_soon(lab, *held):
    """Close `lab` without waiting for the end of the time that it may hold a worker; `held` are its gates."""
    closing = threading.Thread(target=lab.close)
    closing.start()
    closing.join(LIMIT / 2)
    late = closing.is_alive()
    for gate in held:
        gate.set()
    closing.join(LIMIT)
    assert not late, "close() waited for a worker that nobody had let go"


@pytest.mark.parametrize("state", PATHS)
def test_closing_the_future_lab_ends_its_worker(state, monkeypatch):
    monkeypatch.setattr(future_module, "holding", lambda: 3600)
    before = set(threading.enumerate())
    lab = future_lab()
    assert set(threading.enumerate()) <= before, "no worker before it is needed"
    press(lab, *PATHS[state])
    assert set(threading.enumerate()) > before
    close_soon(lab, lab._start, lab._end)
    assert set(threading.enumerate()) <= before


def test_a_button_pressed_too_early_says_so():
    lab = future_lab()
    for name in ("start", "finish", "cancel"):
        getattr(lab, f"{name}_button").click()
        assert lab.error == "RuntimeError: there is no Future yet: press Submit first"
    press(lab, "submit")


def test_a_worker_that_does_not_come_is_said(monkeypatch):
    lab = future_lab()
    press(lab, "submit")
    monkeypatch.setattr(future_module, "SOON", 0.01)
    monkeypatch.setattr(lab._start, "set", lambda: None)
    lab.start_button.click()
    assert lab.error == "TimeoutError: the worker took no task within 0.01 s"
    monkeypatch.undo()


# The callback lab


def runs(lab):
    return [(event.callback, event.kind, event.thread, event.when) for event in lab.events if event.what == "ran"]


def test_who_runs_a_callback_of_a_pending_future():
    lab = callback_lab()
    lab.add_buttons["pending"].click()
    lab.add_buttons["pending"].click()
    assert runs(lab) == [] and lab.words == "Callback b is kept: whoever ends the Future will run it."
    lab.run_button.click()
    assert runs(lab) == [(name, "pending", "worker_0", "as the task ended") for name in "ab"]
    assert lab.words == "The worker ran the pending task. Its Future's callbacks ran in worker_0, in this order: a, b."
    lab.add_buttons["pending"].click()
    assert runs(lab)[2:] == [("c", "pending", "your clicks", "inside add_done_callback()")]
    assert lab.run_button.disabled and lab.cancel_button.disabled and lab.error == ""


def test_who_runs_a_callback_when_the_future_is_cancelled():
    lab = callback_lab()
    lab.add_buttons["pending"].click()
    lab.cancel_button.click()
    assert runs(lab) == [("a", "pending", "your clicks", "inside cancel()")]
    me = threading.current_thread().name
    assert lab.words == f"cancel() returned True. Its Future's callbacks ran in {me}, in this order: a."


@pytest.mark.parametrize("kind", ["finished", "cancelled"])
def test_who_runs_a_callback_that_comes_late(kind):
    lab = callback_lab()
    lab.add_buttons[kind].click()
    assert runs(lab) == [("a", kind, "your clicks", "inside add_done_callback()")]
    assert lab.words == f"Callback a ran at once, in the thread that added it: {threading.current_thread().name}."
    assert state_of(lab.futures["finished"]) == "FINISHED" and state_of(lab.futures["cancelled"]) == "CANCELLED"
    assert f"a on the {kind} Future ran in your clicks inside add_done_callback()" in lab.image.tooltip


def test_the_futures_of_the_callback_lab_are_real():
    lab = callback_lab()
    lab.add_buttons["pending"].click()
    assert all(type(future) is Future for future in lab.futures.values())
    with pytest.raises(CancelledError):
        lab.futures["cancelled"].result(timeout=0)
    lab.run_button.click()
    assert lab.futures["pending"].result(timeout=0) == 0


def test_the_table_lists_callbacks_in_the_order_they_ran():
    lab = callback_lab()
    for kind in ("pending", "cancelled", "finished"):
        lab.add_buttons[kind].click()
    cells = lab._log.value.split("<td ")[1:]
    assert [cell.split(">")[1].split("<")[0] for cell in cells[::4]] == ["b", "c", "a"]
    assert "not run yet" in cells[10]


def test_the_callback_lab_starts_again_and_has_room_for_eight():
    lab = callback_lab()
    for _ in range(8):
        lab.add_buttons["pending"].click()
    assert all(one.disabled for one in lab.add_buttons.values()) and "press Start again" in lab.words
    lab.run_button.click()
    assert [event.callback for event in lab.events] == list("abcdefgh" * 2)
    old = lab.futures["pending"]
    lab.again_button.click()
    assert lab.events == [] and not lab.run_button.disabled and not lab.add_buttons["pending"].disabled
    lab.add_buttons["pending"].click()
    assert lab.futures["pending"] is not old and runs(lab) == []


def test_clicks_from_many_threads_do_not_mix():
    lab = callback_lab()
    together = threading.Barrier(4)

    def click(kind):
        together.wait(LIMIT)
        lab.add_buttons[kind].click()
        return lab.error

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(click, ["pending", "finished", "cancelled", "pending"])) == [""] * 4
    assert sorted(event.callback for event in lab.events if event.what == "added") == list("abcd")
    for name, kind, where, when in runs(lab):
        assert kind != "pending" and (where, when) == ("your clicks", "inside add_done_callback()"), name


@pytest.mark.parametrize("clicks", [[], ["add"], ["add", "run"], ["add", "cancel"], ["add", "again"]])
def test_closing_the_callback_lab_ends_its_worker(clicks, monkeypatch):
    monkeypatch.setattr(callback_module, "holding", lambda: 3600)
    before = set(threading.enumerate())
    lab = callback_lab()
    buttons = {"add": lab.add_buttons["pending"], "run": lab.run_button, "cancel": lab.cancel_button}
    for name in clicks:
        buttons.get(name, lab.again_button).click()
    assert bool(clicks) == (set(threading.enumerate()) != before)
    close_soon(lab, lab._gate)
    assert set(threading.enumerate()) <= before and lab.error == ""
