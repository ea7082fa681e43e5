import pandas as pd
import pytest

from telephone.core.errors import UsageError
from telephone.plots import ValueCurveOptions, value_curves_figure

OPTIONS = ValueCurveOptions("Facts by theta", "theta", percent=True)


def rows(curve: str, xs: list[float]) -> list[dict[str, object]]:
    return [{"curve": curve, "x": x, "mean": 0.5, "low": 0.4, "high": 0.6} for x in xs]


def test_each_curve_has_a_line_a_band_and_a_name():
    figure = value_curves_figure(pd.DataFrame(rows("CLIP", [0, 1, 2]) + rows("oracle", [0, 1, 2])), OPTIONS)
    (axes,) = figure.axes
    assert len(axes.lines) == 2
    assert len(axes.collections) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["CLIP", "oracle"]
    assert axes.get_xlabel() == "theta"
    assert axes.get_ylim()[1] == pytest.approx(1.02)


def test_one_curve_without_a_name_has_no_legend_and_gaps_are_left_out():
    table = pd.DataFrame([*rows("", [0.0, 0.5]), {"curve": "", "x": 1.0, "mean": None, "low": None, "high": None}])
    figure = value_curves_figure(table, OPTIONS)
    assert not figure.legends
    assert len(figure.axes[0].lines[0].get_xdata()) == 2


def test_numbers_of_very_different_size_are_on_a_logarithmic_scale():
    wide = value_curves_figure(pd.DataFrame(rows("", [1, 2, 8, 32])), OPTIONS)
    near = value_curves_figure(pd.DataFrame(rows("", [0, 1, 5, 20])), OPTIONS)
    assert wide.axes[0].get_xscale() == "log"
    assert near.axes[0].get_xscale() == "linear"
    assert [tick.get_text() for tick in wide.axes[0].get_xticklabels()] == ["1", "2", "8", "32"]


def test_a_missing_column_is_an_error():
    with pytest.raises(UsageError, match="mean"):
        value_curves_figure(pd.DataFrame([{"curve": "", "x": 1}]), OPTIONS)
