"""The diagram of where each fact of a game went: lines, markers and words, from paths written by hand."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from telephone.core.errors import UsageError
from telephone.plots import fact_paths_figure

PATHS = {
    "boat": ["kept", "kept", "kept", "kept", "kept", "kept"],
    "boat: colour red": ["kept", "wrong", "wrong", "wrong", "wrong", "wrong"],
    "boat: size small": ["missing", "missing", "missing", "kept", "kept", "missing"],
}
EVENTS = {("kept", "kept"): "kept", ("kept", "wrong"): "corrupted", ("kept", "missing"): "lost",
          ("missing", "kept"): "back"}  # fmt: skip


def paths(names=PATHS, player="pocket/dalle-2"):
    rows = []
    for atom, (fact, states) in enumerate(names.items()):
        for call, (before, state) in enumerate(zip(["kept", *states], states, strict=False)):
            kind = "text" if call % 2 else "image"
            rows.append({
                "fact": fact, "attribute": "kind", "atom": atom, "generation": call + 1, "turn": call // 2 + 1,
                "kind": kind, "player": player if kind == "image" else "pocket/blip", "state": state,
                "event": EVENTS.get((before, state), "gone"),
                "value": "orange" if state == "wrong" and kind == "text" else "",
            })  # fmt: skip
    return pd.DataFrame(rows)


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].get_lines() if not line.get_label().startswith("_")}


def words(figure):
    return [text.get_text() for text in [*figure.texts, *figure.axes[0].texts]]


def test_a_line_ends_where_its_fact_is_lost_and_begins_again_where_it_comes_back():
    found = lines(fact_paths_figure(paths(), "A small red boat."))
    assert list(found["0 kept"].get_xdata()) == [0, 6]
    assert list(found["1 kept"].get_xdata()) == [0, 2] and list(found["1 wrong"].get_xdata()) == [2, 6]
    assert list(found["2 missing"].get_xdata()) in ([1, 4], [6, 6])
    assert list(found["2 back"].get_xdata()) == [4]


def test_the_marker_of_a_loss_stands_for_the_kind_of_call_and_is_hollow_if_the_fact_is_changed():
    found = lines(fact_paths_figure(paths(), "A small red boat."))
    corrupted, lost = found["1 corrupted"], found["2 lost"]
    assert corrupted.get_marker() == "s" and corrupted.get_markerfacecolor() != corrupted.get_color()
    assert lost.get_markerfacecolor() == lost.get_color()


def test_words_say_the_value_the_end_and_the_models():
    figure = fact_paths_figure(paths(), "A small red boat.")
    assert {"A small red boat.", "orange", "kept", "orange, turn 1", "lost, turn 3"} <= set(words(figure))
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "lost by dalle-2 (hollow: changed)" in legend and "lost by blip (hollow: changed)" in legend
    assert any("image reader" in text for text in words(figure))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(PATHS)


@pytest.mark.parametrize("turns", [1, 3, 50])
def test_everything_stays_inside_the_figure(turns):
    long = {f"thing-{n}: a fact with many words": ["kept"] * n + ["wrong"] * (2 * turns - n) for n in range(turns * 2)}
    figure = fact_paths_figure(
        paths(dict(list(long.items())[:20]), player="local/a?with=options&of=length"), "word " * 90
    )
    FigureCanvasAgg(figure).draw()
    texts = [*figure.texts, *figure.axes[0].texts, *figure.axes[0].get_yticklabels(), *figure.legends[0].get_texts()]
    for box in (text.get_window_extent() for text in texts):
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1


def test_without_facts_there_is_a_note_and_a_missing_column_is_an_error():
    assert "The facts of this prompt cannot be counted." in words(fact_paths_figure(paths().iloc[:0], "x"))
    with pytest.raises(UsageError, match="needs the column"):
        fact_paths_figure(paths().drop(columns="value"))
