import io
import subprocess
import sys

import numpy as np
import pandas as pd
import plot_tables
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from telephone.core.errors import UsageError
from telephone.plots import Encoding, drift_figure, facts_figure, heatmap_figure, short_names, style


def curves(figure: Figure) -> dict[str, object]:
    return {line.get_label(): line for line in figure.axes[0].get_lines() if line.get_label() != "prompt"}


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in [*figure.texts, *figure.axes[0].texts])


def cells(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_drift_has_a_curve_for_each_pair_from_zero():
    table = plot_tables.by_turn(turns=5)
    figure = drift_figure(table, "easy")
    lines = curves(figure)
    assert len(lines) == 12
    line = lines["pocket/vqgan-clip + pocket/blip"]
    rows = table.query("level == 'easy' and t2i_model == 'pocket/vqgan-clip' and i2t_model == 'pocket/blip'")
    np.testing.assert_allclose(line.get_xdata(), range(6))
    np.testing.assert_allclose(line.get_ydata(), [0.0, *rows["mean"]])


def test_colour_is_the_text_to_image_model_and_marker_the_image_to_text_model():
    figure = drift_figure(plot_tables.by_turn(), "hard")
    for label, line in curves(figure).items():
        t2i, i2t = label.split(" + ")
        assert line.get_color() == style.PALETTE[plot_tables.T2I.index(t2i)]
        assert line.get_marker() == style.MARKERS[plot_tables.I2T.index(i2t)]


def test_legend_has_two_parts_with_short_names():
    figure = drift_figure(plot_tables.by_turn(), "easy")
    parts = {part.get_title().get_text(): [t.get_text() for t in part.get_texts()] for part in figure.legends}
    assert parts == {
        "Colour: text-to-image model": ["dalle-2", "stable-diffusion", "vqgan-clip"],
        "Marker: image-to-text model": ["blip", "clip-prefix", "minigpt-4", "mplug-owl"],
    }


def test_title_is_in_words_and_names_the_level():
    assert "Easy prompts: how far the meaning drifts" in words(drift_figure(plot_tables.by_turn(), "easy"))
    assert "Hard prompts: facts that survive" in words(facts_figure(plot_tables.by_turn(rising=False), "hard"))


def test_bands_are_drawn_only_where_there_is_an_interval():
    table = plot_tables.by_turn()
    assert len(drift_figure(table, "easy").axes[0].collections) == 12
    assert not drift_figure(table.drop(columns=["low", "high"]), "easy").axes[0].collections


def test_distance_axis_reaches_one_and_grows_only_beyond():
    table = plot_tables.by_turn().drop(columns=["low", "high"])
    assert drift_figure(table, "easy").axes[0].get_ylim() == (0, 1.0)
    far = table.assign(mean=table["mean"] + 0.7)
    top = drift_figure(far, "easy").axes[0].get_ylim()[1]
    assert far["mean"].max() < top <= 2.0


def test_unscored_turns_are_left_out_and_not_drawn_as_zero():
    table = plot_tables.by_turn(turns=3)
    table.loc[table["step_number"] == 1, "mean"] = np.nan
    line = next(iter(curves(drift_figure(table, "easy")).values()))
    assert list(line.get_xdata()) == [0, 1, 3]


def test_without_scores_there_is_a_note():
    table = plot_tables.by_turn().assign(mean=np.nan)
    assert "No description has been scored yet." in words(drift_figure(table, "easy"))
    assert "No prompt of this run states countable facts" in words(facts_figure(table, "easy"))
    empty = table.iloc[:0]
    assert "No game has been scored yet." in words(heatmap_figure(empty))


def test_facts_start_at_all_of_them():
    figure = facts_figure(plot_tables.by_turn(rising=False), "easy")
    assert all(line.get_ydata()[0] == 1.0 for line in curves(figure).values())
    assert figure.axes[0].get_ylim() == (0, 1)


def test_heatmap_writes_the_number_of_each_pair():
    table = plot_tables.final()
    axes = heatmap_figure(table, "easy").axes[0]
    easy = table[table["level"] == "easy"].sort_values(["t2i_model", "i2t_model"])
    assert cells(axes) == [f"{value:.2f}" for value in easy["mean"]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dalle-2", "stable-diffusion", "vqgan-clip"]
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold == [f"{easy['mean'].min():.2f}"]


def test_heatmap_shows_a_pair_without_scores_as_a_dash():
    table = plot_tables.final()
    table = table[table["level"] == "easy"].reset_index(drop=True)
    table.loc[0, "mean"] = np.nan
    assert cells(heatmap_figure(table).axes[0]).count("–") == 1


def test_a_missing_column_is_an_error():
    with pytest.raises(UsageError, match="needs the column 'mean'"):
        drift_figure(pd.DataFrame({"t2i_model": [], "i2t_model": [], "step_number": []}))


def test_one_encoding_serves_figures_with_fewer_models():
    encoding = Encoding.of(plot_tables.T2I, plot_tables.I2T)
    table = plot_tables.by_turn()
    only = table[table["t2i_model"] == "pocket/vqgan-clip"]
    lines = curves(drift_figure(only, "easy", encoding))
    assert {line.get_color() for line in lines.values()} == {style.PALETTE[2]}


def test_short_names_keep_the_provider_where_names_would_clash():
    names = short_names(["pocket/blip", "hf/blip", "openai/dall-e-3?size=512", "plain"])
    assert names == {
        "pocket/blip": "pocket/blip", "hf/blip": "hf/blip", "openai/dall-e-3?size=512": "dall-e-3?size=512",
        "plain": "plain",
    }  # fmt: skip


def test_palette_and_markers_can_be_told_apart():
    assert len(set(style.PALETTE)) == len(style.PALETTE) == 8
    assert len(set(style.MARKERS)) == len(style.MARKERS) == 8
    assert all(to_hex(colour) == colour for colour in style.PALETTE)


def test_the_same_table_gives_the_same_picture():
    def png() -> bytes:
        buffer = io.BytesIO()
        drift_figure(plot_tables.by_turn(turns=2), "easy").savefig(buffer, dpi=50)
        return buffer.getvalue()

    assert png() == png()


def test_importing_the_room_loads_no_heavy_library():
    code = "import sys, telephone.plots; print([m for m in ('matplotlib', 'pandas', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
