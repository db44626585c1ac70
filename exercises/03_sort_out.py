"""Name the failing input

Write `sort_out(fn, items, workers)`: it runs `fn(item)` for every item, with `workers` workers, and returns two dicts:
the results by item, and the exceptions by item. Every item is in one of the two. The items are all different, and
can be read once.
"""

from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed

from exercises.kit import Inputs, Window, hurried, once, shown, unlike, watch

LIMIT = 6


def sort_out(fn, items, workers):
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        item_of = {pool.submit(fn, item): item for item in items}
        for future in as_completed(item_of):
            if future.exception() is None:
                results[item_of[future]] = future.result()
            else:
                errors[item_of[future]] = future.exception()
    return results, errors


INPUTS = Inputs(lambda given: (given.fn, given.once, given.workers), different=True, view=tuple)
EQUAL = {
    "for future in as_completed(item_of):  ->  for future in iter(item_of):": "the order makes no difference",
    "if future.exception() is None:  ->  if not future.exception():": "exceptions count as true",
}

HINTS = [
    "`map` stops at the first error. What keeps one error for each task?",
    "When a Future fails, how do you find out which item it was made for? Keep that when you submit.",
    "`item_of = {pool.submit(fn, item): item for item in items}`, then go through `as_completed(item_of)`.",
]


def check(sort_out):
    window = Window(3, 13)

    def fetch(item):
        window.task("abcdefghijklm".index(item))
        if item in ("b", "e"):
            raise KeyError(item)
        return item.upper()

    with watch(), hurried():
        answer = sort_out(fetch, once("abcdefghijklm"), 3)
    window.returned()

    pair = isinstance(answer, tuple | list) and len(answer) == 2 and all(isinstance(part, dict) for part in answer)
    if not pair:
        yield False, f"It returned {shown(answer)}; expected are two dicts, results and errors."
        return
    results, errors = answer
    good = not unlike(results, {c: c.upper() for c in "acdfghijklm"})
    yield good, f"The results of all but b and e came back as {shown(results)}."
    kept = {item: type(error).__name__ for item, error in errors.items()}
    yield kept == {"b": "KeyError", "e": "KeyError"}, f"Items b and e raise KeyError; the errors came back as {kept}."
    yield from window.findings("item")


