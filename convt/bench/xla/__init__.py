"""JAX: `convt.jax` beside XLA, which is asked in every form of a transposed convolution and of its gradients that is known.

`run` tells the story. `forms` has the forms, written with the orders of axes of `layouts`; `contenders` compiles them and
`convt.jax`; `measure` checks all of them, and times those that may be the best in turns. That happens in a process of its
own, which `child` ends where XLA takes too long, as nothing else stops XLA. `results` and `table` say what came of it.
"""
