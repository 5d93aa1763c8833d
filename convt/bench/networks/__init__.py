"""Whole networks in PyTorch: alone, compiled, and with their layers computed by convt.

`catalog` lists them; `images`, `segmentation` and `audio` have them as their papers describe them, with random weights.
`run` times inference and a training step of each in turns, and `shares` tells what part of the time convolutions take.
"""
