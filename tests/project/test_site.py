"""The website: no dead link, no missing picture, words for every picture, and nothing fetched from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import build_site
import notebook_form
import pytest

pytest.importorskip("myst_nb", reason="the website needs requirements-dev.txt")


class Page(HTMLParser):
    """What a page holds: links, sources, ids, pictures' words, and headings of its article."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.ids: set[str] = set()
        self.alts: list[str | None] = []
        self.headings: list[int] = []
        self._article = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {value for name, value in attrs if name in ("id", "name") and value}
        self.links += [given["href"] or ""] if tag == "a" and "href" in given else []
        self.sources += [value for name, value in attrs if name == "src" and value]
        self.sources += [given["href"] or ""] if tag == "link" and given.get("rel") == "stylesheet" else []
        self._article = self._article or tag == "article"
        if self._article and re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.alts.append(given.get("alt"))

    def handle_endtag(self, tag: str) -> None:
        self._article = self._article and tag != "article"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SITE_REPOSITORY", "owner/name")
        assert build_site.build(target) == 0, "Sphinx warns of nothing"
    return target


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    return {path.name: Page(path) for path in sorted(site.glob("*.html"))}


def test_each_lesson_is_a_page_and_so_are_the_claims(pages: dict[str, Page]) -> None:
    assert {f"{path.stem}.html" for path in notebook_form.lessons()} | {"index.html", "claims.html"} <= set(pages)


def test_no_link_is_dead_and_no_file_missing(site: Path, pages: dict[str, Page]) -> None:
    dead = []
    for name, page in pages.items():
        for link in page.links + page.sources:
            file, _, anchor = unquote(link).partition("#")
            if re.match(r"(https?:|mailto:|data:|javascript:)", file):
                continue
            target = (site / file.partition("?")[0]) if file else site / name
            if not target.exists() or (anchor and target.suffix == ".html" and anchor not in pages[target.name].ids):
                dead.append(f"{name}: {link}")
    assert dead == []


def test_nothing_is_fetched_from_elsewhere(pages: dict[str, Page]) -> None:
    assert [s for page in pages.values() for s in page.sources if re.match(r"https?:|//", s)] == []


def test_pictures_have_words_and_headings_their_order(pages: dict[str, Page]) -> None:
    for path in notebook_form.lessons():
        page = pages[f"{path.stem}.html"]
        pictures = [alt for alt in page.alts if alt is None or "logo" not in alt.lower()]
        assert all(alt and not alt.startswith("_images") for alt in pictures), path.name
        assert page.headings.count(1) == 1 and page.headings[0] == 1
        assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


def test_a_lab_says_where_to_play(site: Path) -> None:
    text = (site / "00-start-here.html").read_text(encoding="utf-8")
    assert "It moves where the lesson runs" in text


def test_with_a_repository_each_page_opens_on_binder(site: Path) -> None:
    for path in notebook_form.lessons():
        address = f"https://mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/notebooks/{path.name}"
        assert address in (site / f"{path.stem}.html").read_text(encoding="utf-8"), path.name
