"""Name the failing input

Write `sort_out(fn, items, workers)`: it runs `fn(item)` for every item, with `workers` workers, and returns two dicts:
the results by item, and the exceptions by item. Every item is in one of the two. The items are all different, and
can be read once.
"""

from concurrent.futures import ThreadPoolExecutor, as_completed

from exercises.kit import Gate, count, once, shown, watch

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


HINTS = [
    "`map` stops at the first error. What keeps one error for each task?",
    "When a Future fails, how do you find out which item it was made for? Keep that when you submit.",
    "`item_of = {pool.submit(fn, item): item for item in items}`, then go through `as_completed(item_of)`.",
]


def check(sort_out):
    gate = Gate(4)  # a fourth task never comes to it, unless there are more workers than asked for

    def fetch(item):
        gate.task()
        if item in ("b", "e"):
            raise KeyError(item)
        return item.upper()

    with watch():
        answer = sort_out(fetch, once("abcdef"), 3)

    pair = isinstance(answer, tuple | list) and len(answer) == 2 and all(isinstance(part, dict) for part in answer)
    if not pair:
        yield False, f"It returned {shown(answer)}; expected are two dicts, results and errors."
        return
    results, errors = answer
    yield results == {c: c.upper() for c in "acdf"}, f"The results of a, c, d and f came back as {shown(results)}."
    kept = {item: type(error).__name__ for item, error in errors.items()}
    yield kept == {"b": "KeyError", "e": "KeyError"}, f"Items b and e raise KeyError; the errors came back as {kept}."
    yield gate.most == 3, f"On 3 workers, {count(gate.most, 'task')} went on at the same time."


def wrong_map_stops_at_the_first_error(fn, items, workers):
    """
    says: The results of a, c, d and f came back as {'a': 'A'}.
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
    """says: On 3 workers, 1 task went on"""
    results, errors = {}, {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for item in items:
            try:
                results[item] = pool.submit(fn, item).result()
            except Exception as error:
                errors[item] = error
    return results, errors


def wrong_ignores_the_number(fn, items, workers):
    """says: On 3 workers, 4 tasks went on"""
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
    says: The results of a, c, d and f came back as {'a': <Future
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
