"""Exercise files: each slip in one is named with its file, its line and what to do; and what learners are shown."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from exercise_file import EXERCISE, changed, with_check, written
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_notebook

from exercises import learner
from exercises.authoring import lesson_cells, validate
from exercises.engine.problem import ExerciseError, read, solution_source, starter
from helpers import memory

HERE = "exercises/77_collect.py"
DOCSTRING = EXERCISE[: EXERCISE.index("from exercises")]
CHECK = EXERCISE[EXERCISE.index("def check") : EXERCISE.index("def wrong_gives_nothing")]


def line_of(text, source=EXERCISE):
    return source[: source.index(text)].count("\n") + 1


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    file = written(tmp_path)
    monkeypatch.chdir(tmp_path)
    return file


@pytest.mark.parametrize(
    "edit, line, message",
    [
        ((DOCSTRING, ""), 1, "the task is missing"),
        ((CHECK, ""), 1, "there is no check. Write a function `def check(collect):`"),
        (("def check(collect)", "def chek(collect)"), line_of("def check"), "chek looks like a misspelled check"),
        (("def check(collect)", "def check()"), line_of("def check"), "check takes one argument"),
        (("def collect(tasks", "def _collect(tasks"), 1, "the solution is missing"),
        (("def wrong_fails", "def fails"), line_of("def wrong_fails"), "which of them is the solution?"),
        (("def wrong_fails", "def worng_fails"), line_of("def wrong_fails"), "looks like a wrong answer, but is none"),
        (("def wrong_fails", "def wrongfails"), line_of("def wrong_fails"), "Rename it to begin with wrong_"),
        (("HINTS = ", "HINT = "), line_of("HINTS"), "HINT means nothing to an exercise. Did you mean HINTS?"),
        (("LIMIT = ", "LIMITS = "), line_of("LIMIT"), "Did you mean LIMIT?"),
        (("HINTS = ", "_HINTS = "), 1, "there are no hints. Write HINTS = ["),
        (('["Think.", "Think <b>hard</b>."]', '"Think."'), line_of("HINTS"), "HINTS must be a list of texts"),
        (('["Think.", "Think <b>hard</b>."]', '["Think."]'), line_of("HINTS"), "HINTS has 1 of at least 2"),
        (('"Think."', '" "'), line_of("HINTS"), "HINTS must be a list of texts"),
        (("LIMIT = 2", "LIMIT = 11"), line_of("LIMIT"), "LIMIT must be a number of seconds from 1 to 10, not 11"),
        (("LIMIT = 2", "LIMIT = '2'"), line_of("LIMIT"), "LIMIT must be a number of seconds"),
        (("[task() for task in tasks]\n\n\nH", "[task() for\n\n\nH"), line_of("def collect") + 1, "not Python"),
        (("import Gate", "import Meting"), line_of("from exercises"), "cannot import name"),
        (('HINTS = ["Think."', "HINTS = [Think"), line_of("HINTS"), "NameError: name 'Think' is not defined"),
    ],
)
def test_a_file_that_lacks_a_part_is_named_with_its_line(exercise, edit, line, message):
    with pytest.raises(ExerciseError, match=re.escape(message)) as error:
        changed(exercise, edit)
    assert str(error.value).startswith(f"{HERE}, line {line}: ")


@pytest.mark.parametrize(
    "edit, line, message",
    [
        (
            ('"""says: It returned None"""', '"""Forgets."""'),
            line_of("def wrong_gives_n"),
            "does not say why it is wrong",
        ),
        (("def wrong_fails", "def _fails"), line_of("def wrong_gives_the"), "the file has 3 wrong answers. Add what"),
        (("range(6)), 2)", "range(6)), workers=2)"), line_of("collect(once"), "check passes workers= by its name"),
        (("[task() for task in tasks]\n\n\nH", "_all(tasks)\n\n\n_all = list\nH"), line_of("def collect"), "uses _all"),
        (("Call every", "FILL IN every"), 1, "this line has a FILL IN to be replaced."),
    ],
)
def test_form(exercise, edit, line, message):
    assert validate.form_problems(exercise) == []
    problems = validate.form_problems(changed(exercise, edit))
    assert [message in problem and problem.startswith(f"{HERE}, line {line}: ") for problem in problems] == [True]


def test_a_solution_that_is_refused(exercise):
    assert validate.solution_problems(exercise) == []
    refused = changed(exercise, ("return [task() for task in tasks]", "return [task() for task in tasks][1:]"))
    [problem] = validate.solution_problems(refused)
    line = line_of("    yield results")
    assert problem.startswith(f"{HERE}, line {line}: the solution is refused:\n    It returned [1, 2, 3, 4, 5].")


def test_a_solution_that_fails(exercise):
    [problem] = validate.solution_problems(changed(exercise, ("return [task() for", "return [tsk() for")))
    assert problem.startswith(
        f"{HERE}, line {line_of('def collect') + 1}: the solution is refused:\n    Your code raised NameErr"
    )
    assert "at 77_collect.py, line 12, in collect: `return [tsk() for task in tasks]`" in problem


def test_a_solution_that_leaves_threads(exercise):
    edits = ("return [task() for", "import threading as t; t.Thread(target=t.Event().wait).start(); return [task() for")
    [problem] = validate.solution_problems(changed(exercise, edits))
    assert "the solution is not clean:\n    1 thread was still there" in problem


def test_a_solution_that_hits_a_broken_check(exercise):
    broken = with_check(exercise, "yield True, 'fine'", "yield 'text', True")
    [problem] = validate.solution_problems(broken)
    assert problem.startswith(f"{HERE}, line {line_of('def check') + 2}: check yielded ('text', True).")


@pytest.mark.parametrize(
    "lines, message",
    [
        (["return None"], "check gave None. A check yields pairs"),
        (["return []"], "check ended without a finding"),
        (["yield True"], "check yielded True."),
        (["yield True, ''"], "check yielded (True, '')."),
        (["yield True, 'text', None"], "check yielded (True, 'text', None)."),
    ],
)
def test_a_check_that_yields_something_else(exercise, lines, message):
    with pytest.raises(ExerciseError) as error:
        learner.judged(with_check(exercise, *lines), exercise.solution)
    assert message in str(error.value) and f"{HERE}, line " in str(error.value)


def wrong_named(file, name):
    return next(wrong for wrong in file.wrong if wrong.name == name)


def wrong_problem(file, name):
    [problem] = validate.wrong_problems(file, wrong_named(file, name))
    return problem


def test_wrong_answers_that_are_refused_for_their_reason(exercise):
    assert [validate.wrong_problems(exercise, wrong) for wrong in exercise.wrong] == [[], [], [], []]


def test_a_wrong_answer_that_passes(exercise):
    file = changed(exercise, ("return [next(iter(tasks))()]", "return [task() for task in tasks]"))
    problem = wrong_problem(file, "wrong_gives_one")
    assert problem.startswith(
        f"{HERE}, line {line_of('def wrong_gives_one')}: wrong_gives_one passes the check, which saw"
    )
    assert "Make the check look at what is wrong with it, or remove it." in problem


def test_a_wrong_answer_that_is_refused_for_another_reason(exercise):
    problem = wrong_problem(changed(exercise, ("says: It returned [0]", "says: It returned 0")), "wrong_gives_one")
    line = line_of("    yield results")
    assert problem.startswith(
        f"{HERE}, line {line}: wrong_gives_one is refused for another reason than 'It returned 0'"
    )
    assert "\n    It returned [0].\nAdd a line `says: …`" in problem


def test_a_wrong_answer_that_is_refused_for_one_reason_too_many(exercise):
    file = with_check(exercise, "yield collect([], 1) is not None, 'It returned None'", "yield False, 'Second reason.'")
    problem = wrong_problem(file, "wrong_gives_nothing")
    assert "is refused for another reason than 'It returned None':\n    Second reason.\n" in problem
    twice = '"""says: It returned None\n    says: Second"""'
    file.path.write_text(file.parts.text.replace('"""says: It returned None"""', twice), encoding="utf-8")
    file = read(file.path)
    assert validate.wrong_problems(file, wrong_named(file, "wrong_gives_nothing")) == []


def test_a_wrong_answer_with_a_reason_that_never_comes(exercise):
    says = '"""says: It returned None\n    says: It hangs"""'
    problem = wrong_problem(changed(exercise, ('"""says: It returned None"""', says)), "wrong_gives_nothing")
    assert "wrong_gives_nothing is never refused with 'It hangs'" in problem


def test_a_wrong_answer_over_which_the_check_stumbles(exercise):
    file = with_check(exercise, "yield len(collect(iter([int]), 1)) == 1, 'It returned None'")
    problem = wrong_problem(file, "wrong_gives_nothing")
    line = line_of("def check") + 1
    assert problem.startswith(f"{HERE}, line {line}: for wrong_gives_nothing the check itself raises")


def test_a_wrong_answer_that_is_a_starter(exercise):
    file = changed(exercise, ("return 1 / 0", "raise NotImplementedError"))
    assert "wrong_fails counts as not started" in wrong_problem(file, "wrong_fails")


def test_a_check_that_swallows_the_starter(exercise):
    assert validate.starter_problems(exercise) == []
    swallows = ["try:", "    collect([], 1)", "except Exception:", "    pass", "yield False, 'It failed.'"]
    [problem] = validate.starter_problems(with_check(exercise, *swallows))
    assert "the starter, which only raises, is 'not yet'" in problem


def unseen(file):
    return validate.unseen_findings(file, set().union(*(validate.refused_at(file, wrong) for wrong in file.wrong)))


def test_findings_that_nothing_sets_off_are_named(exercise):
    assert unseen(exercise) == []
    file = with_check(exercise, "yield collect([], 1) == [], 'A.'", "yield True, 'B.'")
    [problem] = unseen(file)
    assert problem.startswith(f"{HERE}, line {line_of('def check') + 2}: no wrong answer is refused here")


# What learners see


def test_the_solution_comes_with_its_imports(exercise):
    old, new = "    return [task() for task in tasks]\n\n\nH", "    return once([task() for task in tasks])\n\n\nH"
    source = solution_source(changed(exercise, (old, new)))
    assert source == (
        "from exercises.kit import once\n\n\ndef collect(tasks, workers):\n    return once([task() for task in tasks])"
    )


def test_the_starter_of_a_function(exercise):
    assert starter(exercise) == "def collect(tasks, workers):\n    raise NotImplementedError"


def test_the_starter_of_a_class(exercise):
    methods = ["def __init__(self, a=1):", "    self.a = a", "def _hidden(self): pass", "def go(self, x): return x"]
    code = "\n    ".join(["class Collect(list):", *methods])
    file = changed(exercise, ("def collect(tasks, workers):\n    return [task() for task in tasks]", code))
    assert starter(file) == (
        "class Collect(list):\n\n    def __init__(self, a=1):\n        raise NotImplementedError\n\n"
        "    def go(self, x):\n        raise NotImplementedError"
    )


@pytest.fixture
def the(exercise, monkeypatch):
    """The exercise as a notebook gets it, in a kernel of its own."""
    monkeypatch.setattr(learner, "_known", {})
    monkeypatch.setattr(memory, "_here", {part: {} for part in memory.PARTS})
    return learner.exercise("77-collect")


def test_an_exercise_shows_its_task(the):
    assert the.task == "Call every task\n\nWrite `collect(tasks, workers)`."
    assert the._repr_markdown_() == "**Exercise 77-collect: Call every task**\n\nWrite `collect(tasks, workers)`."
    assert learner.exercise("77_collect") is the


@pytest.mark.parametrize("name, message", [("77-colect", "did you mean '77-collect'?"), ("x", "there are 77-collect")])
def test_an_exercise_that_is_not_there(the, name, message):
    with pytest.raises(ValueError, match="name must be the name of an exercise") as error:
        learner.exercise(name)
    assert message in str(error.value)
    with pytest.raises(TypeError, match="name must be the name of an exercise"):
        learner.exercise(77)


def test_hints_come_one_by_one_after_a_try(the):
    the.check(lambda tasks, workers: None)
    assert [repr(the.hint()) for _ in range(3)] == [
        "Hint 1 of 2: Think.",
        "Hint 2 of 2: Think <b>hard</b>.",
        "Hint 2 of 2: Think <b>hard</b>.",
    ]


def test_hints_before_a_try_are_asked_for_twice(the):
    def collect(tasks, workers):
        raise NotImplementedError

    the.check(collect)
    assert "Try one first" in repr(the.hint())
    assert repr(the.hint()) == "Hint 1 of 2: Think."


def test_the_solution_is_shown_at_the_second_call(the):
    first, second = the.solution(), the.solution()
    assert "return" not in repr(first) and "Run this cell again" in repr(first)
    assert "return [task() for task in tasks]" in repr(second)
    assert "```python\ndef collect(tasks, workers):" in second._repr_markdown_()


@pytest.mark.parametrize("how", ["variable", "file"])
def test_a_class_without_solutions(the, monkeypatch, how):
    if how == "variable":
        monkeypatch.setenv(learner.NO_SOLUTIONS, "1")
    else:
        (the.file.path.parent / learner.NO_SOLUTIONS_FILE).touch()
    for _ in range(2):
        assert repr(the.solution()) == "The solutions are not shown in this class: ask your instructor."


def test_a_verdict_is_data_too(the):
    verdict = the.check(lambda tasks, workers: None)
    bundle, _ = InteractiveShell.instance().display_formatter.format(verdict)
    assert set(bundle) == {"text/plain", "text/html", "application/vnd.exercise-verdict+json"}
    data = json.loads(json.dumps(bundle["application/vnd.exercise-verdict+json"]))
    assert (data["exercise"], data["state"]) == ("77-collect", "not yet")
    assert [finding["says"] for finding in data["findings"]] == [finding.says for finding in verdict.findings]


def test_what_is_done_is_shown(the):
    assert repr(learner.exercises_done("77")) == (
        "0 of 1 exercises done\n  ○ 77-collect: Call every task (not started)"
    )
    the.check(lambda tasks, workers: None)
    assert "✗ 77-collect: Call every task (not yet)" in repr(learner.exercises_done("77"))
    the.check(lambda tasks, workers: [task() for task in tasks])
    assert the.done
    done = learner.exercises_done("77")
    assert repr(done).startswith("1 of 1 exercises done\n  ✓ 77-collect")
    assert "✓ 77-collect: Call every task (passed)" in done._repr_html_()
    the.check(None)
    assert not the.done


@pytest.mark.parametrize("lesson", ["2", 77, "78"])
def test_a_lesson_without_exercises(the, lesson):
    with pytest.raises(ValueError, match="lesson must be"):
        learner.exercises_done(lesson)


def test_a_verdict_shows_no_markup_of_the_learners(the):
    verdict = the.check(lambda tasks, workers: print("<script>") or "<i>")
    shown = verdict._repr_html_()
    assert "&lt;script&gt;" in shown and "&lt;i&gt;" in shown
    assert "<script>" not in shown and "<i>" not in shown


def test_an_unknown_backend_is_named(the, monkeypatch):
    monkeypatch.setenv(learner.BACKEND, "spoon")
    with pytest.raises(ValueError, match="THREADPOOL_EXERCISES_IN must be fork or thread, not 'spoon'"):
        the.check(None)


def test_where_no_process_can_be_had_a_thread_does(the, monkeypatch):
    def no_process():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setenv(learner.BACKEND, "fork")
    monkeypatch.setattr("os.fork", no_process)
    assert the.check(lambda tasks, workers: [task() for task in tasks]).passed


# The notebook of the lesson

STARTER = "def collect(tasks, workers):\n    raise NotImplementedError"
TASK, TRY = 'from exercises import exercise\n\nexercise("77-collect")', 'exercise("77-collect").check(collect)'


def lesson(exercise, *cells):
    made = [new_code_cell(code, metadata={"tags": list(tags)}) for code, *tags in cells]
    path = exercise.path.parent.parent / "notebooks" / "77-lesson.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=made), path)
    return path


def test_a_lesson_that_fits(exercise):
    lesson(exercise, ["%xmode Minimal\n" + TASK], [STARTER, "exercise"], [TRY])
    assert lesson_cells.notebook_problems(exercise) == []
    lesson(exercise, [f"{TASK}\n\n{STARTER}\n\n{TRY}", "exercise"])
    assert lesson_cells.notebook_problems(exercise) == []


@pytest.mark.parametrize(
    "cells, problem",
    [
        ([["pass"]], 'no cell uses exercise("77-collect")'),
        ([[TASK], [STARTER, "exercise"]], "no cell checks the answer"),
        ([[TASK], [STARTER, "exercise"], [TRY.replace("(collect)", "(collet)")]], "no cell checks the answer"),
        ([[TASK], [TRY]], "the starter is missing"),
        ([[TASK], [STARTER], [TRY]], "cell 2: the starter of 77-collect has no tag `exercise`"),
        ([[TASK], [STARTER.replace("workers", "n"), "exercise"], [TRY]], "cell 2: the starter is not the solution's"),
        ([[TASK], [STARTER.replace("raise Not", "x = 1\n    raise Not"), "exercise"], [TRY]], "does more than raise"),
        (
            [[TASK], [STARTER.replace("raise NotImplementedError", "return 1"), "exercise"], [TRY]],
            "does more than raise",
        ),
    ],
)
def test_a_lesson_that_does_not_fit(exercise, cells, problem):
    lesson(exercise, *cells)
    [found] = lesson_cells.notebook_problems(exercise)
    assert problem in found and found.startswith("notebooks/77-lesson.ipynb")


def test_a_starter_may_have_types_and_a_docstring(exercise):
    typed = 'def collect(tasks: list, workers: int) -> list:\n    """Run them."""\n    raise NotImplementedError()'
    lesson(exercise, [TASK], [typed, "exercise"], [TRY])
    assert lesson_cells.notebook_problems(exercise) == []


def test_a_lesson_that_uses_an_exercise_that_is_gone(exercise):
    path = lesson(exercise, [TASK], ['exercise("77-colect").hint()'])
    [problem] = lesson_cells.strays(path, [exercise])
    assert problem.startswith('notebooks/77-lesson.ipynb, cell 2: there is no exercise "77-colect"')


def test_a_lesson_with_a_cell_that_is_not_python(exercise):
    path = lesson(exercise, [TASK], ["x = 1\ny = ["])
    says = "notebooks/77-lesson.ipynb, cell 2, line 2: this is not Python: '[' was never closed. Mend the cell."
    assert lesson_cells.notebook_problems(exercise) == [says]
    assert lesson_cells.strays(path, [exercise]) == [says]


def test_what_ipython_understands_is_no_problem(exercise):
    magics = ["%%bash\nls -l", f"%%time\n{TRY}", "collect?", "for n in 1, 2:\n    %time n\nfiles = !ls"]
    path = lesson(exercise, [TASK], [STARTER, "exercise"], *([code] for code in magics), ["x = [", "raises-exception"])
    assert lesson_cells.notebook_problems(exercise) == []
    assert lesson_cells.strays(path, [exercise]) == []


def test_a_starter_that_belongs_to_no_exercise(exercise):
    path = lesson(exercise, [STARTER, "exercise"], [STARTER.replace("collect", "gather"), "exercise"])
    [problem] = lesson_cells.strays(path, [exercise])
    assert problem.startswith("notebooks/77-lesson.ipynb, cell 2: it has the tag `exercise` and defines gather")


def test_the_cells_to_paste_fit(exercise):
    cells = lesson_cells.cells_to_paste(exercise)
    lesson(exercise, *([code, *(["exercise"] if "tag" in what else [])] for what, code in cells))
    assert lesson_cells.notebook_problems(exercise) == []


def test_a_file_by_a_relative_path_is_the_same(monkeypatch):
    """A check that stops an answer between its lines knows them by the file's name."""
    path = Path(learner.__file__).parent / "05_tally.py"
    monkeypatch.chdir(path.parent.parent / "tests")
    file = read(Path("..") / "exercises" / path.name)
    assert file.path == path and file.solution.__code__.co_filename == str(path)
