"""What an instructor opens when all is graded: grades.csv, index.html, and each answer's code."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from exercises.grading.answers import Answer
from exercises.grading.run import Verdict

MARKS = {"passed": "✓", "not yet": "✗", "not started": "○", "broken": "!", "": "–"}
WORDS = {
    "passed": "passed", "not yet": "the check refused it", "not started": "the starter, untouched",
    "broken": "could not be run", "": "not handed in",
}  # fmt: skip
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse } th, td { padding: 4px 8px; border-bottom: 1px solid #ddd; text-align: center }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff }
thead th { vertical-align: bottom; writing-mode: vertical-rl; white-space: nowrap; font-weight: normal }
thead th:first-child { writing-mode: initial } a { text-decoration: none; font-weight: bold; color: inherit }
.passed { background: #d5efe6 } .not-yet { background: #fbe0cf } .broken { background: #f6d4e6 }
td details { text-align: left } dt { font-weight: bold; margin-top: .6em }
@media (prefers-color-scheme: dark) {
  body, th:first-child, td:first-child { background: #181818; color: #e8e8e8 } th, td { border-color: #444 }
  .passed { background: #0c4a37 } .not-yet { background: #6b3413 } .broken { background: #5d2347 }
}
"""


def write(
    folder: Path,
    learners: dict[str, list[str]],
    exercises: Sequence[str],
    verdicts: dict[Answer, Verdict],
) -> None:
    """Write the grades of `learners` (with what is to be said of their notebooks) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    by = {(answer.learner, answer.exercise): (answer, verdict) for answer, verdict in verdicts.items()}
    with (folder / "grades.csv").open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["learner", "passed", *exercises])
        for learner in learners:
            states = [by[learner, name][1]["state"] if (learner, name) in by else "" for name in exercises]
            rows.writerow([_harmless(learner), states.count("passed"), *states])
    homes = _homes(learners)
    body = "".join(_row(learner, homes[learner], exercises, by) for learner in learners)
    notes = "".join(_notes(learner, problems, exercises, by) for learner, problems in learners.items())
    for (learner, name), (answer, _) in by.items():
        if answer.code:
            path = folder / "answers" / homes[learner] / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(answer.code, encoding="utf-8")
    heads = "".join(f"<th scope=col>{escape(name)}</th>" for name in exercises)
    key = " &nbsp; ".join(f"{mark} {WORDS[state]}" for state, mark in MARKS.items())
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Grades</title><style>{STYLE}</style><h1>Grades</h1><p>{key}</p>"
        f"<table><thead><tr><th scope=col>learner</th><th scope=col>passed</th>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table><h2>What was seen</h2>{notes}</html>\n"
    )
    (folder / "index.html").write_text(page, encoding="utf-8")


def _harmless(text: str) -> str:
    """`text` as a spreadsheet takes for text: one that begins with = + - or @ would be computed."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def _homes(learners: Sequence[str] | dict[str, list[str]]) -> dict[str, str]:
    """A folder's name for each learner: no two alike, and none that leads elsewhere."""
    homes: dict[str, str] = {}
    for learner in learners:
        plain = re.sub(r"[^\w-]+", "_", learner) or "_"
        taken = {home.lower() for home in homes.values()}
        tries = (plain if n == 1 else f"{plain}-{n}" for n in range(1, len(learners) + 2))
        homes[learner] = next(name for name in tries if name.lower() not in taken)
    return homes


def _row(learner: str, home: str, exercises: Sequence[str], by: dict[tuple[str, str], tuple[Answer, Verdict]]) -> str:
    cells = []
    for name in exercises:
        if (learner, name) not in by:
            cells.append(f"<td title='{WORDS['']}'>{MARKS['']}</td>")
            continue
        answer, verdict = by[learner, name]
        state, first = verdict["state"], next(iter(verdict["says"]), "")
        link = f"answers/{quote(home)}/{quote(name)}.py"
        mark = f"<a href='{link}'>{MARKS[state]}</a>" if answer.code else MARKS[state]
        title = escape(f"{name}: {WORDS[state]}. {first}", quote=True)
        cells.append(f"<td class='{state.replace(' ', '-')}' title='{title}'>{mark}</td>")
    passed = sum(verdict["state"] == "passed" for (who, _), (_, verdict) in by.items() if who == learner)
    return f"<tr><th scope=row>{escape(learner)}</th><td>{passed}</td>{''.join(cells)}</tr>"


def _notes(
    learner: str, problems: list[str], exercises: Sequence[str], by: dict[tuple[str, str], tuple[Answer, Verdict]]
) -> str:
    """The first sentence of each verdict that is no pass, and what is wrong with the notebooks."""
    lines = [f"<li>{escape(problem)}</li>" for problem in problems]
    for name in exercises:
        if (learner, name) in by and (verdict := by[learner, name][1])["state"] in ("not yet", "broken"):
            first = next(iter(verdict["says"]), "")
            lines.append(f"<li><b>{escape(name)}</b> {escape(first)}</li>")
    return f"<h3>{escape(learner)}</h3><ul>{''.join(lines)}</ul>" if lines else ""
