"""arithmetic and animation: the cells, the words, the frames."""

import itertools
import sys

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from convt import draw  # noqa: E402
from convt.draw.page import BLUE, ORANGE, SLATE  # noqa: E402
from convt.optional import MissingPackage  # noqa: E402


def cells(figure):
    """The colour of each cell by its name."""
    return {patch.get_gid(): to_hex(patch.get_facecolor()) for patch in figure.axes[0].patches if patch.get_gid()}


def shown(figure):
    """The names of the cells that stand out, outlines aside."""
    return {name for name, colour in cells(figure).items() if colour in (BLUE[1], ORANGE[1], SLATE[1])}


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_inputs_that_reach_an_output_of_a_transposed_convolution():
    figure = draw.arithmetic((3, 3), (3, 3), stride=2, padding=1)
    assert shown(figure) == {
        *("x[0, 0]", "x[0, 1]", "x[1, 0]", "x[1, 1]"),
        *("w[0, 0]", "w[0, 2]", "w[2, 0]", "w[2, 2]"),
        "y[1, 1]",
    }
    assert len(cells(figure)) == 9 + 9 + 7 * 7
    assert cells(figure)["y[-1, 5]"] == "#ffffff"
    said = words(figure)
    assert "Transposed convolution: 4 inputs reach y[1, 1]" in said
    assert "stride 2, padding 1" in said
    assert "y[1, 1] = x[0, 0]·i + x[0, 1]·g + x[1, 0]·c + x[1, 1]·a" in said
    assert "outlined: what the padding crops" in said


def test_the_window_of_a_convolution_and_its_padding():
    figure = draw.arithmetic((5, 5), (3, 3), stride=2, padding=1, transposed=False, position=(0, 1))
    assert {name for name in shown(figure) if name[0] == "x"} == {
        f"x[{row}, {column}]" for row in (0, 1) for column in (1, 2, 3)
    }
    assert "Convolution: 6 inputs reach y[0, 1]" in words(figure)
    assert "outlined: zeros of the padding" in words(figure)


def test_the_outputs_that_an_input_reaches_on_one_axis():
    figure = draw.arithmetic(6, 4, stride=2, padding=1, position=2, follow="input")
    assert shown(figure) == {"x[2]", "y[3]", "y[4]", "y[5]", "y[6]", "w[0]", "w[1]", "w[2]", "w[3]"}
    assert "y[3] += x[2]·a,  y[4] += x[2]·b,  y[5] += x[2]·c,  y[6] += x[2]·d" in words(figure)
    strong = [line for line in figure.axes[0].lines if line.get_linewidth() > 1]
    assert len(strong) == 4
    assert len(figure.axes[0].lines) == 6 * 4 - 2


def test_nothing_is_drawn_beyond_a_border_that_is_not_crossed():
    figure = draw.arithmetic(5, 3, transposed=False)
    assert not any("outlined" in each for each in words(figure))
    assert len(cells(figure)) == 5 + 3 + 3


def test_an_output_that_nothing_reaches():
    figure = draw.arithmetic(3, 1, stride=3, output_padding=2, position=1)
    assert "Transposed convolution: no inputs reach y[1]" in words(figure)
    assert "y[1] = 0: no input reaches it" in words(figure)
    assert shown(figure) == {"y[1]"}


def test_long_sums_keep_whole_terms_within_three_lines():
    figure = draw.arithmetic((9, 9), (9, 9), padding=4)
    lines = [text for text in words(figure) if "x[0, 0]" in text or "·" in text]
    assert len(lines) == 3
    assert lines[0].startswith("y[4, 4] = x[0, 0]·80 + ")
    assert lines[-1].endswith(" + … + x[8, 8]·0")


def test_taps_of_a_dilated_filter_stand_as_far_apart_as_they_are_in_the_output():
    figure = draw.arithmetic((3, 3), (3, 2), dilation=(1, 2))
    places = {patch.get_gid(): (patch.get_x(), patch.get_y()) for patch in figure.axes[0].patches}
    cell = places["y[0, 1]"][0] - places["y[0, 0]"][0]
    assert places["w[0, 1]"][0] - places["w[0, 0]"][0] == pytest.approx(2 * cell)
    assert places["w[2, 0]"][1] - places["w[0, 0]"][1] == pytest.approx(2 * cell)
    assert len([name for name in places if name.startswith("w")]) == 6


def test_words_stay_on_the_page():
    for figure in (
        draw.arithmetic((3, 3), (3, 3), stride=3, dilation=2, padding=((0, 2), (1, 0)), output_padding=2, follow="input"),
        draw.arithmetic((12, 12), (5, 5), stride=3, padding=2),
        draw.arithmetic(2, 2),
        draw.arithmetic(19, 4, stride=2, padding=1, follow="input"),
        draw.arithmetic((1, 1), (1, 1)),
    ):
        figure.draw_without_rendering()
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
            assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text


