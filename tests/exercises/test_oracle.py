"""The oracle: inputs that people forget, compared by type and value, and one sentence on which input gave what."""

import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial

import numpy as np
import pytest
from exercise_file import changed, written

from exercises.engine.alike import unlike
from exercises.engine.inputs import Inputs, Own
from exercises.engine.oracle import Given, compared
from exercises.engine.problem import ExerciseError
from exercises.learner import judged


def collect(tasks, workers):
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda task: task(), tasks))


def sort_out(fn, items, workers):
    results, errors = {}, {}
    with ThreadPoolExecutor(workers) as pool:
        item_of = {pool.submit(fn, item): item for item in items}
        for future, item in item_of.items():
            if future.exception() is None:
                results[item] = future.result()
            else:
                errors[item] = future.exception()
    return results, errors


def one_by_one(fn, items):
    yield from map(fn, items)


def tell_all(pool, futures, report):
    for n, future in enumerate(futures):
        future.add_done_callback(lambda done, n=n: report(n, done.cancelled() or done.exception() or done.result()))
    return futures


TASKS = Inputs(lambda given: (given.tasks, given.workers))
ITEMS = Inputs(lambda given: (given.fn, given.once, given.workers), different=True)
STREAM = Inputs(lambda given: (given.fn, given.slow), endless=True)
FUTURES = Inputs(lambda given: (given.pool(), given.futures, given.note))


def found(solution, answer, inputs):
    """What is held against the answer, in a sentence."""
    *words, last = compared(solution, answer, inputs)
    assert len(words) >= 1 and all(wrong is None for _, wrong, _ in words)
    return last[1] and f"{last[0]}, {last[1]}."


@pytest.mark.parametrize(
    "solution, inputs", [(collect, TASKS), (sort_out, ITEMS), (one_by_one, STREAM), (tell_all, FUTURES)]
)
def test_the_solution_is_like_itself(solution, inputs):
    assert found(solution, solution, inputs) is None


def another_of_its_kind(tasks, workers):
    try:
        return collect(tasks, workers)
    except Exception as error:
        raise type(error)(*error.args) from None


def on_tasks(change):
    return lambda tasks, workers: change(collect(tasks, workers))


def shared(tasks, workers):
    known = {}
    return [known.setdefault(value, value) if value.__hash__ else value for value in collect(tasks, workers)]


def emptied(tasks, workers):
    results = collect(tasks, workers)
    tasks.clear()
    return results


def errors_as_values(tasks, workers):
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        return [future.exception() or future.result() for future in futures]


def raised_when_returned(tasks, workers):
    results = collect(tasks, workers)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def a_worker_for_each(tasks, workers):
    return collect(tasks, len(tasks))


def at_most_five(tasks, workers):
    return collect(tasks[:5], workers)


def lost_outside_exception(tasks, workers):
    def one(task):
        try:
            return task()
        except Exception:
            raise
        except BaseException:
            return None

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, tasks))


def one_wave_alone(tasks, workers):
    return collect(tasks[:workers], workers) + [task() for task in tasks[workers:]]


def known_by_itself(tasks, workers):
    return list(dict(zip(tasks, collect(tasks, workers), strict=True)).values())


def once_more(tasks, workers):
    def one(task):
        try:
            return task()
        except ValueError:
            return task()

    return collect([partial(one, task) for task in tasks], workers)


UNKNOWN = "not known"


def marked_with_a_text(tasks, workers):
    return [value for value in collect(tasks, workers) if not isinstance(value, str) or value != UNKNOWN]


def marked_with_an_error(tasks, workers):
    def one(task):
        try:
            return task()
        except UnicodeDecodeError:  # one that can't be made of a text
            raise
        except InterruptedError:
            return None

    return collect([partial(one, task) for task in tasks], workers)


class Agreeing(list):
    def __eq__(self, other):
        return True


