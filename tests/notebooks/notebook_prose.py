"""The rules for a lesson's words: how many, which, and where its links lead. A rule yields what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import readme_table
from notebook_rules import VERBS, Lesson

WORDS = range(700, 1301)
WORDS_OF_THE_FIRST = range(400, 1301)
UNWANTED = re.compile(r"\b(let['’]s|simply|just|eas(?:y|ily)|of course|obviously|basically)\b", re.IGNORECASE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
# An address may hold pairs of brackets: JupyterLab finds `#Ask-result()` by that name alone, not by %28%29.
LINK = re.compile(r"(!?)\[([^\]]*)\]\(((?:[^()\s]|\([^()\s]*\))*)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def without_code(markdown: str) -> str:
    return re.sub(r"(`+)(?!`).+?\1", "", FENCE.sub("", markdown))


def prose(markdown: str) -> str:
    """The words of a text: no code, no table, no address behind a link."""
    text = re.sub(r"^\s*\|.*$", "", without_code(markdown), flags=re.MULTILINE)
    return re.sub(r"<[^>]+>", "", LINK.sub(r"\2", text))


def count_words(lesson: Lesson) -> int:
    # Code inside a sentence is read as a word.
    return sum(
        len(re.findall(r"\w[\w'’.-]*", prose(re.sub(r"(?<!`)`[^`\n]+`", "code", text)))) for text in lesson.markdown
    )


def anchors(texts: list[str]) -> set[str]:
    """The places that `#…` can name: JupyterLab makes them of a heading's text, with - for each space."""
    found = (HEADING.findall(FENCE.sub("", text)) for text in texts)
    return {re.sub(r"[`*]", "", LINK.sub(r"\2", heading)).replace(" ", "-") for some in found for heading in some}


@cache
def anchors_of(path: Path) -> set[str]:
    return anchors(Lesson.read(path).markdown if path.suffix == ".ipynb" else [path.read_text(encoding="utf-8")])


def broken_links(texts: list[str], home: Path) -> Iterator[str]:
    """The links in `texts`, of a file in the folder `home`, that lead nowhere. Pages on the web are not asked for."""
    here = anchors(texts)
    for text in texts:
        for _, _, target in LINK.findall(without_code(text)):
            name, _, anchor = unquote(target).partition("#")
            if re.match(r"https://\w|mailto:", name):
                continue
            path = (home / name).resolve()
            if not target or "://" in name or not path.exists():
                yield f"a link leads nowhere: {target or 'no address'}"
            elif anchor and anchor not in (anchors_of(path) if name else here):
                yield f"a link leads to no heading: {target}"


def begins_like_a_lesson(lesson: Lesson) -> Iterator[str]:
    title, able_to, minutes = readme_table.opening(lesson.first_cell)
    number, _, words = title.partition(" ")
    if number != f"{lesson.number:02}" or words.partition(" ")[0] not in VERBS:
        yield f"the first line is not `# {lesson.number:02} …` with a verb of {sorted(VERBS)}"
    if not able_to:
        yield "the first cell does not say what the reader will be able to do"
    if not minutes:
        yield "the first cell does not say how many minutes the lesson takes"
    if not any(re.search(r"^## .*recap", text, re.MULTILINE | re.IGNORECASE) for text in lesson.markdown):
        yield "no recap: a heading with that word"


def has_as_many_words_as_a_lesson(lesson: Lesson) -> Iterator[str]:
    wanted = WORDS if lesson.number else WORDS_OF_THE_FIRST
    if (words := count_words(lesson)) not in wanted:
        yield f"{words} words of prose; {wanted.start} to {wanted.stop - 1} are wanted"


def has_no_unwanted_words(lesson: Lesson) -> Iterator[str]:
    for text in map(prose, lesson.markdown):
        for found in UNWANTED.finditer(text):
            yield f"an unwanted word: …{text[max(0, found.start() - 20) : found.end() + 20]!r}…"
        if found := re.search(r"\w\s*!", text):
            yield f"an exclamation mark: …{text[max(0, found.start() - 20) : found.end()]!r}"


def has_links_that_lead_somewhere(lesson: Lesson) -> Iterator[str]:
    yield from broken_links(lesson.markdown, lesson.path.parent)


def describes_its_images(lesson: Lesson) -> Iterator[str]:
    for text in lesson.markdown:
        for bang, alt, target in LINK.findall(without_code(text)):
            if bang and not alt.strip():
                yield f"an image without a text for those who can't see it: {target}"
        if re.search(r"<img(?![^>]*\balt=\"[^\"]+\")", text):
            yield "an <img> without alt"


RULES = (
    begins_like_a_lesson, has_as_many_words_as_a_lesson, has_no_unwanted_words, has_links_that_lead_somewhere,
    describes_its_images,
)  # fmt: skip
