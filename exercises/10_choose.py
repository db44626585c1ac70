"""Choose an executor

Write `choose(waits, keeps_gil, gil, megabytes, travels)`: it returns "threads" or "processes" for many tasks of a kind
that last 100 ms each, on a computer with several cores. `waits`: the tasks mostly wait, whatever they do between.
`keeps_gil`: they hold the GIL while they compute. `gil`: this Python has one. `megabytes`: data that each task takes
and returns, at about 5 ms a megabyte for the way there and back. `travels`: functions and data can be pickled.

Threads cost less and share everything, so choose processes only where they are faster: where tasks that could not run
side by side do so in processes, and the way takes clearly less time than the task. Nobody asks for isolation here.
"""

from itertools import product

from exercises.kit import shown, unlike

LIMIT = 3


def choose(waits, keeps_gil, gil, megabytes, travels):
    if waits or not keeps_gil or not gil or not travels:
        return "threads"
    return "processes" if megabytes * 5 < 100 else "threads"


_WAY = "return 'processes' if megabytes * 5 < 100 else 'threads'"
_EVEN = "where both take about as long, either will do"
EQUAL = {
    f"{_WAY}  ->  return 'processes' if megabytes * 5 <= 100 else 'threads'": _EVEN,
    f"{_WAY}  ->  return 'processes' if megabytes * 5 < 101 else 'threads'": _EVEN,
    f"{_WAY}  ->  return 'processes' if megabytes * 5 < 99 else 'threads'": _EVEN,
    f"{_WAY}  ->  return 'processes' if megabytes * 6 < 100 else 'threads'": _EVEN,
    f"{_WAY}  ->  return 'processes' if megabytes * 4 < 100 else 'threads'": _EVEN,
}

HINTS = [
    "Processes cost more and share nothing. Two things they give: a crash or a leak stays in one of them, and each has "
    "a GIL of its own. Which of the two is asked for here?",
    "Only computing that holds a GIL gains from a second process; everything else runs side by side in threads.",
    "Even then: what can't be pickled can't travel, and 100 MB a task cost 500 ms on the way for 100 ms of work.",
]


def check(choose):
    cases = [
        ("tasks that wait", (True, False, True, 0, True), "threads"),
        ("Python loops under a GIL", (False, True, True, 0.1, True), "processes"),
        ("hashing, which lets the GIL go", (False, False, True, 0.1, True), "threads"),
        ("Python loops without a GIL", (False, True, False, 0.1, True), "threads"),
        ("Python loops over 100 MB a task", (False, True, True, 100, True), "threads"),
        ("Python loops over what can't be pickled", (False, True, True, 0.1, False), "threads"),
        ("Python loops under a GIL, over no data", (False, True, True, 0, True), "processes"),
        ("Python loops over 5 MB a task", (False, True, True, 5, True), "processes"),
        *(
            (f"Python loops over {megabytes} MB a task", (False, True, True, megabytes, True), right)
            for right, some in (("processes", (2, 3, 4.5, 7, 8)), ("threads", (22, 25, 30, 60, 150, 250, 1000)))
            for megabytes in some
        ),
    ]
    for megabytes, waits, keeps_gil, gil, travels in product((1, 0, 250), *[(True, False)] * 4):
        gains = (waits, keeps_gil, gil, travels) == (False, True, True, True)
        right = "processes" if gains and megabytes < 20 else "threads"
        words = f"waits={waits}, keeps_gil={keeps_gil}, gil={gil}, megabytes={megabytes}, travels={travels}"
        cases.append((words, (waits, keeps_gil, gil, megabytes, travels), right))
    for words, arguments, right in cases:
        given = choose(*arguments)
        if unlike(given, "threads") and unlike(given, "processes"):
            yield False, f'It returned {shown(given)}; "threads" or "processes" is wanted.'
            return
        yield not unlike(given, right), f"For {words} it chose {given}."
        if unlike(given, right):
            return


def wrong_threads_never_help(waits, keeps_gil, gil, megabytes, travels):
    """says: For tasks that wait it chose processes"""
    return "processes"


def wrong_threads_always(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops under a GIL it chose threads"""
    return "threads"


def wrong_computing_means_processes(waits, keeps_gil, gil, megabytes, travels):
    """says: For hashing, which lets the GIL go it chose processes"""
    return "threads" if waits else "processes"


def wrong_forgets_free_threading(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops without a GIL it chose processes"""
    return "processes" if keeps_gil and travels and megabytes < 50 else "threads"


def wrong_forgets_the_data(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops over 100 MB a task it chose processes"""
    return "processes" if keeps_gil and gil and travels else "threads"


def wrong_forgets_pickling(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops over what can't be pickled it chose processes"""
    return "processes" if keeps_gil and gil and megabytes < 50 else "threads"


def wrong_gives_nothing_back(waits, keeps_gil, gil, megabytes, travels):
    """says: It returned None"""
    if keeps_gil and gil and travels and megabytes < 50:
        return "processes"


def wrong_takes_no_data_for_nothing_to_do(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops under a GIL, over no data it chose threads"""
    return "processes" if keeps_gil and gil and travels and 0 < megabytes < 20 else "threads"


def wrong_half_as_much_again(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops over 22 MB a task it chose processes"""
    return "processes" if keeps_gil and gil and travels and megabytes < 50 else "threads"


def wrong_takes_megabytes_for_milliseconds(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops over 22 MB a task it chose processes"""
    return "processes" if keeps_gil and gil and travels and not waits and megabytes < 100 else "threads"


def wrong_shuns_any_data(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops over 5 MB a task it chose threads"""
    return "processes" if keeps_gil and gil and travels and not waits and megabytes < 1.5 else "threads"


def wrong_forgets_that_they_wait(waits, keeps_gil, gil, megabytes, travels):
    """says: For waits=True, keeps_gil=True, gil=True, megabytes=1, travels=True it chose processes"""
    return "processes" if keeps_gil and gil and travels and megabytes < 20 else "threads"


def wrong_asks_about_pickles_for_data_alone(waits, keeps_gil, gil, megabytes, travels):
    """says: For waits=False, keeps_gil=True, gil=True, megabytes=0, travels=False it chose processes."""
    return choose(waits, keeps_gil, gil, megabytes, travels or not megabytes)


def wrong_knows_some_amounts(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops over 2 MB a task it chose threads"""
    few = megabytes in (0, 0.1, 1, 5, 8)
    return "processes" if keeps_gil and gil and travels and not waits and few else "threads"


def wrong_wants_processes_for_much_data(waits, keeps_gil, gil, megabytes, travels):
    """says: For Python loops over 250 MB a task it chose processes"""
    clear = megabytes < 20 or megabytes > 200
    return "processes" if keeps_gil and gil and travels and not waits and clear else "threads"


def wrong_wants_processes_for_much_data_of_tasks_that_wait(waits, keeps_gil, gil, megabytes, travels):
    """says: For waits=True, keeps_gil=True, gil=True, megabytes=250, travels=True it chose processes"""
    return choose(waits and megabytes < 20, keeps_gil, gil, 0 if waits else megabytes, travels)
