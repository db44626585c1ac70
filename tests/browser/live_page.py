"""A page with the browser's half of a live timeline and nothing around it: the model is a plain object."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import helpers.live.timeline

ESM = Path(helpers.live.timeline.__file__).with_name("timeline.js")
LIGHT = {"--jp-layout-color0": "#fff", "--jp-layout-color1": "#fff", "--jp-ui-font-color1": "#222"}
DARK = {"--jp-layout-color0": "#111", "--jp-layout-color1": "#111", "--jp-ui-font-color1": "#fff"}
# The page's `say(sections)` does what a message of the kernel's does; `asked` is what the browser sent to the kernel.
OPEN = """async ([text, sections, views, cores]) => {
    const decode = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    const unpack = (heads) => heads.map((head) => ({...head, rows: decode(head.rows), waits: decode(head.waits),
                                                    calls: decode(head.calls)}));
    const traits = {key: 'one', state: {sections: unpack(sections)}, least_height: 0, most_height: 500, cores};
    const heard = [];
    window.asked = [];
    const face = () => ({get: (name) => traits[name], on: (name, fn) => name === 'msg:custom' && heard.push(fn),
                         off() {}, send: (content) => asked.push(content), save_changes() {}});
    window.say = (heads) => {
        const parts = unpack(heads), all = parts.flatMap((head) => [head.rows, head.waits, head.calls]);
        const buffers = all.filter((buffer) => buffer.byteLength);
        heard.forEach((fn) => fn({kind: 'news', sections: parts}, buffers));
    };
    window.esm = await import(URL.createObjectURL(new Blob([text], {type: 'text/javascript'})));
    window.esm.default.initialize({model: face()});
    window.closers = [];
    for (let n = 0; n < views; n++) {
        const el = document.body.appendChild(document.createElement('div'));
        closers.push(window.esm.default.render({model: face(), el}));
    }
    window.view = document.querySelector('.pool-timeline').timeline;
}"""


def plain(sections: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages as JSON can carry them."""
    text = lambda value: base64.b64encode(value).decode() if isinstance(value, bytes) else value
    return [{name: text(value) for name, value in head.items()} for head in sections]


def open_live(
    page: Any, sections: Sequence[dict[str, Any]], views: int = 1, theme: dict[str, str] = LIGHT, cores: int = 2
) -> Any:
    """Show `sections` in `page`; the first view's element. An error in the page's script fails the test."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    style = ";".join(f"{name}:{value}" for name, value in theme.items())
    page.set_content(f"<!doctype html><meta charset=utf-8><body style='margin:20px;width:960px;{style}'>")
    page.evaluate(OPEN, [ESM.read_text(encoding="utf-8"), plain(sections), views, cores])
    page.wait_for_function("() => view.frames > 0")
    assert errors == []
    return page.locator(".pool-timeline").first
