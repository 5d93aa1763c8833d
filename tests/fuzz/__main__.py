"""``python -m tests.fuzz``: the command line."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .children import Failure, Findings, build_refuser, explore


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments say; 1 if something was found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description="Random calls against a definition.")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long (120)")
    parser.add_argument("--seed", type=int, default=1, help="cases follow from it and their numbers (1)")
    parser.add_argument("--failures", type=int, default=10, help="stop after so many (10)")
    parser.add_argument("--case", metavar="SEED:NUMBER", help="this one alone")
    parser.add_argument("--plant", metavar="ERROR", default="", help="make an error of planted.py, which should be found")
    parser.add_argument("--refuse", action="store_true", help="refuse memory instead (refusals.py); glibc and a C compiler")
    given = parser.parse_args(arguments)
    flags = f" --plant {given.plant!r}" * bool(given.plant) + " --refuse" * given.refuse
    seed, number = map(int, given.case.split(":")) if given.case else (given.seed, 0)

    def tell(failure: Failure) -> None:
        print(
            f"\n{failure.reason}\n{failure.words}\n  again: python -m tests.fuzz --case {seed}:{failure.number}{flags}",
            flush=True,
        )

    with tempfile.TemporaryDirectory() as folder:
        refuser = build_refuser(Path(folder)) if given.refuse else None
        limits = {"first": number, "cases": 1} if given.case else {"seconds": given.seconds, "failures": given.failures}
        found = explore(seed, plant=given.plant, refuser=refuser, tell=tell, **limits)
    print(report(found))
    return 1 if found.failures else 0


def report(found: Findings) -> str:
    """What was done, and how much was found."""
    lines = [f"{found.cases} cases in {found.seconds:.0f} seconds, {len(found.failures)} wrong"]
    for name, counted in (("calls of", found.subjects), ("maps by", found.engines)):
        lines.append(f"{name} " + ", ".join(f"{each} {count}" for each, count in counted.most_common()))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
