"""Which engine does a layer, per map and instruction set, on one kind of machine; and what the cost model comes to.

Both follow from plans alone, so they are the same wherever the tests run. A change of the cost model that changes a choice
changes that table, and says by a benchmark why; one that changes a cost and no choice of these layers changes the other.
"""

import numpy as np
import pytest
from engines import DOUBLE, MAPS, SINGLE

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu.choice import ENGINES, choose
from convt_cpu.isa import available

pytestmark = pytest.mark.usefixtures("one_machine")


def layer(coarse, kernel, channels, stride=1, padding=0, dilation=1, groups=1, batch=1, dtype=SINGLE):
    """What `conv_transpose` does from an array of `coarse` size; `channels` are (coarse, fine), the others for all axes."""
    axes = len(coarse)
    fine = tuple((size - 1) * stride - 2 * padding + (kernel - 1) * dilation + 1 for size in coarse)
    options = ((each,) * axes for each in (kernel, stride, padding, dilation))
    return Problem(batch, groups, *channels[::-1], fine, coarse, *options, np.dtype(dtype))


LAYERS = {
    "3 x 3": layer((56, 56), 3, (64, 64), padding=1),
    "3 x 3, float64": layer((56, 56), 3, (64, 64), padding=1, dtype=DOUBLE),
    "3 x 3, few channels": layer((56, 56), 3, (18, 18), padding=1),
    "3 x 3, many channels": layer((14, 14), 3, (512, 512), padding=1),
    "3 x 3, dilated": layer((32, 32), 3, (128, 128), padding=2, dilation=2),
    "3 x 3 of 4 x 4": layer((4, 4), 3, (512, 512), padding=1),
    "4 x 4 s2": layer((16, 16), 4, (256, 128), stride=2, padding=1, batch=4),
    "4 x 4 s2, last": layer((32, 32), 4, (64, 3), stride=2, padding=1, batch=16),
    "4 x 4 from one element": layer((1, 1), 4, (100, 512), batch=16),
    "depthwise 3 x 3": layer((56, 56), 3, (144, 144), padding=1, groups=144),
    "depthwise 4 x 4 s2": layer((64, 64), 4, (64, 64), stride=2, padding=1, groups=64),
    "depthwise 11 x 11": layer((200, 200), 11, (4, 4), padding=5, groups=4),
    "groups of 4": layer((28, 28), 3, (128, 128), padding=1, groups=32),
    "groups of 8": layer((28, 28), 3, (256, 256), padding=1, groups=32),
    "16 x 16 s8, one channel": layer((60, 60), 16, (1, 1), stride=8, padding=4),
    "32 times larger": layer((10, 10), 64, (21, 21), stride=32, padding=16),
    "16 x 16 s16": layer((14, 14), 16, (192, 3), stride=16),
    "frames of sound": layer((400,), 1024, (513, 1), stride=256),
    "a decoder of sound": layer((500,), 8, (64, 32), stride=4, padding=2),
    "a volume": layer((16, 16, 16), 2, (64, 32), stride=2),
    "depthwise 7 x 7, channels last": layer((7, 7), 7, (768, 768), padding=3, groups=768),
    "depthwise of little work": layer((8, 8), 3, (32, 32), padding=1, groups=32),
    "groups of 2": layer((28, 28), 3, (64, 64), padding=1, groups=32),
    "3 x 3 of 4 x 4, constant": layer((4, 4), 3, (512, 512), padding=1),
    "3 x 3, many channels, constant": layer((14, 14), 3, (512, 512), padding=1),
    "4 x 4 s4": layer((56, 56), 4, (96, 3), stride=4),
    "4 x 4 s2 of 2 x 2": layer((2, 2), 4, (256, 256), stride=2, padding=1, batch=16),
    "8 x 8 s4": layer((28, 28), 8, (21, 21), stride=4, padding=2),
    "16 x 16 s8": layer((28, 28), 16, (21, 21), stride=8, padding=4),
}

