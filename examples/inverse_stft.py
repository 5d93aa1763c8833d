"""Invert a short-time Fourier transform: one call
===============================================

The inverse transform is a transposed convolution, and gives the same sound as scipy's istft.
A frame of the spectrum is a sum of cosines and sines, each times a window, and frames overlap by adding up. So the channels
of x are the real and imaginary parts of the frequencies, time is its one spatial axis, filter k is the windowed wave of its
frequency, and the stride is the hop between frames. The overlap of the squared windows is divided out in the end.

Run ``python examples/inverse_stft.py``; it needs NumPy and SciPy only, makes a chirp with an echo, takes a second and prints
the difference to the sound and to what scipy makes of it. ``--output chirp.wav`` writes the sound,
``--output chirp.png`` (with matplotlib) draws it.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import chirp, get_window, istft, stft

import convt

Array = NDArray[np.float64]

RATE = 22_050  # samples per second


def sound(seconds: float) -> Array:
    """A rising tone and its echo, (samples,)."""
    time = np.arange(int(seconds * RATE)) / RATE
    tone = chirp(time, 110, seconds, 3520, method="logarithmic") * np.exp(-time / seconds)
    echo = np.concatenate([np.zeros(RATE // 10), tone])[: tone.size]
    return 0.6 * tone + 0.3 * echo


def synthesis_filters(window: Array) -> Array:
    """The windowed waves, (2 * (window.size // 2 + 1), 1, window.size): real parts first, then imaginary parts."""
    size = window.size
    spectrum = np.eye(size // 2 + 1)
    waves = np.concatenate([np.fft.irfft(spectrum, size), np.fft.irfft(1j * spectrum, size)])
    return (waves * window)[:, None]


def inverse(frames: NDArray[np.complex128], window: Array, hop: int) -> Array:
    """The sound, (samples,), of the frames, (frequencies, times), that a Fourier transform of the windowed sound gave."""
    parts = np.concatenate([frames.real, frames.imag])
    total = convt.conv_transpose(parts, synthesis_filters(window), stride=hop)[0]
    weight = convt.conv_transpose(np.ones((1, frames.shape[1])), window[None, None] ** 2, stride=hop)[0]
    return total / np.where(weight > 1e-12, weight, 1)


def draw(sound: Array, frames: NDArray[np.complex128], hop: int, output: str) -> None:
    """Draw the frames, and the sound that came back from them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.5), dpi=120, layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=[2, 1])
    loudness = 20 * np.log10(np.abs(frames) / np.abs(frames).max() + 1e-5)
    end = frames.shape[1] * hop / RATE
    image = above.imshow(
        loudness, origin="lower", aspect="auto", extent=(0, end, 0, RATE / 2000), cmap="cividis", vmin=-80, vmax=0
    )
    figure.colorbar(image, ax=above, label="dB")
    above.set(ylabel="kHz", title="x: the frames", ylim=(0, 6))
    below.plot(np.arange(sound.size) / RATE, sound, color="#0072b2", linewidth=0.4)
    below.set(xlabel="seconds", title="y: the sound", xlim=(0, sound.size / RATE))
    figure.savefig(output)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the largest differences, relative to the loudest sample."""
    parser = argparse.ArgumentParser(description="An inverse STFT by one transposed convolution.")
    parser.add_argument("--seconds", type=float, default=4.0, help="of the sound (default: 4)")
    parser.add_argument("--size", type=int, default=1024, help="samples of a window (default: 1024)")
    parser.add_argument("--hop", type=int, default=256, help="samples from one window to the next (default: 256)")
    parser.add_argument("--output", help="a .wav file for the sound that came back, or a .png to draw it")
    given = parser.parse_args(arguments)
    if not 1 <= given.hop < given.size:
        parser.error(f"--hop must be from 1 to less than --size ({given.size}), got {given.hop}")
    window = get_window("hann", given.size)
    original = sound(given.seconds)
    options = {"window": window, "nperseg": given.size, "noverlap": given.size - given.hop}
    _, _, frames = stft(original, **options)
    _, theirs = istft(frames, **options)
    half = given.size // 2  # scipy's first frame is centred on the first sample, and it divides by the window's sum
    ours = inverse(frames * window.sum(), window, given.hop)[half : half + theirs.size]
    loudest = abs(original).max()
    differences = {
        "scipy": abs(ours - theirs).max() / loudest,
        "sound": abs(ours[: original.size] - original).max() / loudest,
    }
    for name, difference in differences.items():
        print(f"difference to {name:<6} {difference:.1e}")
    if given.output and given.output.endswith(".png"):
        draw(ours[: original.size], frames, given.hop, given.output)
    elif given.output:
        wavfile.write(given.output, RATE, (ours[: original.size] * 32_767).astype(np.int16))
    return differences


if __name__ == "__main__":
    main()
