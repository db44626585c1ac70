"""What a check found, as text and as HTML with the timeline of the run that failed."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from exercises.engine.check import Finding, Message
from exercises.engine.learner_code import tidy
from exercises.engine.problem import ExerciseFile
from helpers.recording.data import Recording

VERDICT = "application/vnd.exercise-verdict+json"
MOST_LINES = 20  # of what the learner's code printed


@dataclass(frozen=True, repr=False)
class Verdict:
    """The result of `exercise(…).check(…)`: `passed`, and in `says` a sentence for each thing that was seen."""

    name: str
    state: str  # "passed", "not yet" or "not started"
    findings: tuple[Finding, ...]
    printed: str = ""
    run: Recording | None = field(default=None, compare=False)
    until: int | None = None

    @property
    def passed(self) -> bool:
        return self.state == "passed"

    @property
    def says(self) -> list[str]:
        return [sentence for finding in self.findings for sentence in (finding.says, *finding.details)]

    @property
    def picture(self) -> Any:
        """The timeline of the run that failed; None where all went well or no task ran."""
        if self.passed or self.run is None:
            return None
        from helpers.drawing.timeline import timeline

        return timeline(self.run, title="What your code did", until=self.until)

    def __repr__(self) -> str:
        lines = [f"{self.name}: {self.state}"]
        for finding in self.findings:
            lines += [f"  {finding.mark} {finding.says}", *(f"      {detail}" for detail in finding.details)]
        if self.printed:
            lines += ["  printed:", *(f"    {line}" for line in self.printed.splitlines())]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The verdict as data, for other tools; IPython adds it to the text and the HTML."""
        findings = [{"ok": f.ok, "says": f.says, "details": list(f.details)} for f in self.findings]
        return {VERDICT: {"exercise": self.name, "state": self.state, "findings": findings}}

    def _repr_html_(self) -> str:
        color = {"passed": "#009E73", "not yet": "#D55E00"}.get(self.state, "#8A8A8A")
        rows = "".join(_row(finding) for finding in self.findings)
        printed = f"<p>It printed:</p><pre>{escape(self.printed)}</pre>" if self.printed else ""
        return (
            f'<div style="border-left: 4px solid {color}; padding: 2px 12px">'
            f"<b>{escape(self.name)}: {self.state}</b>"
            f'<ul style="list-style: none; padding-left: 0; margin: 4px 0">{rows}</ul>{printed}{self._image()}</div>'
        )

    def _image(self) -> str:
        picture = self.picture
        if picture is None:
            return ""
        data = base64.b64encode(picture.png()).decode()
        width = f'width="{round(picture.get_figwidth() * 96)}" style="max-width: 100%"'
        return f'<img src="data:image/png;base64,{data}" alt="{escape(picture.alt)}" {width}>'


def _row(finding: Finding) -> str:
    details = "".join(f"<li>{_html(detail)}</li>" for detail in finding.details)
    inner = f'<ul style="list-style: none; padding-left: 1.6em">{details}</ul>' if details else ""
    return f"<li><b>{finding.mark}</b> {_html(finding.says)}{inner}</li>"


def _html(text: str) -> str:
    """`text` with what stands between backticks shown as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def verdict(exercise: ExerciseFile, messages: list[Message], run: Recording | None) -> Verdict:
    """Put together what the judge sent. ExerciseError if it says that the exercise file is at fault."""
    findings: list[Finding] = []
    told: dict[str, list[str]] = {"printed": [], "doubt": [], "doing": [], "not started": []}
    until = None
    for message in messages:
        if isinstance(message, Finding):
            ended = message.until is None and not message.died
            says = message.says if ended else ": ".join([*told["doing"][-1:], message.says])
            until = message.until or until
            findings.append(replace(message, says=tidy(says), details=tuple(map(tidy, message.details))))
        elif message.kind == "broken":
            raise exercise.parts.bad(message.line, message.text)
        else:
            told[message.kind].append(message.text)
    if told["not started"]:
        todo = f"Write {exercise.signature} in its cell, run that cell, then run this one again."
        return Verdict(exercise.name, "not started", (Finding(None, todo),))
    passed = bool(findings) and all(finding.ok is not False for finding in findings)
    findings += [Finding(None, doubt) for doubt in told["doubt"] if not passed]
    printed = _cut("".join(told["printed"]))
    return Verdict(exercise.name, "passed" if passed else "not yet", tuple(findings), printed, run, until)


def _cut(printed: str) -> str:
    lines = tidy(printed).splitlines()
    more = len(lines) - MOST_LINES
    return "\n".join(lines[:MOST_LINES] + ([f"… {more} more lines"] if more > 0 else []))


class Note:
    """A text, and maybe code under it, that shows itself as a cell's value."""

    def __init__(self, text: str, code: str = "") -> None:
        self.text, self.code = text, code

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.code}" if self.code else self.text

    def _repr_markdown_(self) -> str:
        return f"{self.text}\n\n```python\n{self.code}\n```" if self.code else self.text


class Done:
    """Which exercises of a lesson are done."""

    def __init__(self, states: dict[str, tuple[str, str]]) -> None:
        self.states = states  # by name: its title, and "passed", "not yet" or "not started"

    def __repr__(self) -> str:
        done = sum(state == "passed" for _, state in self.states.values())
        lines = [f"  {_mark(state)} {name}: {title} ({state})" for name, (title, state) in self.states.items()]
        return "\n".join([f"{done} of {len(self.states)} exercises done", *lines])

    def _repr_html_(self) -> str:
        head, *lines = repr(self).splitlines()
        return (
            f"<b>{head}</b><ul style='list-style: none; padding-left: 0'>"
            + "".join(f"<li>{escape(line)}</li>" for line in lines)
            + "</ul>"
        )


def _mark(state: str) -> str:
    return {"passed": "✓", "not yet": "✗"}.get(state, "○")