def wrong_map_stops_at_the_first_error(fn, items, workers):
    """
    says: The results of all but b and e came back as {'a': 'A'}.
    says: the errors came back as {'b': 'KeyError'}.
    """
    items, results, errors = list(items), {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        values = pool.map(fn, items)
        for item in items:
            try:
                results[item] = next(values)
            except StopIteration:
                break
            except Exception as error:
                errors[item] = error
    return results, errors


def wrong_asks_inside_the_loop(fn, items, workers):
    """says: Of 13 items on 3 workers, 1 item stood"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            try:
                results[item] = pool.submit(fn, item).result()
            except Exception as error:
                errors[item] = error
    return results, errors


def wrong_ignores_the_number(fn, items, workers):
    """says: Of 13 items on 3 workers, 4 items stood"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=10) as pool:
        item_of = {pool.submit(fn, item): item for item in items}
        for future in as_completed(item_of):
            if future.exception() is None:
                results[item_of[future]] = future.result()
            else:
                errors[item_of[future]] = future.exception()
    return results, errors


def wrong_try_around_submit(fn, items, workers):
    """
    says: The results of all but b and e came back as {'a': <Future
    says: the errors came back as {}
    """
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            try:
                results[item] = pool.submit(fn, item)
            except Exception as error:
                errors[item] = error
    return results, errors


def wrong_error_in_place_of_the_item(fn, items, workers):
    """says: the errors came back as {'KeyError'"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        item_of = {pool.submit(fn, item): item for item in items}
        for future in as_completed(item_of):
            if future.exception() is None:
                results[item_of[future]] = future.result()
            else:
                errors[type(future.exception()).__name__] = future.exception()
    return results, errors


def wrong_one_dict_for_both(fn, items, workers):
    """says: expected are two dicts, results and errors"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        item_of = {pool.submit(fn, item): item for item in items}
        return {item_of[future]: future.exception() or future.result() for future in as_completed(item_of)}


def wrong_drops_the_failures(fn, items, workers):
    """says: the errors came back as {}"""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        item_of = {pool.submit(fn, item): item for item in items}
        return {i: f.result() for f, i in item_of.items() if f.exception() is None}, {}


def wrong_none_is_in_neither(fn, items, workers):
    """says: For results None, 0, False, '' and [], it returned"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        item_of = {pool.submit(fn, item): item for item in items}
        for future, item in item_of.items():
            if future.exception() is not None:
                errors[item] = future.exception()
            elif future.result() is not None:
                results[item] = future.result()
    return results, errors


def wrong_runs_it_again_where_it_failed(fn, items, workers):
    """says: each was to run once; there were 15 calls of 13 different items"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        item_of = {pool.submit(fn, item): item for item in items}
        for future, item in item_of.items():
            try:
                results[item] = future.result()
            except Exception:
                try:
                    results[item] = fn(item)
                except Exception as error:
                    errors[item] = error
    return results, errors


def wrong_catches_exception_alone(fn, items, workers):
    """says: Where the second of 3 items raises BaseException, it raised BaseException"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future, item in [(pool.submit(fn, item), item) for item in items]:
            try:
                results[item] = future.result()
            except Exception as error:
                errors[item] = error
    return results, errors


def wrong_in_batches(fn, items, workers):
    """says: While the first took long, 2 of the 12 others ran"""
    results, errors, items = {}, {}, list(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for start in range(0, len(items), workers):
            batch = {pool.submit(fn, item): item for item in items[start : start + workers]}
            for future in as_completed(batch):
                if future.exception() is None:
                    results[batch[future]] = future.result()
                else:
                    errors[batch[future]] = future.exception()
    return results, errors


def wrong_has_eight_workers_at_most(fn, items, workers):
    """says: With 72 items and 36 workers, at most 8 of them went on together, where it should have been 36"""
    return sort_out(fn, items, min(workers, 8))


def wrong_has_two_workers_at_least(fn, items, workers):
    """says: With 4 items and 1 worker, 2 of them went on together, where it should have been 1"""
    return sort_out(fn, items, max(workers, 2))


def wrong_takes_a_cancelled_error_for_a_cancel(fn, items, workers):
    """says: Where the second of 3 items itself raises CancelledError, it returned"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future, item in [(pool.submit(fn, item), item) for item in items]:
            try:
                results[item] = future.result()
            except CancelledError:
                continue
            except BaseException as error:
                errors[item] = error
    return results, errors


def wrong_gives_up_after_ten_errors(fn, items, workers):
    """says: Where all of 12 items raise LookupError, it returned"""
    results, errors = sort_out(fn, items, workers)
    return results, dict(list(errors.items())[:10])


def wrong_makes_the_errors_again(fn, items, workers):
    """says: which looks like what was raised and is another object"""
    results, errors = sort_out(fn, items, workers)
    return results, {item: type(error)(*error.args) for item, error in errors.items()}


def wrong_in_batches_of_three_for_each_worker(fn, items, workers):
    """says: While the first took long, 8 of the 12 others ran"""
    results, errors, items = {}, {}, list(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for start in range(0, len(items), 3 * workers):
            batch = {pool.submit(fn, item): item for item in items[start : start + 3 * workers]}
            for future in as_completed(batch):
                if future.exception() is None:
                    results[batch[future]] = future.result()
                else:
                    errors[batch[future]] = future.exception()
    return results, errors


def wrong_gives_up_after_ten_seconds(fn, items, workers):
    """
    says: The results of all but b and e came back as
    says: the errors came back as
    """
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future, item in [(pool.submit(fn, item), item) for item in items]:
            try:
                results[item] = future.result(timeout=10)
            except BaseException as error:
                errors[item] = error
    return results, errors
