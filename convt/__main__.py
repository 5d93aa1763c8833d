"""The command line, ``python -m convt`` or ``convt``: arguments and exit status.

Without a command, it calls `show_config`. The commands themselves are in `demo/run.py`, `images/command.py`, and `run.py`,
`busy.py`, `schedule.py`, `networks/run.py` and `xla/run.py` of `bench/`.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
import warnings
from argparse import ArgumentParser, ArgumentTypeError, HelpFormatter, Namespace
from collections.abc import Sequence

from .backend import BackendUnavailable
from .config import show_config
from .hints import did_you_mean
from .optional import MissingPackage, require
from .selection import use_backend
from .version import __version__

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The exit status: 0; 1 if an optional package is missing; 2 for wrong arguments, files or backends; 130 for Ctrl-C.
    """
    try:
        status = _run(arguments)
    finally:
        error = _flush()
    if error is None or status or isinstance(error, BrokenPipeError):
        return status
    return _fail(f"convt: error: {error}", 2)


def _run(arguments: Sequence[str] | None) -> int:
    """Run the command that the arguments name, and return the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser, commands = _parser()
    _check_names(parser, commands, given)
    options = parser.parse_args(given)
    try:
        with use_backend(options.backend), warnings.catch_warnings():
            warnings.showwarning = _warn
            options.command(options)
    except MissingPackage as missing:
        return _fail(str(missing), 1)
    except BrokenPipeError:  # the reader, such as `head`, wants no more
        return 0
    except (BackendUnavailable, LookupError, MemoryError, OSError, ValueError) as error:
        return _fail(f"convt: error: {str(error) or type(error).__name__}", 2)
    except KeyboardInterrupt:
        return _fail("convt: interrupted", 130)
    return 0


def _check_names(parser: ArgumentParser, commands: dict[str, ArgumentParser], arguments: Sequence[str]) -> None:
    """Exit with an error that says the likely name, if there is no such command, or no such option of it."""
    asked = parser
    for argument in arguments:
        if argument == "--":
            return
        name = argument.partition("=")[0]
        if name.startswith("--"):
            options = ["--help", *re.findall(r"--[a-z]+", asked.format_usage())]
            if not any(option.startswith(name) for option in options):
                asked.error(f"an option must be one of {', '.join(options)}, got {name!r}{did_you_mean(name, options)}")
        elif asked is parser and not name.startswith("-"):
            if name not in commands:
                asked.error(f"COMMAND must be one of {', '.join(commands)}, got {name!r}{did_you_mean(name, commands)}")
            asked = commands[name]


def _parser() -> tuple[ArgumentParser, dict[str, ArgumentParser]]:
    """The parser of the command line, and those of its commands."""
    parser = ArgumentParser("convt", description=_CONVT, epilog=_examples("", "demo", "bench --list"), formatter_class=_Help)
    parser.add_argument("--version", action="version", version=f"convt {__version__}")
    parser.set_defaults(command=_show_config, backend=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, purpose: str, description: str, *examples: str) -> ArgumentParser:
        return commands.add_parser(
            name, help=purpose, description=description, epilog=_examples(*examples), formatter_class=_Help
        )

    demo = command("demo", "learn to enlarge a photograph by 2, and compare", _DEMO, *_DEMO_EXAMPLES)
    demo.add_argument("image", metavar="IMAGE", nargs="?", help="a photograph (default: one that comes with scikit-image)")
    demo.add_argument("--output", metavar="FILE", default="convt-demo.png", help="the comparison (default: %(default)s)")
    demo.add_argument("--steps", metavar="N", type=int, default=1000, help="of gradient descent (default: %(default)s)")
    demo.add_argument("--save", metavar="FILE", help="write the network, for upscale --network")
    demo.set_defaults(command=_demo)

    upscale = command("upscale", "enlarge image files", _UPSCALE, *_UPSCALE_EXAMPLES)
    upscale.add_argument("images", metavar="IMAGE", nargs="+", help="a file to enlarge; - is standard input")
    upscale.add_argument(
        "--output", metavar="FILE", required=True, help="the file to write, a folder, or - for standard output"
    )
    upscale.add_argument("--scale", metavar="N", type=int, default=2, help="a whole number (default: %(default)s)")
    how = upscale.add_mutually_exclusive_group()
    how.add_argument("--method", metavar="NAME", default="convt", help=_METHODS)
    how.add_argument("--network", metavar="FILE", help="double by a network, from demo --save")
    upscale.add_argument("--format", metavar="TYPE", help="such as png (default: as the extension of the output says)")
    upscale.add_argument("--quality", metavar="N", type=int, help=_QUALITY)
    upscale.add_argument("--limit", metavar="MEGAPIXELS", type=float, default=500.0, help=_LIMIT)
    upscale.set_defaults(command=_upscale)

    bench = command("bench", "time convt beside other frameworks", _BENCH, *_BENCH_EXAMPLES)
    bench.add_argument("--list", action="store_true", help="list the cases and do no more")
    bench.add_argument("--cases", metavar="NAMES", action="append", help="or families: dcgan,fcn-8 (default: all)")
    bench.add_argument("--peers", metavar="NAMES", action="append", help=_PEERS)
    bench.add_argument(
        "--backward", action="store_true", help="time the gradients, together and apart (of peers, torch has any)"
    )
    bench.add_argument("--conv", action="store_true", help="time convolution and its gradients")
    bench.add_argument("--sampling", action="store_true", help="time upsampling, pooling and their gradients instead")
    bench.add_argument("--busy", action="store_true", help="time while other programs compute, with one thread and with all")
    bench.add_argument("--networks", action="store_true", help="time whole networks in PyTorch, with and without convt")
    bench.add_argument("--jax", action="store_true", help="time convt.jax and its gradients beside all forms of XLA's")
    bench.add_argument("--schedule", action="store_true", help="time nothing: tell how many cores each case can keep busy")
    bench.add_argument("--dtype", choices=_DTYPES, default="float32", help=_DTYPE)
    bench.add_argument("--threads", metavar="N", type=_numbers, help=_THREADS)
    bench.add_argument(
        "--repeat", metavar="N", type=int, help="timed calls of each (default: 9; 60 with --busy, 5 with --jax)"
    )
    bench.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    bench.add_argument("--plot", metavar="FILE", help="draw the ratios; the extension names the type")
    bench.add_argument("--json", metavar="FILE", help="write all that was measured")
    bench.set_defaults(command=_bench)

    for each in (demo, upscale, bench):
        each.add_argument("--backend", metavar="NAME", help="who computes: a backend, or several to try: cuda,cpu")
    return parser, dict(commands.choices)


_CONVT = "Transposed convolution for NumPy. Without a command: what is installed, and what would be used."
_DEMO = "A small network with a transposed convolution learns from one part of a photograph how to enlarge the other part."
_DEMO_EXAMPLES = "demo", "demo photo.jpg --output comparison.png --save net.npz"
_UPSCALE = (
    "Enlarge images by a whole number. Files keep their frames, colour profile, EXIF, resolution, and JPEGs their quality."
)
_UPSCALE_EXAMPLES = (
    "upscale photo.jpg --output large.jpg",
    "upscale *.jpg --method lanczos --scale 3 --output large/",
    "upscale photo.jpg --network net.npz --output large.png",
    "upscale - --format png --output - <small.tif >large.png",
)
_METHODS = (
    "convt (default): bilinear, as a transposed convolution by the backend; or Pillow's bilinear, bicubic or lanczos, from "
    "soft to sharp"
)
_QUALITY = "of JPEG, WebP and AVIF, up to 100 (default: that of the JPEG that was read, else 90)"
_LIMIT = "the largest result to make, all frames together (default: 500, which take 2 GB of memory); inf for any"
_BENCH = "Time transposed convolution in layers of well-known networks: convt and its peers in turns, in one process."
_BENCH_EXAMPLES = "bench --list", "bench --cases dcgan,fcn-8 --peers torch", "bench --plot speed.png --json speed.json"
_PEERS = "torch, onnxruntime, openvino or none (default: those that are installed)"
_DTYPES = ["float32", "float64", "float16", "bfloat16"]
_DTYPE = "(default: %(default)s; half types on a device)"
_THREADS = "for everybody (default: all cores that may be used); with --schedule several: 8,32,64"
_STATUS = (
    "exit status: 0, done; 1, a package is missing; 2, wrong arguments, files or backends, as a line on standard error "
    "says; 130, interrupted"
)


class _Help(HelpFormatter):
    """Text is wrapped to the terminal, but for lines that are indented."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = (line if line.startswith(" ") else textwrap.fill(line, width) for line in text.splitlines())
        return textwrap.indent("\n".join(lines), indent)


