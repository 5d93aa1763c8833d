"""Make the pictures in `docs/images`: ``python docs/pictures.py``, with convt and its extra "demo" installed.

`speed.png` shows what `benchmarks/results/cpu-forward.md` says, nothing is measured. `demo.png` is what ``python -m convt
demo`` writes, as learned on this machine.
"""

from __future__ import annotations

import re
from pathlib import Path

from convt import draw
from convt.bench import picture
from convt.bench.cases import CASES
from convt.bench.jobs import FORWARD, LayerJob
from convt.bench.machine import Machine
from convt.bench.ours import Kept, Ours
from convt.bench.results import Result
from convt.bench.timing import Times
from convt.demo.run import run

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results" / "cpu-forward.md"


def measured(page: str) -> tuple[str, list[str], list[Result]]:
    """The heading, the peers and the cases of a page of results."""
    heading = "\n".join(page.splitlines()[:2])
    title, _, *rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    who = title[2 : title.index("x best")]
    peers = [name for name in who if name not in (Ours.name, Kept.name)]
    nowhere = Machine("", 1, 1.0, {1: 1.0})
    results = []
    for name, _, *cells in rows:
        if name in CASES:
            medians = {each: float(re.match(r"[\d.]+", cell)[0]) for each, cell in zip(who, cells, strict=False)}
            best = min(peers, key=medians.__getitem__)
            medians[best] = medians[Ours.name] * float(cells[len(who)])  # which was not computed from rounded medians
            times = {each: Times(*[milliseconds / 1e3] * 4) for each, milliseconds in medians.items()}
            results.append(Result(LayerJob(CASES[name], FORWARD[0], "float32"), times, {}, {}, nowhere))
    return heading, peers, results


def main() -> None:
    """Write all of them."""
    images = HERE / "images"
    heading, peers, results = measured(RESULTS.read_text(encoding="utf-8"))
    picture.draw({"conv_transpose": results}, peers, heading, images / "speed.png")
    draw.arithmetic((3, 3), (3, 3), stride=2, padding=1).savefig(images / "arithmetic.png")
    run(output=images / "demo.png")


if __name__ == "__main__":
    main()
