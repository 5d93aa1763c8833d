"""Tables: rows of cells, aligned for a terminal or as Markdown for a page."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["lay_out", "threads", "three_digits", "times"]

Row = Sequence[str]


def lay_out(titles: Row, rows: Sequence[Row], feet: Sequence[Row] = (), *, words: int = 1, markdown: bool = False) -> str:
    """A table as text.

    Parameters
    ----------
    titles : sequence of str
    rows, feet : sequence of sequence of str
        As long as the titles; the feet stand below a line.
    words : int
        How many columns in front are words, which begin at the left; numbers end at the right.
    markdown : bool

    Returns
    -------
    str

    Examples
    --------
    >>> from convt.bench.tables import lay_out
    >>> print(lay_out(["case", "ms"], [["a", "10"], ["bcdef", "2"]], [["mean", "6"]]))
    case   ms
    ---------
    a      10
    bcdef   2
    ---------
    mean    6
    """
    if markdown:
        marks = ["---" if place < words else "---:" for place in range(len(titles))]
        return "\n".join(f"| {' | '.join(line)} |" for line in (titles, marks, *rows, *feet))
    widths = [max(map(len, column)) for column in zip(titles, *rows, *feet, strict=True)]

    def line(cells: Row) -> str:
        sides = [cell.ljust if place < words else cell.rjust for place, cell in enumerate(cells)]
        return "  ".join(side(width) for side, width in zip(sides, widths, strict=True))

    rule = "-" * len(line(titles))
    below = [rule, *map(line, feet)] if feet else []
    return "\n".join([line(titles), rule, *map(line, rows), *below])


def three_digits(value: float) -> str:
    """A positive number, as precise as a reader needs it.

    Examples
    --------
    >>> from convt.bench.tables import three_digits
    >>> three_digits(0.012345), three_digits(24.74), three_digits(100.0), three_digits(1234.5)
    ('0.0123', '24.7', '100', '1234')
    """
    return f"{value:#.3g}".rstrip(".") if value < 1000 else f"{value:.0f}"


def threads(number: int) -> str:
    """A number of threads.

    Examples
    --------
    >>> from convt.bench.tables import threads
    >>> threads(1), threads(2)
    ('1 thread', '2 threads')
    """
    return f"{number} thread{'s' if number > 1 else ''}"


def times(ratio: float | None, sign: str = "") -> str:
    """A ratio; "-" where there is none.

    Examples
    --------
    >>> from convt.bench.tables import times
    >>> times(1.5), times(1.5, "x "), times(None)
    ('1.50', 'x 1.50', '-')
    """
    return "-" if ratio is None else f"{sign}{ratio:.2f}"
