"""The fuzzer: random calls of the whole public API, compared with a slow float64 definition of its own.

    python -m tests.fuzz --seconds 120 --seed 1     in the checkout; the installed convt is tested
    python -m tests.fuzz --case 1:2345              one case again

A case follows from the seed and its number alone, on machines with the same instruction sets. `case.py` makes and runs one;
what it draws is in

    families.py       sizes, so that each engine is reached       geometry.py     what sizes and options mean
    options.py        the forms in which options may be written   values.py       numbers, types.py their dtypes
    memory.py         where arrays lie, pages.py by unreadable pages
    surroundings.py   backend, engine, instruction set, threads

and the functions that are called in `operators.py`, `gradients.py`, `layers.py`, `matconvnet.py`, `matrices.py`,
`upsampling.py`, `pooling.py`, `banks.py` and `mistakes.py`. `definition.py` and `sampled.py` say what is right, `answers.py`
how near a result must be. `children.py` runs cases in child processes, which may crash or hang. `planted.py` has errors to
be found, `refusals.py` the second driver, which refuses memory.
"""
