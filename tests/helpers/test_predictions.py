"""A guess is taken, kept and compared; without one, what happened is shown all the same."""

import threading

import pytest

from helpers import memory, predictions
from helpers.predictions import predict, recap

QUESTION = "Eight waits of 0.2 s on three workers: how long?"
NAMES = ["the main thread", "a worker"]


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """Every output of the test, as a cell would show it: a dict of MIME types."""
    outputs = []
    monkeypatch.setattr(predictions, "display", lambda data, raw: outputs.append(data))
    monkeypatch.setattr(predictions, "_asked", {})
    monkeypatch.setattr(memory, "_here", {part: {} for part in memory.PARTS})
    return outputs


def text(output):
    return output["text/plain"].splitlines()


def test_the_panel_reads_well_without_its_widgets(shown):
    predict(QUESTION, unit="s")
    predict("Who runs it?", choices=NAMES)
    assert text(shown[0]) == [f"Predict. {QUESTION}", "  your guess: ____ s"]
    assert text(shown[1]) == ["Predict. Who runs it?", "  ( ) the main thread", "  ( ) a worker"]
    assert all("application/vnd.jupyter.widget-view+json" in output for output in shown)


def test_one_thread_is_not_one_threads(shown):
    predict("How many?", unit="threads").reveal(1)
    assert text(shown[-1]) == ["What happened: 1 thread"]
    predict("How long?", unit="s").reveal(1)
    assert text(shown[-1]) == ["What happened: 1 s"]


def test_a_guess_changes_nothing_in_the_text_of_the_panel(shown):
    predict(QUESTION, unit="s").answer.value = "0.6"
    predict(QUESTION, unit="s")
    assert text(shown[0]) == text(shown[1])


@pytest.mark.parametrize(
    "typed, guess, within, verdict",
    [
        ("0.6", 0.61, 0.25, "✓ The guess held: 2 % too low (right within 25 %)."),
        ("0.75", 0.6, 0.25, "✓ The guess held: 25 % too high (right within 25 %)."),
        ("0.76", 0.6, 0.25, "✗ The guess was off: 27 % too high (right within 25 %)."),
        ("1.6 s", 0.61, 0.25, "✗ The guess was off: 2.6 times too high (right within 25 %)."),
        ("0.2", 0.61, 0.25, "✗ The guess was off: 3 times too low (right within 25 %)."),
        ("3", 3, 0, "✓ The guess held: exact (right if exact)."),
        ("4", 3, 0, "✗ The guess was off: 33 % too high (right if exact)."),
        ("0", 0, 0.25, "✓ The guess held: exact (right within 25 %)."),
        ("2000", 0, 0.25, "✗ The guess was off: 2,000 s too high (right within 25 %)."),
        ("-1", 2, 0.25, "✗ The guess was off: 3 s too low (right within 25 %)."),
    ],
)
def test_a_number_is_compared(shown, typed, guess, within, verdict):
    asked = predict(QUESTION, unit="s")
    asked.answer.value = typed
    asked.reveal(guess, why="Three rounds.", within=within)
    lines = text(shown[-1])
    assert lines[0].startswith("Your guess: ") and lines[1].startswith("What happened: ")
    assert lines[2:] == [verdict, "Three rounds."]
    assert asked.held is verdict.startswith("✓")


@pytest.mark.parametrize("picked, verdict", [(NAMES[0], "✗ The guess was off."), (NAMES[1], "✓ The guess held.")])
def test_a_choice_is_compared(shown, picked, verdict):
    asked = predict("Who runs it?", choices=NAMES)
    asked.answer.value = picked
    asked.reveal(NAMES[1])
    assert text(shown[-1]) == [f"Your guess: {picked}", "What happened: a worker", verdict]
    assert asked.held is (picked == NAMES[1])


def test_without_a_guess_the_fact_is_shown_and_nothing_else(shown):
    asked = predict(QUESTION, unit="s")
    asked.reveal(0.6, why="Three rounds.")
    assert text(shown[-1]) == ["What happened: 0.6 s", "Three rounds."]
    assert asked.held is None


def test_a_guess_made_after_the_fact_counts_when_the_cell_runs_again(shown):
    asked = predict(QUESTION, unit="s")
    asked.reveal(0.6)
    asked.answer.value = "0.6"
    asked.reveal(0.6)
    assert "✓ The guess held" in text(shown[-1])[2]


def test_asking_again_keeps_the_guess_and_another_form_drops_it():
    asked = predict(QUESTION, unit="s")
    asked.answer.value = "0.6"
    again = predict(QUESTION, unit="s")
    assert again.guess == 0.6 and again.answer.value == "0.6"
    asked.reveal(0.6)  # the name of the first run still works
    assert again.held
    other = predict(QUESTION, unit="ms")
    assert other.guess is None and other.answer.value == ""


@pytest.mark.parametrize("typed", ["soon", "0,6", "nan", "inf", "1 h"])
def test_what_is_not_a_number_is_said_at_once_and_is_no_guess(typed):
    asked = predict(QUESTION, unit="s")
    asked.answer.value = "1"
    asked.answer.value = typed
    assert asked.guess is None
    assert "is not a number. Write it like 0.6" in asked._noted.value