TASKS_WRONG = [
    (on_tasks(np.array), "With no tasks, it returned array([], dtype=float64) of type numpy.ndarray, not []"),
    (on_tasks(tuple), "With no tasks, it returned () of type tuple, not [] of type list."),
    (on_tasks(iter), "With no tasks, it gave [], one by one, where it should have returned []."),
    (on_tasks(lambda values: Agreeing(values[:-1])), "With one task, it returned [], not ['a']."),
    (on_tasks(sorted), "With 23 tasks, it returned as number 3, 'r10', not 'r2'."),
    (on_tasks(lambda values: [v for v in values if v is not None]), "it returned [0, False, '', []], not [None, 0,"),
    (on_tasks(lambda rs: [r for r in rs if r != r] or rs), "results NaN, a list and a tuple, it returned [nan]"),
    (on_tasks(lambda rs: [list(r) if type(r) is tuple else r for r in rs]), "['a', 'b']], not [nan, ['a', 'b'], ('a"),
    (shared, "it returned [None, 0, 0, '', []], not [None, 0, False, '', []]."),
    (emptied, "With one task, it changed the list that it was given."),
    (errors_as_values, "Where the second of 4 tasks raises ValueError, it returned ['a', ValueError("),
    (raised_when_returned, "returned and not raised, it raised KeyError: 'a value', where it should have returned"),
    (a_worker_for_each, "With no tasks, it raised ValueError: max_workers must be greater than 0, where it should"),
    (at_most_five, "With 23 tasks, it returned 5 values, not 23: "),
    (another_of_its_kind, "it raised ValueError: the second fails, which looks like what was raised and is another"),
    (lost_outside_exception, "raises BaseException, it returned ['a', None, 'c'], where it should"),
    (known_by_itself, "For twice the same task, it returned ['a'], not ['a', 'a']."),
    (lambda tasks, n: collect(tasks, min(n, 32)), "36 workers, at most 32 of them went on together"),
    (lambda tasks, n: collect(tasks, max(n, 2)), "1 worker, 2 of them went on together, where it should have been 1"),
    (lambda tasks, n: collect(tasks, max(1, min(n, len(tasks) // 2))), "3 tasks and 3 workers, at most 1 of them went"),
    (lambda tasks, n: right(tasks, n), "at most 1 of them went on together, where it should"),
    (one_wave_alone, "after the first 36, at most 1 of them went on together, where it should have been 36."),
    (once_more, "the second of 4 tasks raises ValueError, number 2 of them was called twice, not once."),
    (marked_with_a_text, "For results that stand in your code, it returned [], not ['not known']."),
    (partial(marked_with_a_text), "For results that stand in your code, it returned [], not ['not known']."),
    (marked_with_an_error, "3 tasks raises InterruptedError, which your code names, it returned ['a', None"),
    (lambda tasks, n: collect(tasks, n) and collect(tasks, n), "number 1 of them was called twice, not once."),
]  # fmt: skip


def test_numbers_of_the_code_are_known_wherever_python_keeps_them():
    assert set(Own.of(lambda value: value in (7, 8) or {value: 0, 99: 255, 256: -1}).values) >= {0, 99, 255, 256, -1}


@pytest.mark.parametrize("answer, sentence", TASKS_WRONG)
def test_each_difference_is_said_in_a_sentence(answer, sentence):
    assert sentence in found(collect, answer, TASKS)


def test_a_list_in_a_list_is_to_stay_as_it_was():
    def sums(rows):
        return [sum(row) for row in rows]

    def emptied(rows):
        return [sum(row.pop() for _ in row[:]) for row in rows]

    inputs = Inputs(also={words: lambda given: ([[1, 2], [3]],) for words in ("Two rows", "Once more")})
    assert found(sums, sums, inputs) is None
    wrong = [wrong for _, wrong, _ in compared(sums, emptied, inputs)]
    assert wrong == [None, "it changed the list that it was given"]


def none_left_out(fn, items, workers):
    results, errors = sort_out(fn, items, workers)
    return {item: value for item, value in results.items() if value is not None}, errors


def falsy_is_the_end(fn, items, workers):
    return sort_out(fn, iter(lambda: next(items, None), None), workers)


def a_text_is_the_end(fn, items, workers):
    return sort_out(fn, iter(lambda: next(items, "no more"), "no more"), workers)


def read_twice(fn, items, workers):
    return sort_out(fn, [item for item in items for _ in "x"] if list(items) else [], workers)


def other_errors(fn, items, workers):
    results, errors = sort_out(fn, items, workers)
    return results, {item: RuntimeError(str(error)) for item, error in errors.items()}


def remade_errors(fn, items, workers):
    results, errors = sort_out(fn, items, workers)
    return results, {item: type(error)(*error.args) for item, error in errors.items()}


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (none_left_out, "For results None, 0, False, '' and [], it returned"),
        (falsy_is_the_end, "For the items None, 0, '', 'end' and (), it returned"),
        (a_text_is_the_end, "For items that stand in your code, it returned ({}, {}), not ({'no more': 'r0'}, {})."),
        (read_twice, "With one item, it returned ({}, {}), not ({'item 0': 'a'}, {})."),
        (remade_errors, "which looks like what was raised and is another object"),
        (other_errors, "Where the second of 4 items raises ValueError, it returned"),
    ],
)
def test_items_that_are_read_once(answer, sentence):
    assert sentence in found(sort_out, answer, ITEMS)


def test_input_that_is_slow_or_endless():
    def reads_ahead(fn, items):
        yield from map(fn, list(items))

    def starts(fn, items):
        with ThreadPoolExecutor(1) as pool:
            for item in items:
                yield pool.submit(fn, item).result()

    def raises_at_the_end(fn, items):
        errors = []
        for item in items:
            try:
                yield fn(item)
            except ValueError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    what = "raises ValueError, it gave ['a', 'c', 'd'], not ['a'], before it raised ValueError: the second fails."
    assert what in found(one_by_one, raises_at_the_end, STREAM)
    started = time.monotonic()
    assert "it took an item from a slow input before" in found(one_by_one, reads_ahead, STREAM)
    assert time.monotonic() - started < 30
    assert found(one_by_one, starts, STREAM) is None


def test_callbacks_are_compared_in_any_order():
    def in_turn(pool, futures, report):
        for future in as_completed(futures):
            n = futures.index(future)
            report(n, future.cancelled() or future.exception() or future.result())
        return futures

    def never(pool, futures, report):
        return futures

    def again(pool, futures, report):
        report(0, "a")
        return tell_all(pool, futures, report)

    assert found(tell_all, in_turn, FUTURES) is None
    assert found(tell_all, never, FUTURES) == "With one future, (0, 'a') was never reported."
    assert found(tell_all, again, FUTURES) == "With no futures, (0, 'a') was reported for nothing."


def test_what_an_exercise_allows_sets_the_inputs():
    def words(inputs):
        return [words for words, _, _ in compared(collect, collect, inputs)]

    assert "With no tasks" in words(TASKS)
    least = words(Inputs(lambda given: (given.tasks, 2), least=2, raises=False))
    assert not any(word in text for text in least for word in ("With no ", "With one", "raises", "worker", "item"))
    numbers = words(Inputs(lambda given: (given.tasks, 2), values="numbers"))
    assert "For results 0.5, NaN and 0.25" in numbers
    also = words(Inputs(also={"With two that wait": lambda given: ([int, str], given.workers)}))
    assert also == ["With two that wait"]
    with pytest.raises(ValueError, match="values must be one of anything, numbers, texts, not 'text'"):
        Inputs(values="text")


class Odd:
    def __eq__(self, other):
        raise RuntimeError("ask me not")

    def __repr__(self):
        raise RuntimeError("show me not")

    __hash__ = None


def done(value):
    future = Future()
    future.set_result(value)
    return future


@pytest.mark.parametrize(
    "given, right, alike",
    [
        (math.nan, math.nan, True), (1, 1.0, False), (True, 1, False), (1, True, False), (0, None, False),
        ([1], (1,), False), ([1, [2]], [1, [2]], True), ({1: "a"}, {1: "a"}, True), ({1: "a"}, {1: "b"}, False),
        (np.int64(3), 3, False), (np.array([1, 2]), [1, 2], False), (Odd(), 3, False), (Odd(), [3], False),
        ([Odd()], [3], False), (3, [3], False), (KeyError("a"), KeyError("a"), True),
        (KeyError("a"), KeyError("b"), False),
        (done(1), done(1), True), (done(1), done(2), False), (1, done(1), False), ({"a"}, {"a"}, True),
    ],
)  # fmt: skip
def test_type_and_value_are_compared(given, right, alike):
    assert (unlike(given, right) is None) == alike


# In an exercise file


@pytest.fixture
def exercise(tmp_path):
    exercise = written(tmp_path)
    return changed(exercise, ("import Gate, once", "import Gate, Inputs, once"), ("LIMIT = 2", f"LIMIT = 2\n{LINE}"))


LINE = "INPUTS = Inputs(lambda given: (given.tasks, given.workers), crowd=False)"


def right(tasks, workers):
    return [task() for task in tasks]


def test_the_verdict_says_which_input_gave_what(exercise):
    verdict = judged(exercise, right)
    assert verdict.passed and verdict.says[-1].startswith("So it was on 18 other inputs")
    verdict = judged(exercise, lambda tasks, workers: [r for task in tasks if (r := task()) is not None])
    gave = "it returned [0, False, '', []], not [None, 0, False, '', []]."
    assert verdict.says[-1] == f"For results None, 0, False, '' and [], {gave}"


def test_an_exception_shows_the_learners_line(exercise):
    def divides(tasks, workers):
        tasks = list(tasks)
        return 6 / len(tasks) and right(tasks, workers)

    verdict = judged(exercise, divides)
    assert verdict.says[1].startswith("With no tasks, it raised ZeroDivisionError: ")
    assert "in divides: `return 6 / len(tasks)" in verdict.says[2]


def test_a_hang_says_on_which_input(exercise):
    def hangs(tasks, workers):
        results = right(tasks, workers)
        if len(results) == 23:
            threading.Event().wait()
        return results

    assert judged(exercise, hangs).says[1].startswith("With 23 tasks: It did not end: your code waited for something")


def test_nothing_is_compared_after_a_refusal(exercise):
    assert judged(exercise, lambda tasks, workers: None).says == ["It returned None."]


def test_an_array_is_refused_and_no_error_of_the_file(exercise):
    verdict = judged(exercise, lambda tasks, workers: np.array(right(tasks, workers)))
    assert verdict.says == ["It returned array([0, 1, 2, 3, 4, 5])."]


def test_a_wrong_line_is_named(exercise):
    with pytest.raises(ExerciseError, match=r"line 9: INPUTS says how arguments are made: INPUTS = Inputs\("):
        changed(exercise, ("LIMIT = 2", "LIMIT = 2\nINPUTS = 3"))


def test_given_things_are_ended():
    before = set(threading.enumerate())
    given = Given(next(FUTURES.cases()))
    given.pool().submit(int)
    assert given.futures == []
    given.close()
    assert set(threading.enumerate()) <= before
