"""What an exercise shows besides its verdict: a note, such as a hint, and what is done of a lesson."""

from __future__ import annotations

from html import escape


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
