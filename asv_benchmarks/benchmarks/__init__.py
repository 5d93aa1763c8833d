"""Benchmarks of convt, run by asv: `asv run --quick --python=same` in the folder above."""
