"""Figures of facts and sides: survival, losses, importance; and the reference lines of distances."""

import math

import pandas as pd
import plot_tables
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from telephone.core.errors import UsageError
from telephone.plots import drift_figure, importance_figure, losses_figure, survival_figure


def words(figure):
    return [text.get_text() for text in figure.texts + figure.axes[0].texts]


def survival(names=("kind", "colour", "count")):
    rows = [(name, turn, max(0.0, 1 - 0.1 * turn * (place + 1)), 0.0, 1.0)
            for place, name in enumerate(names) for turn in range(6)]  # fmt: skip
    return pd.DataFrame(rows, columns=["attribute", "turn", "survival", "low", "high"])


def test_a_survival_curve_a_group_with_its_band():
    axes = survival_figure(survival(), "attribute", "kind of fact").axes[0]
    assert {line.get_label(): list(line.get_ydata())[1] for line in axes.lines} == pytest.approx(
        {"kind": 0.9, "colour": 0.8, "count": 0.7}
    )
    assert len(axes.collections) == 3 and axes.get_ylim() == (0, 1)


def test_many_curves_have_no_bands_and_differ_in_colour_or_marker():
    axes = survival_figure(survival([f"a{n}" for n in range(20)]), "attribute", "kind of fact").axes[0]
    assert len(axes.collections) == 0
    assert len({(line.get_color(), line.get_marker()) for line in axes.lines}) == 20


def test_long_names_of_curves_stay_inside_the_legend():
    names = [f"transformers/an-embedder-with-a-name-of-some-length-{n}?pooling=mean&normalise=yes" for n in range(5)]
    figure = survival_figure(survival(names), "attribute", "embedder")
    FigureCanvasAgg(figure).draw()
    box = figure.legends[0].get_window_extent()
    assert box.x1 <= figure.bbox.x1 and box.y0 >= 0


def losses():
    rows = [("image", "p1", 0.3, 0.2, 0.4), ("image", "p2", 0.1, math.nan, math.nan), ("text", "w1", 0.2, 0.1, 0.3)]
    return pd.DataFrame(rows, columns=["kind", "player", "hazard", "low", "high"])


def test_losses_are_dots_the_largest_first():
    axes = losses_figure(losses(), "player", "model").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["p1", "w1", "p2"]
    drawn, described = axes.lines
    assert list(drawn.get_xdata()) == [0.3, 0.1] and list(drawn.get_ydata()) == [0, 2]
    assert list(described.get_xdata()) == [0.2] and list(described.get_ydata()) == [1]


def test_two_dots_of_one_row_stand_beside_each_other():
    table = losses().assign(player="same").drop_duplicates("kind")
    one, other = losses_figure(table, "player", "model").axes[0].lines
    assert one.get_ydata()[0] < other.get_ydata()[0] < one.get_ydata()[0] + 0.5


def test_importance_has_a_line_for_each_side():
    table = pd.DataFrame({"level": ["easy"] * 3 + ["hard"], "step_number": [0, 1, 2, 0], "drawing": [0.1, 0.2, 0.3, 9],
                          "describing": [0.3, 0.2, 0.1, 9]})  # fmt: skip
    lines = {line.get_label(): line for line in importance_figure(table, "easy").axes[0].lines}
    assert list(lines["text-to-image models"].get_xdata()) == [1, 2, 3]
    assert list(lines["image-to-text models"].get_ydata()) == [0.3, 0.2, 0.1]


def test_floor_and_chance_are_dashed_lines_of_their_level():
    references = pd.DataFrame({"level": ["easy", "hard"], "floor": [0.1, 0.2], "chance": [0.7, math.nan]})
    table = plot_tables.by_turn().merge(references, on="level")
    easy = drift_figure(table, "easy")
    dashed = [line.get_ydata()[0] for line in easy.axes[0].lines if line.get_linestyle() == "--"]
    assert sorted(dashed) == [0.1, 0.7]
    assert {"floor", "chance"} <= set(words(easy))
    hard = drift_figure(table, "hard")
    assert "chance" not in words(hard)


def test_empty_tables_have_a_note_and_missing_columns_are_errors():
    assert "No prompt of this run states facts that can be followed." in words(
        losses_figure(losses().iloc[:0], "player", "x")
    )
    assert any("can be followed" in text for text in words(survival_figure(survival().iloc[:0], "attribute", "x")))
    empty = pd.DataFrame(columns=["level", "step_number", "drawing", "describing"])
    assert any("two models on each side" in text for text in words(importance_figure(empty, "easy")))
    for make in (lambda: losses_figure(survival(), "player", "x"), lambda: importance_figure(survival(), "easy")):
        with pytest.raises(UsageError, match="needs the column"):
            make()
