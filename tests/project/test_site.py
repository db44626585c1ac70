"""The website: no dead link, no missing picture, words for every picture, and nothing fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import build_site
import chromium
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
        patch.setenv("SITE_REPOSITORY", "owner/name")  # as the site is published
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


# What Lighthouse would look at, in a page as a phone shows it. What can be tapped may be lower than 24 px in a line of
# text alone.
LOOK = """() => {
  const shown = e => e.checkVisibility({opacityProperty: true, visibilityProperty: true})
    && e.getBoundingClientRect().width > 1 && e.getBoundingClientRect().height > 1;
  const all = selector => [...document.querySelectorAll(selector)].filter(shown);
  const box = e => e.getBoundingClientRect(), name = e => e.outerHTML.slice(0, 100);
  const color = text => { const n = text.match(/[\\d.]+/g).map(Number); return [...n.slice(0, 3), n[3] ?? 1]; };
  const over = (top, below) => top.map((v, i) => i < 3 ? v * top[3] + below[i] * (1 - top[3]) : 1);
  const known = new Map();
  const laid = e => over(color(getComputedStyle(e).backgroundColor), ground(e.parentElement));
  const ground = e => e ? known.get(e) ?? known.set(e, laid(e)).get(e) : [255, 255, 255, 1];
  const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const pale = e => {
    const style = getComputedStyle(e), below = ground(e), size = parseFloat(style.fontSize);
    const [least, most] = [light(below), light(over(color(style.color), below))].sort((a, b) => a - b);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    return (most + 0.05) / (least + 0.05) < (large ? 3 : 4.5);
  };
  const says = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  const texts = [...document.body.querySelectorAll(':not(svg *)')].filter(says).filter(shown);
  const taps = all('a[href], button, input, summary');
  const words = e => e.innerText.trim() || e.ariaLabel || e.title || e.placeholder || e.querySelector('img[alt]')?.alt;
  const width = document.documentElement.scrollWidth;
  return {
    'wider than the window': width > innerWidth ? [width] : [],
    'a picture that is missing': all('img').filter(e => !e.naturalWidth).map(name),
    'words too pale': texts.filter(pale).map(name),
    'too small for a finger': taps.filter(e => getComputedStyle(e).display !== 'inline'
      && (box(e).width < 24 || box(e).height < 24)).map(name),
    'a link or button without a name': taps.filter(e => !words(e)).map(name),
    'text to look at': texts.length ? [] : ['none'],
  };
}"""


@pytest.fixture(scope="module")
def phone() -> Iterator[Any]:
    with chromium.launched() as browser:
        yield browser.new_context(viewport={"width": 380, "height": 800}).new_page()


def test_a_phone_can_show_each_page_by_day_and_by_night(site: Path, pages: dict[str, Page], phone: Any) -> None:
    wrong: list[object] = []
    phone.on("requestfailed", lambda request: wrong.append(request.url))
    phone.on("pageerror", lambda error: wrong.append(error))
    for name in pages:
        phone.goto((site / name).as_uri())
        for scheme in ("light", "dark"):
            phone.emulate_media(color_scheme=scheme)
            phone.wait_for_selector(f'html[data-theme="{scheme}"]', state="attached")
            found = phone.evaluate(LOOK)
            wrong += [(name, scheme, what, items[:3]) for what, items in found.items() if items]
    assert wrong == []


def test_search_finds_a_lesson_without_a_server(site: Path, phone: Any) -> None:
    phone.goto(f"{(site / 'search.html').as_uri()}?q=deadlock")
    phone.wait_for_selector("#search-results a[href^='05-share-with-care.html']")


def test_each_page_says_what_it_is(site: Path, pages: dict[str, Page]) -> None:
    heads = [(site / name).read_text(encoding="utf-8").partition("</head>")[0] for name in pages]
    for pattern in ("<title>[^<]{10,}</title>", '<meta name="description" content="[^"]{40,165}"', '<html lang="en"'):
        assert all(re.search(pattern, head) for head in heads), pattern
    assert all('name="viewport" content="width=device-width' in head for head in heads)
    assert len({re.findall("<title>.*</title>", head)[0] for head in heads}) == len(heads)


def test_each_lesson_opens_on_binder(site: Path) -> None:
    for path in notebook_form.lessons():
        address = f"https://mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/notebooks/{path.name}"
        assert address in (site / f"{path.stem}.html").read_text(encoding="utf-8")