def test_a_figure_of_the_callers_is_cleared_and_used():
    figure = Figure()
    figure.add_subplot()
    assert draw.arithmetic(4, 2, figure=figure) is figure
    assert len(figure.axes) == 1
    with pytest.raises(TypeError, match=r"figure must be a matplotlib.figure.Figure, got str"):
        draw.arithmetic(4, 2, figure="figure")


def test_an_animation_has_a_frame_for_each_position(tmp_path):
    image = pytest.importorskip("PIL.Image")
    draw.animation(tmp_path / "walk.gif", (2, 2), (2, 2), follow="input", dpi=40)
    with image.open(tmp_path / "walk.gif") as gif:
        assert gif.n_frames == 4
        assert gif.info["duration"] == 500
        assert gif.info["loop"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output": "walk.mp4"}, r"output must end in .gif, got '.*walk.mp4'"),
        ({"frames_per_second": 0}, "frames_per_second must be a number above 0 and at most 100, got 0"),
        ({"frames_per_second": "2"}, "frames_per_second must be a number above 0 and at most 100, got '2'"),
        ({"dpi": 0}, "dpi must be from 10 to 1200, got 0"),
        ({"dpi": 2**40}, "dpi must be from 10 to 1200, got 1099511627776"),
        ({"x_shape": (38, 38)}, "x_shape must be small enough for at most 400 frames, got 1521 positions"),
        ({"follow": "w"}, "follow must be 'output' or 'input', got 'w'"),
        ({"stride": 0}, "stride must be at least 1, got 0"),
    ],
)
def test_a_wrong_animation_is_told_before_a_file_is_made(tmp_path, arguments, message):
    pytest.importorskip("PIL")
    call = {"output": "walk.gif", "x_shape": (2, 2), "w_shape": (2, 2)} | arguments
    call["output"] = tmp_path / call["output"]
    with pytest.raises(ValueError, match=message):
        draw.animation(**call)
    assert not list(tmp_path.iterdir())


def test_pillow_is_only_needed_for_animations(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPackage, match=r"draw.animation needs pillow: pip install "):
        draw.animation(tmp_path / "walk.gif", 2, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"transposed": 1}, TypeError, "transposed must be True or False, got 1"),
        ({"transposed": np.ones(2)}, TypeError, "transposed must be True or False, got array.*"),
        ({"follow": np.ones(2)}, ValueError, "follow must be 'output' or 'input', got array.*"),
        ({"follow": None}, ValueError, "follow must be 'output' or 'input', got None"),
    ],
)
def test_what_is_no_choice_is_told(arguments, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        draw.arithmetic((2, 2), (2, 2), **arguments)


@pytest.mark.parametrize("output", [None, 3, b"walk.gif"])
def test_an_animation_goes_to_a_path(output):
    pytest.importorskip("PIL")
    with pytest.raises(TypeError, match=r"^output must be a str or a path, got .*"):
        draw.animation(output, 2, 2)


def texts(figure):
    return [(text.get_text(), text.get_fontsize(), text.get_window_extent()) for text in figure.axes[0].texts]


@pytest.mark.parametrize("shapes", [((11, 1), (11, 1)), ((1, 1), (1, 1)), ((3, 3), (3, 3))])
def test_titles_of_narrow_arrays_do_not_touch(shapes):
    titles = [box for text, _, box in texts(draw.arithmetic(*shapes)) if text.startswith(("input", "filter", "output"))]
    assert len(titles) == 3
    for first, second in itertools.pairwise(titles):
        assert first.x1 + 4 < second.x0


@pytest.mark.parametrize("shapes", [((1, 1), (12, 12)), ((35,), (3,)), ((4, 4), (9, 9))])
def test_what_is_written_can_be_read_and_stays_in_its_cell(shapes):
    figure = draw.arithmetic(*shapes)
    cells = [patch.get_window_extent() for patch in figure.axes[0].patches]
    for text, size, box in texts(figure):
        assert size >= 4.5
        for cell in cells:
            if cell.x0 <= (box.x0 + box.x1) / 2 <= cell.x1 and cell.y0 <= (box.y0 + box.y1) / 2 <= cell.y1:
                assert cell.x0 <= box.x0, text
                assert box.x1 <= cell.x1, text


def test_numbers_along_a_long_edge_are_some_of_them():
    numbers = [int(text) for text, _, _ in texts(draw.arithmetic((2, 20), (1, 20))) if text.isdigit()]
    assert set(numbers) == set(range(0, 39, 2))


def test_a_notebook_shows_the_picture_without_pyplot():
    assert draw.arithmetic((2, 2), (2, 2))._repr_png_().startswith(b"\x89PNG")
    mine = Figure()
    assert draw.arithmetic((2, 2), (2, 2), figure=mine) is mine
