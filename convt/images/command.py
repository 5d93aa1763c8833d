"""``python -m convt upscale``: several files, a folder or one file to write, standard input and output, a progress bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ..core.arguments import as_count
from . import methods
from .files import check_quality, upscale_file
from .reading import Source
from .writing import kind_of

__all__ = ["run"]

_STANDARD = "-"


def run(
    images: Sequence[str],
    output: str,
    scale: int,
    *,
    method: str = methods.DEFAULT,
    network: str | None = None,
    format: str | None = None,  # noqa: A002 - the option's name
    quality: int | None = None,
    limit: float,
) -> None:
    """Enlarge files. One that cannot be enlarged does not keep the others from it.

    Parameters
    ----------
    images : sequence of str
        The files to read; "-" is standard input.
    output : str
        The file to write, "-" for standard output, or an existing folder.
    network : str, optional
        A file from ``demo --save``, which replaces the method.
    scale, method, format, quality, limit
        As in `upscale_file`.

    Raises
    ------
    ValueError, OSError
        An argument breaks a rule, or a file could not be enlarged. Of several files, each error has been printed.
    """
    scale = as_count("scale", scale)
    if not limit > 0:
        raise ValueError(f"limit must be above 0, got {limit:g}")
    check_quality(quality)
    if format is not None:
        kind_of("", format)
    way = methods.named(method) if network is None else methods.from_network(network)
    way.check_scale(scale)
    failed = 0
    for image, target in _pairs(images, output, format):
        try:
            with _bar(Path(image).name) as progress, _target(target) as file:
                upscale_file(
                    _source(image),
                    file,
                    scale,
                    method=way,
                    format=format,
                    quality=quality,
                    limit=limit,
                    progress=progress,
                )
        except BrokenPipeError:
            raise
        except (MemoryError, OSError, ValueError) as error:
            if len(images) == 1:
                raise
            failed += 1
            print(f"convt: error: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
    if failed:
        raise ValueError(f"all images must be such as can be enlarged, got {failed} of {len(images)} that could not")


def _pairs(images: Sequence[str], output: str, format_: str | None) -> list[tuple[str, str]]:
    """Each image with the file to write."""
    if not (os.path.isdir(output) or output.endswith(("/", os.sep))):
        if len(images) > 1:
            raise ValueError(f"output must be an existing folder for several images, got '{output}'")
        return [(images[0], output)]
    folder = Path(output)
    if _STANDARD in images:
        raise ValueError(f"output must be a file or - for standard input, got the folder '{output}'")
    pairs = []
    for image in images:
        name = Path(image).name if format_ is None else f"{Path(image).stem}.{format_.lower().removeprefix('.')}"
        pairs.append((image, str(folder / name)))
    targets: dict[str, str] = {}
    sources = {os.path.realpath(image) for image in images}
    for image, target in pairs:
        if os.path.realpath(target) in sources:
            raise ValueError(
                f"output must be another folder than that of '{image}', which would be replaced, got '{output}'"
            )
        if target in targets:
            raise ValueError(f"images must have different names for a folder, got '{targets[target]}' and '{image}'")
        targets[target] = image
    return pairs


def _source(image: str) -> Source:
    if image != _STANDARD:
        return image
    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError(f"image must be a file, or come through a pipe, got '{_STANDARD}' and no pipe")
    return BytesIO(sys.stdin.buffer.read())


@contextmanager
def _target(output: str) -> Iterator[str | BinaryIO]:
    if output != _STANDARD:
        yield output
        return
    if sys.stdout is None or sys.stdout.isatty():
        raise ValueError(f"output must be a file, or go through a pipe, got '{_STANDARD}' and no pipe")
    yield sys.stdout.buffer
    sys.stdout.flush()


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal; nothing elsewhere. Gives what is to be called with the pixels done and all of them."""
    from tqdm import tqdm

    seen = sys.stderr is not None and sys.stderr.isatty()
    with tqdm(desc=name, unit="pixel", unit_scale=True, dynamic_ncols=True, disable=not seen) as bar:

        def progress(done: int, pixels: int) -> None:
            bar.total = pixels
            bar.update(done - bar.n)
            if done == pixels:
                bar.set_postfix_str("writing")

        yield progress