def test_a_guess_is_confirmed_and_can_be_taken_back():
    asked = predict(QUESTION, unit="s")
    asked.answer.value = " 0.60 s "
    assert asked.guess == 0.6 and "Noted: 0.6 s" in asked._noted.value
    asked.answer.value = ""
    assert asked.guess is None and "Noted" not in asked._noted.value


def test_words_are_words_and_not_html(shown):
    asked = predict("Is <b> < c?", choices=["a < b", "no & never"])
    asked.reveal("a < b", why="<script>")
    assert "Is &lt;b&gt; &lt; c?" in asked._panel.children[0].value
    assert "&lt;script&gt;" in shown[-1]["text/html"] and "a &lt; b" in shown[-1]["text/html"]
    assert "<script>" in shown[-1]["text/plain"]


def test_the_recap_counts_what_held(shown):
    first, second, third = (predict(f"Question {n}?", unit="s") for n in (1, 2, 3))
    predict("Never revealed?", unit="s").answer.value = "1"
    first.answer.value, second.answer.value = "1", "5"
    for asked in (first, second, third):
        asked.reveal(1)
    recap()
    assert text(shown[-1]) == [
        "1 of 2 guesses held.",
        "✓ held: Question 1? (guessed 1 s, it was 1 s)",
        "✗ was off: Question 2? (guessed 5 s, it was 1 s)",
        "– no guess: Question 3?",
    ]


def test_the_recap_without_guesses_has_no_number_that_varies(shown):
    predict(QUESTION, unit="s").reveal(0.61803)
    recap()
    assert text(shown[-1]) == ["1 question, no guess made.", f"– no guess: {QUESTION}"]


def test_the_recap_of_an_empty_lesson(shown):
    recap()
    assert text(shown[-1]) == ["0 questions, no guess made."]


@pytest.mark.parametrize(
    "kwargs, error, name",
    [
        ({"question": ""}, ValueError, "question"),
        ({"question": "  \n"}, ValueError, "question"),
        ({"question": 3}, TypeError, "question"),
        ({"question": "?", "unit": 5}, TypeError, "unit"),
        ({"question": "?", "unit": "s", "choices": ["a", "b"]}, ValueError, "unit"),
        ({"question": "?", "choices": "ab"}, TypeError, "choices"),
        ({"question": "?", "choices": 2}, TypeError, "choices"),
        ({"question": "?", "choices": {"a", "b"}}, TypeError, "choices"),
        ({"question": "?", "choices": ["a", 2]}, TypeError, "choices"),
        ({"question": "?", "choices": []}, ValueError, "choices"),
        ({"question": "?", "choices": ["a"]}, ValueError, "choices"),
        ({"question": "?", "choices": ["a", "a"]}, ValueError, "choices"),
        ({"question": "?", "choices": ["a", " "]}, ValueError, "choices"),
    ],
)
def test_a_bad_question_is_named_before_anything_shows(shown, kwargs, error, name):
    with pytest.raises(error, match=f"^{name} must be "):
        predict(**kwargs)
    assert shown == [] and predictions._asked == {}


@pytest.mark.parametrize(
    "choices, kwargs, error, name",
    [
        (None, {"actual": "a worker"}, TypeError, "actual"),
        (None, {"actual": None}, TypeError, "actual"),
        (None, {"actual": True}, TypeError, "actual"),
        (None, {"actual": float("nan")}, ValueError, "actual"),
        (None, {"actual": 1, "why": None}, TypeError, "why"),
        (None, {"actual": 1, "within": -0.1}, ValueError, "within"),
        (None, {"actual": 1, "within": "10 %"}, TypeError, "within"),
        (NAMES, {"actual": "a Worker"}, ValueError, "actual"),
        (NAMES, {"actual": 1}, TypeError, "actual"),
    ],
)
def test_a_bad_fact_is_named_and_changes_nothing(shown, choices, kwargs, error, name):
    asked = predict("Who?", choices=choices)
    with pytest.raises(error, match=f"^{name} must be "):
        asked.reveal(**kwargs)
    assert len(shown) == 1 and asked.actual is None


def test_no_thread_is_needed():
    before = threading.active_count()
    predict(QUESTION, unit="s").reveal(1)
    recap()
    assert threading.active_count() == before


def test_a_guess_outlasts_the_kernel(monkeypatch, tmp_path, shown):
    monkeypatch.setenv(memory.VARIABLE, str(tmp_path / "p.json"))
    predict(QUESTION, unit="s").answer.value = "0.7"
    predict("Who runs it?", choices=NAMES).answer.value = "a worker"
    for module, name in ((predictions, "_asked"), (memory, "_here")):
        monkeypatch.setattr(module, name, {} if module is predictions else {part: {} for part in memory.PARTS})
    again, who = predict(QUESTION, unit="s"), predict("Who runs it?", choices=NAMES)
    assert (again.guess, again.answer.value) == (0.7, "0.7") and (who.guess, who.answer.value) == ("a worker",) * 2
    again.reveal(0.6)
    assert memory.recall()["guesses"][QUESTION] == {"guess": 0.7, "unit": "s", "held": True}
    assert predict(QUESTION, unit="threads").guess is None, "another question in the same words"
    assert predict("Who runs it?", choices=["me", "you"]).guess is None
