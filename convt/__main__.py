"""The command line, ``python -m convt`` or ``convt``: arguments and exit status only.

Without a command it prints `show_config`. What the commands do is in `demo/run.py` and `upscale.py`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from .backend import BackendUnavailable
from .config import show_config
from .optional import MissingPackage
from .selection import use_backend
from .version import __version__

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        The exit status: 0; 1 if an optional package is missing; 2 for wrong arguments, files or backends.
    """
    options = _parser().parse_args(arguments)
    try:
        with use_backend(options.backend):
            options.command(options)
    except MissingPackage as missing:
        return _fail(str(missing), 1)
    except (BackendUnavailable, LookupError, MemoryError, OSError, ValueError) as error:
        return _fail(f"convt: error: {str(error) or type(error).__name__}", 2)
    except KeyboardInterrupt:
        return _fail("convt: interrupted", 130)
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser("convt", description="Transposed convolution for NumPy. Without a command: what is installed.")
    parser.add_argument("--version", action="version", version=f"convt {__version__}")
    parser.set_defaults(command=_show_config, backend=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="learn to enlarge a photograph by 2, and compare", description=_DEMO)
    demo.add_argument("image", metavar="IMAGE", nargs="?", help="a photograph (default: one that comes with scikit-image)")
    demo.add_argument("--output", metavar="FILE", default="convt-demo.png", help="the comparison (default: %(default)s)")
    demo.add_argument("--steps", type=int, default=1000, help="of gradient descent (default: %(default)s)")
    demo.set_defaults(command=_demo)

    upscale = commands.add_parser("upscale", help="enlarge an image file", description=_UPSCALE)
    upscale.add_argument("image", metavar="IMAGE", help="the file to enlarge")
    upscale.add_argument("--scale", metavar="N", type=int, default=2, help="a whole number (default: %(default)s)")
    upscale.add_argument("--output", metavar="FILE", required=True, help="the file to write; its extension names the type")
    upscale.set_defaults(command=_upscale)

    for command in (demo, upscale):
        command.add_argument("--backend", metavar="NAME", help="who computes: a backend, or several to try: cuda,cpu")
    return parser


_DEMO = "A small network with a transposed convolution learns from one part of a photograph how to enlarge the other part."
_UPSCALE = "Enlarge an image by a whole number: bilinear interpolation, as a transposed convolution."


def _show_config(options: Namespace) -> None:
    show_config()


def _demo(options: Namespace) -> None:
    from .demo.run import run

    run(options.image, options.output, options.steps)


def _upscale(options: Namespace) -> None:
    from .upscale import upscale_file

    upscale_file(options.image, options.output, options.scale)


def _fail(message: str, status: int) -> int:
    print(" ".join(message.split()), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
