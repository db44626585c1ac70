"""Choose an executor

Write `choose(waits, keeps_gil, gil, megabytes, travels)`: it returns "threads" or "processes" for many tasks of a kind
that last 100 ms each, on a computer with several cores. `waits`: the tasks mostly wait. `keeps_gil`: they compute and
hold the GIL. `gil`: this Python has one. `megabytes`: data that each task takes and returns, at about 5 ms a megabyte
for the way there and back. `travels`: functions and data can be pickled.
"""

from exercises.kit import shown

LIMIT = 3


def choose(waits, keeps_gil, gil, megabytes, travels):
    if waits or not keeps_gil or not gil or not travels:
        return "threads"
    return "processes" if megabytes * 5 < 100 else "threads"


HINTS = [
    "Processes cost more in every way. What is the one thing that they give?",
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
    ]
    for words, arguments, right in cases:
        given = choose(*arguments)
        if given not in ("threads", "processes"):
            yield False, f'It returned {shown(given)}; "threads" or "processes" is wanted.'
            return
        yield given == right, f"For {words} it chose {given}."
        if given != right:
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
