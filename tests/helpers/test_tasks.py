"""Tasks return what was asked for, let the GIL go or not as their words say, and gates never hang."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers import tasks
from helpers.tasks import Gate, compress_task, fail_task, hash_task, io_task, python_task

AMOUNTS = [io_task, python_task, hash_task, compress_task]


@pytest.mark.parametrize("task", AMOUNTS)
def test_a_task_returns_its_value_or_its_amount(task):
    assert task(0.001) == 0.001
    assert task(0.001, value="page 3") == "page 3"
    assert task(0) == 0


@pytest.mark.parametrize("task", AMOUNTS)
@pytest.mark.parametrize("amount, error", [(-1, ValueError), ("1", TypeError), (float("nan"), ValueError)])
def test_a_bad_amount_is_named(task, amount, error):
    name = "seconds" if task is io_task else "milliseconds"
    with pytest.raises(error, match=name):
        task(amount)


def test_what_can_not_be_shown_is_named_all_the_same():
    class Odd:
        def __repr__(self):
            raise OSError

    with pytest.raises(TypeError, match=r"seconds must be .*, not <a Odd whose repr raises OSError>"):
        io_task(Odd())


@pytest.mark.parametrize("task, kind", [(python_task, "count"), (hash_task, "digest"), (compress_task, "compress")])
def test_a_task_does_its_own_kind_of_work(monkeypatch, task, kind):
    done = []
    monkeypatch.setattr(tasks, kind, done.append)
    monkeypatch.setattr(tasks, "units", lambda kind, milliseconds: (kind, milliseconds))
    task(4)
    assert done == [(done.append, 4)]


@pytest.mark.parametrize("kind", [tasks.count, tasks.digest, tasks.compress])
def test_the_calibration_follows_the_amount(kind):
    once = tasks.units(kind, 1)
    assert once > 1000
    assert tasks.units(kind, 5) == pytest.approx(5 * once)


def test_tasks_that_start_together_are_calibrated_once():
    tasks._per_millisecond.cache_clear()
    together = threading.Barrier(4)

    def units(_):
        together.wait(10)
        return tasks.units(tasks.count, 1)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(units, range(4)))) == 1
    assert tasks._per_millisecond.cache_info().misses == 1


def test_hashing_covers_every_byte_asked_for(monkeypatch):
    sizes = []

    class Digest:
        def update(self, block):
            sizes.append(len(block))

    monkeypatch.setattr(tasks.hashlib, "sha256", Digest)
    tasks.digest(len(tasks.BLOCK) * 2 + 5000)
    tasks.digest(10)
    assert sizes == [1 << 20, 1 << 20, 5000, 2048]
    assert min(sizes) > 2047, "at 2,047 bytes and fewer hashlib keeps the GIL"


@pytest.mark.parametrize("piece", ["python_piece", "hash_piece", "compress_piece", "sleep_piece"])
def test_pieces_run(piece):
    assert getattr(tasks, piece)() is None


def test_a_processor_slow_at_hashing_gets_a_smaller_piece(monkeypatch):
    usual, sha = len(tasks.small_block()), tasks.hashlib.sha256
    monkeypatch.setattr(tasks.hashlib, "sha256", lambda block: [sha(block) for _ in range(30)])
    assert 4 << 10 <= len(tasks.small_block()) <= usual / 2


def test_fail_task_says_its_message():
    with pytest.raises(ValueError, match="disk full"):
        fail_task("disk full")


def test_a_gate_holds_tasks_until_it_opens():
    with ThreadPoolExecutor(3) as pool, Gate() as gate:
        futures = [pool.submit(gate.task, n) for n in range(5)]
        gate.wait_for(3)
        assert gate.arrived == 3
        assert [f.done() for f in futures] == [False] * 5
        gate.open()
        assert [f.result(10) for f in futures] == [0, 1, 2, 3, 4]
        assert gate.arrived == 5


def test_leaving_the_block_opens_the_gate_on_an_error_too():
    gate = Gate()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(gate.task, "through")
        with pytest.raises(KeyError), gate:
            raise KeyError
        assert future.result(10) == "through"


def test_waiting_for_tasks_that_never_come_says_how_many_did():
    with ThreadPoolExecutor(1) as pool, Gate() as gate:
        pool.submit(gate.task)
        gate.wait_for(1)
        with pytest.raises(TimeoutError, match=r"1 of 2 tasks stood at the gate after 0.01 s \(1 had"):
            gate.wait_for(2, timeout=0.01)


def test_a_gate_nobody_opens_lets_its_task_fail():
    with pytest.raises(TimeoutError, match=r"within 0.01 s"):
        Gate(limit=0.01).task()


@pytest.mark.parametrize("limit, error", [(0, ValueError), (None, TypeError), (601, ValueError)])
def test_a_bad_limit_is_named(limit, error):
    with pytest.raises(error, match="limit"):
        Gate(limit=limit)


def test_a_bad_number_of_tasks_is_named():
    with Gate() as gate:
        with pytest.raises(ValueError, match="tasks"):
            gate.wait_for(-1)
        with pytest.raises(ValueError, match="timeout"):
            gate.wait_for(0, timeout=-1)