def _examples(*commands: str) -> str:
    return "\n".join(["examples:", *(f"  python -m convt {each}".rstrip() for each in commands), "", _STATUS])


def _show_config(options: Namespace) -> None:
    show_config()


def _demo(options: Namespace) -> None:
    from .demo.run import run

    run(options.image, options.output, options.steps, options.save)


def _upscale(options: Namespace) -> None:
    require("upscale", "PIL", "tqdm")
    from .images import command

    chosen = {name: getattr(options, name) for name in ("method", "network", "format", "quality", "limit")}
    command.run(options.images, options.output, options.scale, **chosen)


def _bench(options: Namespace) -> None:
    from .bench import busy, run, schedule
    from .bench.device import run as run_on_device

    if options.list or options.cases == ["list"]:
        return run.list_cases(None if options.cases == ["list"] else options.cases)
    everywhere = {"dtype": options.dtype, "markdown": options.markdown, "json": options.json}
    if options.schedule:
        _refuse(options, "schedule", "busy", "backward", "conv", "sampling", "peers", "repeat", "plot", "jax")
        schedule.run(options.cases, threads=options.threads, **everywhere)
        return
    if options.threads and len(options.threads) > 1:
        raise ValueError(f"threads must be one number without --schedule, got {', '.join(map(str, options.threads))}")
    everywhere["threads"] = options.threads[0] if options.threads else None
    if options.repeat is not None:
        everywhere["repeat"] = options.repeat
    if options.networks:
        _refuse(options, "networks", "busy", "backward", "conv", "sampling", "peers", "plot", "json", "jax")
        require("bench --networks", "torch", extra="torch")
        from .bench.networks import run as networks

        del everywhere["dtype"], everywhere["json"]
        networks.run(options.cases, **everywhere)
        return
    if device := run_on_device.asked_for():
        _refuse(options, f"backend {device.name}", "busy", "threads", "plot", "json", "jax")
        del everywhere["threads"], everywhere["json"]
        chosen = {name: getattr(options, name) for name in ("backward", "conv", "sampling")}
        run_on_device.run(device, options.cases, options.peers, **chosen, **everywhere)
        return
    if options.jax:
        _refuse(options, "jax", "busy", "backward", "conv", "sampling", "peers", "plot")
        require("bench --jax", "jax", extra="jax")
        from .bench.xla import run as xla

        xla.run(options.cases, **everywhere)
        return
    if options.busy:
        _refuse(options, "busy", "backward", "conv", "sampling", "plot")
        busy.run(options.cases, options.peers, **everywhere)
        return
    chosen = {name: getattr(options, name) for name in ("backward", "conv", "sampling", "plot")}
    run.run(options.cases, options.peers, **chosen, **everywhere)


def _refuse(options: Namespace, mode: str, *names: str) -> None:
    """Raise for an option that has no meaning in a mode of the benchmark."""
    for name in names:
        if getattr(options, name) not in (None, False):
            raise ValueError(f"{name} must not be given with --{mode}")


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"must be a number, or several with commas, got {text!r}") from None


def _flush() -> OSError | None:
    """Write what has been printed, or return the error. What cannot be written is dropped; Python must not try again."""
    try:
        print(end="", flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None


def _warn(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: object = None, line: str | None = None
) -> None:
    _fail(f"convt: warning: {message}", 0)


def _fail(message: str, status: int) -> int:
    """Print a line on standard error, if there is one, and return the status."""
    if sys.stderr is not None:
        print(" ".join(message.split()), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
