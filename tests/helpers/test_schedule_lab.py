"""Two threads stepped line by line: the orders that can be had, locks, deadlocks, errors, and that nothing is left."""

import threading
import time
from collections import Counter

import pytest

from helpers import schedule_lab, stepping
from helpers.labs import schedule as schedule_module
from helpers.stepping import Stepper, every_order

account = {"balance": 0}
lock, other = threading.Lock(), threading.RLock()


def deposit():
    seen = account["balance"]
    account["balance"] = seen + 1


def deposit_locked():
    with lock:
        seen = account["balance"]
        account["balance"] = seen + 1


def one_way():
    with lock:
        with other:  # a line of its own: a step of its own
            account["balance"] += 1


def other_way():
    with other:
        with lock:  # a line of its own: a step of its own
            account["balance"] += 1


def fails():
    account["balance"] += 1
    raise ValueError("no money")


def for_ever():
    while True:
        account["balance"] += 1


def sleeps():
    time.sleep(0.2)
    account["balance"] += 1


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    stepped = [thread for thread in threading.enumerate() if thread.name.startswith("thread ")]
    assert stepped == []
    assert account == {"balance": 0}, "the data is set back"
    assert type(lock) is type(threading.Lock()) and lock.acquire(False)
    lock.release()


def outcomes(*functions, **kwargs):
    runs, every = every_order(functions, account, **kwargs)
    return Counter(run.outcome for run in runs), every


def test_of_six_orders_four_lose_an_update():
    runs, every = every_order([deposit], account)
    assert every
    assert {run.order: run.outcome for run in runs} == {
        "AABB": "{'balance': 2}",
        "BBAA": "{'balance': 2}",
        "ABAB": "{'balance': 1}",
        "ABBA": "{'balance': 1}",
        "BAAB": "{'balance': 1}",
        "BABA": "{'balance': 1}",
    }


def test_a_step_has_its_line_and_what_the_thread_and_the_data_held_then():
    with Stepper([deposit], account) as stepper:
        for name in "ABB":
            stepper.step(name)
        steps = [(step.thread, step.text, step.local, step.data) for step in stepper.run.steps]
        assert stepper.says("A") == f'stands before line {steps_line(1)}: account["balance"] = seen + 1'
        assert stepper.says("B") == "has ended" and stepper.ready == ["A"]
    assert steps == [
        ("A", 'seen = account["balance"]', {"seen": "0"}, "{'balance': 0}"),
        ("B", 'seen = account["balance"]', {"seen": "0"}, "{'balance': 0}"),
        ("B", 'account["balance"] = seen + 1', {"seen": "0"}, "{'balance': 1}"),
    ]


def steps_line(number):
    return deposit.__code__.co_firstlineno + 1 + number


def test_a_lock_leaves_two_orders():
    runs, every = every_order([deposit_locked], account)
    assert every and [(run.order, run.outcome) for run in runs] == [
        ("AAAABBBB", "{'balance': 2}"),
        ("BBBBAAAA", "{'balance': 2}"),
    ]


def test_a_thread_that_finds_a_lock_taken_waits_and_says_so():
    with Stepper([deposit_locked], account) as stepper:
        assert stepper.step("A") == "ready"
        assert stepper.step("B") == "waits" and stepper.ready == ["A"]
        says = f"waits in line {deposit_locked.__code__.co_firstlineno + 1} for the lock `lock`"
        assert stepper.says("B") == says
        with pytest.raises(ValueError, match=f"thread B {says}"):
            stepper.step("B")
        for _ in range(3):
            stepper.step("A")
        assert stepper.run.order == "AAAAB", "B took the lock as soon as A gave it back"
        assert stepper.ready == ["B"]


def test_a_lock_in_a_closure_is_respected():
    mine = threading.Lock()

    def deposit_in_a_closure():
        with mine:
            seen = account["balance"]
            account["balance"] = seen + 1

    runs, _ = every_order([deposit_in_a_closure], account)
    assert [run.order for run in runs] == ["AAAABBBB", "BBBBAAAA"]
    assert not mine.locked()


def test_locks_taken_in_two_orders_can_deadlock_and_in_one_order_not():
    found, every = outcomes(one_way, other_way)
    assert every and found["deadlock"] == 2 and set(found) == {"deadlock", "{'balance': 2}"}
    assert outcomes(one_way)[0].keys() == {"{'balance': 2}"}


def test_an_error_is_the_outcome_of_its_thread():
    runs, _ = every_order([fails, deposit], account)
    assert {run.outcome for run in runs} == {"A raised ValueError: no money"}
    assert all(run.complete for run in runs)


