"""A wait is passed over where nothing can come any more, and a deadlock is told at once: proven, not guessed."""

import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from exercise_file import changed, with_check, written

from exercises.engine.check import Check
from exercises.engine.rest import Look, Signal, Wait, pass_over
from exercises.learner import judged

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says where threads stand")
LONG = 4.0  # seconds: nobody waits for them


@pytest.fixture
def exercise(tmp_path):
    return written(tmp_path)


@pytest.fixture
def stood():
    """What threads stand at, opened at the end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def alone():
    """Only where the threads that the test runner itself has don't poll."""
    look = Look()
    look.rests(Check.now)
    time.sleep(0.1)
    if not look.rests(Check.now):
        pytest.skip("this test runner has threads that go on by themselves")


def looks(number=3):
    """Whether this process rested at any of so many looks, seen from a thread of its own."""
    seen = []

    def see():
        look = Look()
        for _ in range(number):
            seen.append(look.rests(Check.now))
            time.sleep(0.05)

    thread = threading.Thread(target=see)
    thread.start()
    thread.join()
    return any(seen)


def waits_for_nothing(tasks, workers):
    threading.Event().wait()


def sleeps_and_returns(tasks, workers):
    for _ in range(20):
        time.sleep(0.05)
    return [task() for task in tasks]


def computes_and_returns(tasks, workers):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: (sum(range(10**7)), [task() for task in tasks])[1]).result()


def hears_from_a_process(tasks, workers):
    import subprocess

    with ThreadPoolExecutor(1) as pool:
        pool.submit(subprocess.run, [sys.executable, "-c", "import time; time.sleep(0.5)"], check=True).result()
    return [task() for task in tasks]


def wakes_up_late(tasks, workers):
    done = threading.Event()
    threading.Timer(0.7, done.set).start()
    done.wait()
    return [task() for task in tasks]


def test_a_deadlock_is_told_at_once(exercise):
    patient = changed(exercise, ("LIMIT = 2", "LIMIT = 10"))
    assert judged(patient, waits_for_nothing).says[0] == (
        "It did not end: your code waited for something that never came."  # else it says how many seconds that took
    )


@pytest.mark.parametrize(
    "answer", [sleeps_and_returns, computes_and_returns, hears_from_a_process, wakes_up_late], ids=lambda f: f.__name__
)
def test_what_goes_on_by_itself_is_no_deadlock(exercise, answer):
    assert judged(changed(exercise, ("LIMIT = 2", "LIMIT = 10")), answer).passed


def test_a_loop_is_given_its_whole_limit(exercise):
    says = judged(exercise, lambda tasks, workers: [None for _ in iter(int, 1)]).says[0]
    assert re.match(r"It did not end within 1\.[78] s: your code still ran", says)


GATES = """
first, second = Gate(2, patience=1), Gate(2, patience=3)
threads = [threading.Thread(target=gate.task) for gate in (second, first)]
for thread in threads: thread.start()
threads[1].join()
yield first.gave_up and not second.gave_up, f"first {first.gave_up}, second {second.gave_up}"
threads[0].join()
yield second.gave_up, "the second too"
collect([], 1)
"""


def test_waits_are_over_in_their_order(exercise):
    checked = with_check(exercise, "import threading", *GATES.strip().splitlines())
    assert judged(checked, lambda tasks, workers: []).says[:2] == ["first True, second False", "the second too"]


def test_a_wait_that_can_still_be_answered_is_not_passed_over(exercise):
    lines = [
        "import threading",
        "from exercises.kit import Signal",
        "signal = Signal()",
        "late = threading.Timer(0.5, signal.set)",
        "late.start()",
        "yield signal.wait(4), 'it came'",
        "collect([], 1)",
    ]
    assert judged(with_check(exercise, *lines), lambda tasks, workers: []).says == ["it came"]


def test_a_thread_that_waits_with_a_timeout_does_not_rest(alone, stood):
    threading.Thread(target=stood.wait).start()
    assert looks()
    threading.Thread(target=stood.wait, args=(LONG,)).start()
    assert not looks()


def test_passing_over_ends_the_first_wait_alone():
    check = Check().begin()
    first, second = Wait(1), Wait(3)
    for number, wait in enumerate((first, second)):
        check.waits[-number - 1] = wait  # as threads of their own would
    assert pass_over(check, check.waits.copy()) and first.over() and not second.over()
    assert 1.5 < second.left() < 2.1
    check.waits.clear()
    assert not pass_over(check, {})


def test_a_wait_that_ended_since_the_look_is_no_deadlock_and_nothing_is_passed_over():
    check = Check().begin()
    ended, began = Wait(1), Wait(1)
    assert pass_over(check, {-1: ended}), "it was not proven that nothing can come"
    check.waits[-1] = began
    assert pass_over(check, {-1: ended}) and not began.over()
    check.waits.clear()


def test_a_signal_that_is_set_says_so_at_its_end_too():
    signal = Signal()
    assert not signal.wait(0.01)
    signal.set()
    assert signal.wait(0) and signal.wait()
    assert not Check.now.waits