# scatter, gather, correlate
PLAIN = "direct direct correlate"
WINOGRAD = "winograd winograd winograd_correlate"
DEPTHWISE = "depthwise depthwise depthwise"
CHOSEN = {
    "3 x 3": (WINOGRAD, WINOGRAD, WINOGRAD),
    "3 x 3, float64": (WINOGRAD, WINOGRAD, WINOGRAD),
    "3 x 3, few channels": (PLAIN, PLAIN, WINOGRAD),
    "3 x 3, many channels": ("direct direct thin", "winograd winograd thin", "winograd winograd thin"),
    "3 x 3, dilated": (WINOGRAD, WINOGRAD, WINOGRAD),
    "3 x 3 of 4 x 4": ("thin thin thin", "thin thin thin", "thin direct thin"),
    "4 x 4 s2": (WINOGRAD, WINOGRAD, WINOGRAD),
    "4 x 4 s2, last": (PLAIN, PLAIN, PLAIN),
    "4 x 4 from one element": ("thin thin thin", "thin thin thin", "thin direct thin"),
    "depthwise 3 x 3": (DEPTHWISE, DEPTHWISE, DEPTHWISE),
    "depthwise 4 x 4 s2": (DEPTHWISE, DEPTHWISE, DEPTHWISE),
    "depthwise 11 x 11": ("direct direct depthwise", "direct direct depthwise", "direct direct depthwise"),
    "groups of 4": ("direct direct depthwise", PLAIN, PLAIN),
    "groups of 8": (PLAIN, PLAIN, PLAIN),
    "16 x 16 s8, one channel": (DEPTHWISE, DEPTHWISE, DEPTHWISE),
    "32 times larger": ("cells windows thin", "cells windows thin", "cells windows thin"),
    "16 x 16 s16": ("cells windows correlate", "cells windows correlate", "cells windows correlate"),
    "frames of sound": ("cells windows correlate", "cells windows correlate", "cells windows correlate"),
    "a decoder of sound": (PLAIN, "direct direct winograd_correlate", "direct direct winograd_correlate"),
    "a volume": (PLAIN, PLAIN, PLAIN),
    "depthwise 7 x 7, channels last": (DEPTHWISE, DEPTHWISE, "direct direct depthwise"),
    "depthwise of little work": (PLAIN, PLAIN, PLAIN),
    "groups of 2": (DEPTHWISE, "direct direct depthwise", "direct direct depthwise"),
    "3 x 3 of 4 x 4, constant": ("direct direct thin", "direct direct thin", "direct direct thin"),
    "3 x 3, many channels, constant": ("winograd winograd thin", "winograd winograd thin", "winograd winograd thin"),
    "4 x 4 s4": (PLAIN, "cells direct correlate", "cells direct correlate"),
    "4 x 4 s2 of 2 x 2": ("thin thin thin", "thin direct thin", "direct direct thin"),
    "8 x 8 s4": (PLAIN, "direct direct winograd_correlate", "direct direct winograd_correlate"),
    "16 x 16 s8": ("direct windows correlate", "direct windows correlate", PLAIN),
}
COSTS = [  # of each stage with portable kernels: its tasks and rounds, and thousands of cycles
    ("3 x 3", "scatter", "direct", "weights 11x1 81.1 pack 70x1 159.1 sums 77x1 15581.4"),
    ("4 x 4 s2", "gather", "direct", "weights 172x1 1153.4 pack 64x1 712.7 sums 172x1 68547.0"),
    ("3 x 3 of 4 x 4", "gather", "direct", "pack 16x1 44.2 outputs 86x1 10162.6"),
    ("3 x 3", "gather", "winograd", "weights 11x1 158.5 tiles 121x1 10273.7"),
    ("3 x 3, many channels", "gather", "winograd", "input 3x1 427.6 outputs 258x1 48061.2"),
    ("4 x 4 s2", "scatter", "winograd", "weights 22x1 2202.0 tiles 176x1 56655.9"),
    ("4 x 4 s2", "gather", "winograd", "weights 43x1 2202.0 input 6x1 1813.1 sums 258x1 59403.9"),
    ("depthwise 3 x 3", "gather", "depthwise", "boxes 72x1 1798.5"),
    ("groups of 8", "correlate", "depthwise", "splits 32x1 11005.7 totals 32x1 18.4"),
    ("16 x 16 s16", "scatter", "cells", "rows 33x1 19.0 panels 96x1 3909.5"),
    ("3 x 3 of 4 x 4", "scatter", "thin", "rows 3x1 10.6 lanes 64x1 8341.9"),
    ("3 x 3 of 4 x 4", "gather", "thin", "columns 16x1 95.0 dots 128x1 11357.4"),
    ("3 x 3 of 4 x 4", "correlate", "thin", "rows 86x1 10.6 lanes 64x1 7440.6"),
    ("a volume", "gather", "thin", "columns 4096x1 2752.5 dots 1376x1 17838.9"),
    ("depthwise 11 x 11", "gather", "windows", "boxes 1600x1 13740.8"),
    ("frames of sound", "gather", "windows", "boxes 544x1 33486.1"),
    ("3 x 3", "correlate", "correlate", "splits 108x1 30631.4 totals 9x1 488.4 taps 8x1 118.0"),
    ("16 x 16 s16", "correlate", "correlate", "pack 66x1 331.2 blocks 64x1 7736.7"),
    ("3 x 3", "correlate", "winograd_correlate", "splits 13x1 20208.6 totals 29x1 345.6 taps 8x1 102.8"),
    ("3 x 3, many channels", "correlate", "winograd_correlate", "pack 30x1 1691.6 blocks 1064x1 100165.2"),
    ("a volume", "scatter", "im2col", "scatter 16x1 20689.7"),
    ("a volume", "gather", "im2col", "gather 16x1 20689.7"),
    ("a volume", "correlate", "im2col", "correlate 16x1 20689.7 totals 1x1 262.1"),
]
SETS = ("avx512", "avx2", "portable")
ABSENT = pytest.mark.skip(reason="not on this processor")