def test_what_never_ends_is_cut_off():
    runs, every = every_order([for_ever], account, most=3)
    assert len(runs) == 3 and not every
    assert all(run.outcome == "unfinished" and len(run.steps) == 60 for run in runs)


def test_the_search_stops_when_asked():
    asked = []
    assert every_order([deposit], account, stop=lambda: bool(asked.append(1)) or len(asked) > 8)[1] is False


def test_a_line_that_takes_longer_than_the_patience_is_said_to_wait_and_goes_on_later():
    with Stepper([sleeps], account, patience=0.05) as stepper:
        assert stepper.step("A") == "waits" and "for something" in stepper.says("A")
        assert not stepper.run.stuck, "nobody knows that it will not end"
        end = time.monotonic() + 30
        while "A" not in stepper.ready:
            assert time.monotonic() < end
            time.sleep(0.01)
        stepper.step("A")
        assert stepper.says("A") == "has ended"


async def coroutine():
    pass


def generator():
    yield


@pytest.mark.parametrize(
    "functions, data, says",
    [
        ([], account, "functions must be one for both threads or one for each, not 0"),
        ([len], account, "fn must be a function without arguments, defined with `def`, not <built-in function len>"),
        ([lambda x: x], account, r"<lambda> takes \(x\)"),
        ([coroutine], account, "coroutine is async or a generator"),
        ([generator], account, "generator is async or a generator"),
        ([deposit], 5, "data must be a dict or a list that the functions share, not 5"),
        ([deposit], {"lock": threading.Lock()}, "data must hold what can be copied"),
    ],
)
def test_what_can_not_be_stepped_is_refused(functions, data, says):
    with pytest.raises(TypeError, match=says):
        every_order(functions, data)
    with pytest.raises(TypeError, match=says):
        schedule_lab(*functions, data=data)


def test_a_list_is_set_back_too():
    seen = []

    def append():
        seen.append(len(seen))

    runs, _ = every_order([append], seen)
    assert {run.data for run in runs} == {"[0, 1]"} and seen == []


# The lab


@pytest.fixture
def lab():
    lab = schedule_lab(deposit, data=account)
    yield lab
    lab.close()


def press(lab, order):
    for name in order:
        lab.step_buttons[name].click()
        assert lab.error == ""


def test_the_lab_steps_by_hand(lab):
    assert lab.run.steps == [], "no thread before the first click"
    press(lab, "AB")
    assert lab.words == 'Thread B ran: seen = account["balance"]'
    press(lab, "AB")
    assert lab.words == "Thread B ran: account[\"balance\"] = seen + 1 Both have ended: {'balance': 1}."
    assert lab.step_buttons["A"].disabled and lab.run.order == "ABAB"
    assert "thread B ran account" in lab.image.tooltip
    lab.again_button.click()
    assert account == {"balance": 0} and not lab.step_buttons["A"].disabled


def test_the_lab_says_when_an_order_can_not_be_had():
    lab = schedule_lab(deposit_locked, data=account)
    press(lab, "AB")
    assert "waits in line" in lab.words and "for the lock `lock`" in lab.words
    press(lab, "B")
    assert lab.words.endswith("This order can't be had: run A first.")
    lab.every_button.click()
    assert lab.words.splitlines() == [
        "Of 70 orders of 4 + 4 lines 2 can be had; a lock forbids the others.",
        "2 of 2 end with {'balance': 2}.",
    ]
    lab.close()


def test_the_lab_tries_every_order_and_replays_one(lab):
    press(lab, "A")
    lab.every_button.click()
    assert lab.error == ""
    assert lab.words.splitlines() == [
        "6 orders of 2 + 2 lines, all tried.",
        "4 of 6 end with {'balance': 1}; 2 of 6 end with {'balance': 2}.",
    ]
    assert lab.found.options[0] == "ABAB → {'balance': 1}" and len(lab.found.options) == 6
    assert lab.image.tooltip.endswith("then the data was {'balance': 1}.")
    lab.found.index = 5
    assert lab.image.tooltip.endswith("then the data was {'balance': 2}.")


def test_a_deadlock_by_hand_is_said_and_ends_with_the_lab():
    lab = schedule_lab(one_way, other_way, data=account)
    press(lab, "ABAB")
    assert lab.words.endswith("Neither can go on: a deadlock. Press Start again.")
    lab.close()
    lab.step_buttons["A"].click()
    assert lab.error.startswith("RuntimeError: this lab is closed")


def test_a_long_search_ends_by_itself(lab, monkeypatch):
    monkeypatch.setattr(schedule_module, "LIMIT", 0.0)
    lab.every_button.click()
    assert lab.words.startswith("0 orders tried; there are more") and lab.found.disabled


def test_names_of_the_threads_are_the_columns():
    assert set(schedule_module.SHADES) == set(stepping.NAMES)
