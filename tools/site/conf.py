"""Sphinx's settings for the website; tools/build_site.py lays the sources and calls it."""

from __future__ import annotations

import os
import sys
import textwrap
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

project = "Thread pools, seen"
author = "the course's authors"
copyright = "MIT, text and code"
extensions = ["myst_nb"]
exclude_patterns = ["data/README.md"]
nb_execution_mode = "off"  # what readers see is what was saved, and what nbval compares
nb_mime_priority_overrides = [("html", "text/html", 0), ("html", "image/png", 1), ("html", "text/markdown", 2)]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 6
myst_heading_slug_func = "notebook_form.anchor"
suppress_warnings = ["mystnb.unknown_mime_type", "misc.highlighting_failure", "myst.header"]
nitpicky = True

html_theme = "sphinx_book_theme"
html_title = project
html_sourcelink_suffix = ""
html_static_path = ["_static"]
html_css_files = ["course.css"]
repository = os.environ.get("SITE_REPOSITORY", "")  # "owner/name" on GitHub
html_theme_options: dict[str, object] = {
    "use_download_button": True,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "home_page_in_toc": True,
}
if repository:
    html_theme_options |= {
        "repository_url": f"https://github.com/{repository}",
        "repository_branch": os.environ.get("SITE_BRANCH", "main"),
        "path_to_docs": "notebooks",
        "use_repository_button": True,
        "launch_buttons": {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"},
    }


def describe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """What a search engine shows under a page's title: the page's first paragraph."""
    first = next(doctree.findall(nodes.paragraph), None) if doctree else None
    text = first.astext() if first else "A course of Jupyter notebooks on Python's thread pools, Futures and the GIL."
    said = textwrap.shorten(text, 160, placeholder=" …")
    context["metatags"] = f'{context.get("metatags", "")}<meta name="description" content="{escape(said)}" />'


def setup(app: Any) -> None:
    app.connect("html-page-context", describe)
