"""Draw the README's picture, docs/timeline.png, from two real runs of the same eight waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.drawing.timeline import timeline
from helpers.recording.watcher import watch
from helpers.tasks import io_task

TARGET = Path(__file__).resolve().parents[1] / "docs" / "timeline.png"


def main() -> None:
    with ThreadPoolExecutor(max_workers=3) as pool, watch(pool) as inside:
        for _ in range(8):
            pool.submit(io_task, 0.2).result()
    with ThreadPoolExecutor(max_workers=3) as pool, watch(pool) as after:
        for future in [pool.submit(io_task, 0.2) for _ in range(8)]:
            future.result()
    titles = ["result() inside the loop", "submit all, then collect"]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(timeline(inside, after, title=titles).png())


if __name__ == "__main__":
    main()