@pytest.mark.parametrize("isa", [pytest.param(isa, marks=() if isa in available() else ABSENT) for isa in SETS])
@pytest.mark.parametrize("name", LAYERS)
def test_the_engine_of_a_layer(name, isa):
    problem = LAYERS[name]
    order = tuple(range(len(problem.stride)))
    how = {"channels_last": "channels last" in name, "constant": "constant" in name}
    chosen = [choose(Job(problem, data_map, order, isa, **how), None)[0] for data_map in MAPS]
    assert chosen == CHOSEN[name][SETS.index(isa)].split()


@pytest.mark.parametrize("isa", range(len(SETS)), ids=SETS)
def test_every_engine_is_the_best_somewhere(isa):
    assert {name for rows in CHOSEN.values() for name in rows[isa].split()} | {"im2col"} == set(ENGINES)


@pytest.mark.parametrize(("name", "data_map", "engine", "costs"), COSTS)
def test_what_a_plan_costs(name, data_map, engine, costs):
    problem = LAYERS[name]
    stages = ENGINES[engine].plan(Job(problem, data_map, tuple(range(len(problem.stride))), "portable")).stages
    names, tasks, cycles = (costs.split()[part::3] for part in range(3))
    assert [stage.name for stage in stages] == [f"{engine}_{name}" for name in names]
    assert [f"{stage.tasks}x{stage.rounds}" for stage in stages] == tasks
    assert [stage.cycles / 1000 for stage in stages] == pytest.approx([float(each) for each in cycles], rel=0.005)


def test_costs_are_those_of_every_engine():
    assert {engine for _name, _data_map, engine, _costs in COSTS} == set(ENGINES)
