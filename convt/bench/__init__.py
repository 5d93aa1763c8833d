"""The benchmark: convt beside whatever frameworks are installed, on layers of well-known networks.

Read `run` first, it tells the story in order. What is timed: `cases` (the layers), `jobs` (a case, what is computed of it,
its arrays), `choice` (which of them). Who is timed: `ours` and `peers`, by calls that `prepare` makes and compares. How:
`timing` (in turns), `machine` (what the hardware could do at best, what other programs took of it). What comes of it:
`results`, written by `report`, `tables`, `picture` and `export`.

More stories: `busy` times on a machine whose cores a `crowd` of other processes wants, `xla` in JAX, `networks` whole
networks in PyTorch, `device` on a GPU; `schedule` times nothing, it tells how many cores a backend's plans can keep busy.
"""
