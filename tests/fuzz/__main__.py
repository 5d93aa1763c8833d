"""``python -m tests.fuzz``: the command line."""

from __future__ import annotations

import argparse
import sys

from .children import Failure, Findings, explore


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments say; 1 if something was found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description="Random calls against a definition.")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long (120)")
    parser.add_argument("--seed", type=int, default=1, help="cases follow from it and their numbers (1)")
    parser.add_argument("--failures", type=int, default=10, help="stop after so many (10)")
    parser.add_argument("--case", metavar="SEED:NUMBER", help="this one alone")
    parser.add_argument("--plant", metavar="ERROR", help="make an error of planted.py, which should be found")
    given = parser.parse_args(arguments)
    planted = f" --plant {given.plant}" if given.plant else ""

    def tell(failure: Failure) -> None:
        print(f"\n{failure.reason}\n{failure.words}\n  again: python -m tests.fuzz --case {seed}:{failure.number}{planted}", flush=True)

    if given.case:
        seed, number = map(int, given.case.split(":"))
        found = explore(seed, first=number, cases=1, plant=given.plant, tell=tell)
    else:
        seed = given.seed
        found = explore(seed, seconds=given.seconds, failures=given.failures, plant=given.plant, tell=tell)
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
