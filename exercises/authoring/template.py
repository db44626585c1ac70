"""FILL IN a title that says what to do

FILL IN the task: the name of the function to write, its arguments, what it returns, and what it must not do. Say here
everything that the check asks for.
"""

from concurrent.futures import ThreadPoolExecutor

from exercises.kit import Gate, Inputs, count, shown, unlike, watch

LIMIT = 5  # seconds until the verdict, 10 at most


# FILL IN the solution, under the name that learners use.
def NAME(tasks):
    with ThreadPoolExecutor(max_workers=3) as pool:
        return list(pool.map(lambda task: task(), tasks))


# FILL IN how the arguments of a call are made: the engine then compares the answer with the solution on odd inputs.
INPUTS = Inputs(lambda given: (given.tasks,))

HINTS = [
    "FILL IN a gentle hint: a question that leads on",
    "FILL IN a plainer hint: which tool to use",
    "FILL IN a plain hint: nearly the code",
]


# FILL IN what the check looks at. A Gate(3) opens when three tasks stand in it together; `run` has what they did.
def check(NAME):
    gate = Gate(3)
    with watch() as run:
        results = NAME([lambda n=n: gate.task(n) for n in range(6)])

    yield gate.met, f"{count(gate.most, 'task')} of 6 stood in flight together."
    yield not unlike(results, list(range(6))), f"For tasks that return 0 to 5 it returned {shown(results)}."
    yield len(run.workers) <= 3, f"{count(len(run.workers), 'worker')} ran the tasks."


# FILL IN wrong answers, at least four, as learners write them. After says: a part of the sentence that refuses it.
def wrong_one_at_a_time(tasks):
    """says: 1 task of 6 stood"""
    with ThreadPoolExecutor(max_workers=3) as pool:
        return [pool.submit(task).result() for task in tasks]


def wrong_forgets_the_last(tasks):
    """says: it returned [0, 1, 2, 3, 4]"""
    with ThreadPoolExecutor(max_workers=3) as pool:
        return list(pool.map(lambda task: task(), tasks[:-1]))


def wrong_gives_futures(tasks):
    """says: it returned [<Future"""
    with ThreadPoolExecutor(max_workers=3) as pool:
        return [pool.submit(task) for task in tasks]


def wrong_gives_nothing(tasks):
    """says: it returned None"""
    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(lambda task: task(), tasks))
