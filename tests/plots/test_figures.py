import io
import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import plot_tables
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from telephone.core.errors import UsageError
from telephone.plots import Encoding, drift_figure, facts_figure, heatmap_figure, short_names, style
from telephone.plots.pair_figures import spread

NAMES = {name.removeprefix("pocket/") for name in plot_tables.I2T}


def curves(figure: Figure) -> dict[tuple[str, str], object]:
    """The curves by the title of their panel and the image-to-text model."""
    lines = [(axes.get_title(loc="left"), line) for axes in figure.axes for line in axes.get_lines()]
    return {(title, line.get_label()): line for title, line in lines if "/" in line.get_label()}


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in [*figure.texts, *figure.axes[0].texts])


def cells(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_drift_has_a_curve_for_each_pair_from_zero():
    table = plot_tables.by_turn(turns=5)
    figure = drift_figure(table, "easy")
    lines = curves(figure)
    assert len(lines) == 12
    line = lines["vqgan-clip", "pocket/blip"]
    rows = table.query("level == 'easy' and t2i_model == 'pocket/vqgan-clip' and i2t_model == 'pocket/blip'")
    np.testing.assert_allclose(line.get_xdata(), range(6))
    np.testing.assert_allclose(line.get_ydata(), [0.0, *rows["mean"]])


def test_a_text_to_image_model_has_a_panel_and_an_image_to_text_model_one_look_in_all_of_them():
    figure = drift_figure(plot_tables.by_turn(), "hard")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["dalle-2", "stable-diffusion", "vqgan-clip"]
    for (_, i2t), line in curves(figure).items():
        assert line.get_color() == style.PALETTE[plot_tables.I2T.index(i2t)]
        assert line.get_marker() == style.MARKERS[plot_tables.I2T.index(i2t)]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


def test_every_curve_has_its_name_beside_it_in_the_order_of_the_ends():
    figure = drift_figure(plot_tables.by_turn(), "easy")
    lines = curves(figure)
    for axes in figure.axes:
        labels = sorted(
            (text for text in axes.texts if text.get_text() in NAMES), key=lambda text: text.get_position()[1]
        )
        ends = {
            i2t: line.get_ydata()[-1] for (title, i2t), line in lines.items() if title == axes.get_title(loc="left")
        }
        assert [f"pocket/{label.get_text()}" for label in labels] == sorted(ends, key=ends.get)


@pytest.mark.parametrize(("painters", "describers"), [(1, 1), (2, 3), (4, 4), (6, 6)])
@pytest.mark.parametrize("options", ["", "?kind=image2text&max_tokens=300"])
def test_names_stay_inside_the_figure_and_do_not_overlap(painters, describers, options):
    figure = drift_figure(plot_tables.many(painters, describers, options))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert len(figure.axes) == painters
    for axes in figure.axes:
        boxes = [text.get_window_extent() for text in [*axes.texts, axes.title, axes._left_title] if text.get_text()]
        assert len(boxes) == describers + 1
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for box in boxes)
        rows = sorted(boxes[:-1], key=lambda box: box.y0)
        assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(rows))
    places = [axes.get_tightbbox() for axes in figure.axes]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(places, 2))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.3)), max_size=12))
def test_spread_labels_keep_their_order_and_their_distance(labels):
    labels = sorted(labels)
    wanted, sizes = [centre for centre, _ in labels], [size for _, size in labels]
    found = spread(wanted, sizes, 0.0, 1.0)
    ends = [(centre - size / 2, centre + size / 2) for centre, size in zip(found, sizes, strict=True)]
    assert all(low[1] <= high[0] + 1e-9 for low, high in itertools.pairwise(ends))
    if ends:
        assert ends[0][0] >= -1e-9 and ends[-1][1] <= max(1.0, sum(sizes)) + 1e-9


def test_labels_that_do_not_collide_stay_where_they_are():
    assert spread([0.2, 0.5, 0.9], [0.1, 0.1, 0.1], 0.0, 1.0) == pytest.approx([0.2, 0.5, 0.9])
    assert spread([0.5, 0.5], [0.2, 0.2], 0.0, 1.0) == pytest.approx([0.5, 0.7])


@given(st.text("abc-?&=/ ", min_size=1, max_size=80), st.integers(4, 20), st.integers(1, 4))
def test_wrapped_names_fit_their_lines(name, width, lines):
    made = style.wrapped(name, width, lines).split("\n")
    assert len(made) <= lines and all(len(line) <= width for line in made)


def test_names_are_wrapped_before_their_options():
    assert style.wrapped("dall-e-3?size=512", 12) == "dall-e-3\n?size=512"
    assert style.wrapped("blip", 12) == "blip"
    assert style.wrapped("a-name-without-end?of=it", 10, lines=2).endswith("…")


def test_title_is_in_words_and_names_the_level():
    assert "Easy prompts: how far the meaning drifts" in words(drift_figure(plot_tables.by_turn(), "easy"))
    assert "Hard prompts: facts that survive" in words(facts_figure(plot_tables.by_turn(rising=False), "hard"))


def test_bands_are_drawn_only_where_there_is_an_interval():
    table = plot_tables.by_turn()
    assert [len(axes.collections) for axes in drift_figure(table, "easy").axes] == [4, 4, 4]
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
    assert {title for title, _ in lines} == {"vqgan-clip"}
    assert {i2t: line.get_color() for (_, i2t), line in lines.items()} == encoding.colours


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
