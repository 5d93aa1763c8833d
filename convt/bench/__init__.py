"""The benchmark: convt beside whatever frameworks are installed, on layers of well-known networks.

Read `run.py` first, it tells the story in order. What is timed: `cases` (the layers), `jobs` (a case, what is computed
of it, its arrays), `choice` (which of them). Who is timed: `ours` and `peers`. How: `timing` (in turns), `machine` (what the
hardware could do at best, what other programs took of it). What comes of it: `results` (the same answers? how fast?),
written by `report`, `picture` and `export`.
"""
