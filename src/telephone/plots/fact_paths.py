"""Where each fact of one game went: a row for each fact, a step for each call."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from telephone.plots import style
from telephone.plots.losses import KINDS
from telephone.plots.pair_figures import WIDE
from telephone.plots.style import require_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _BELOW, _RIGHT = 0.27, 1.08, 1.5
"""Inches: a row, room below the axes, room right of them."""
_CHARACTER, _SMALL_CHARACTER = 0.082, 0.062
_MOST_TURNS = 20
_KEPT, _CHANGED = style.PALETTE[2], style.PALETTE[4]
_LOSSES = KINDS | {"both": ("between two descriptions", style.PALETTE[3], "D")}
_LOOKS: dict[str, dict[str, Any]] = {
    "kept": {"color": _KEPT, "linewidth": 2.6, "solid_capstyle": "butt"},
    "wrong": {"color": _CHANGED, "linewidth": 1.8, "linestyle": (0, (4, 2))},
    "missing": {"color": style.MUTED, "linewidth": 0.9, "linestyle": (0, (1, 3))},
    "unknown": {"color": style.GRID, "linewidth": 0.9},
}


@dataclass(frozen=True)
class _Segment:
    """Calls in a row after which a fact is in the same state, from the call before to the last of them."""

    state: str
    first: int
    """Generation of the first artefact in this state."""
    last: int
    value: str
    kind: str
    """Kind of the call that made the first artefact."""
    event: str


def fact_paths_figure(table: pd.DataFrame, title: str = "Where each fact went") -> Figure:
    """Draws a row for each fact of a prompt, from the prompt to the last call.

    Args:
        table: Of one game: `fact` (in words), `attribute`, `atom`, `generation` (number of the call), `turn`, `kind`
            (image, text, both), `player` (the model of the call), `state` (kept, wrong, missing, unknown), `event`,
            `value` (what is stated in place of a wrong fact, or empty), as returned by
            `telephone.analysis.facts.fact_paths`.
        title: Such as the prompt.

    Raises:
        UsageError: a column is missing.
    """
    require_columns(table, ("fact", "atom", "generation", "turn", "kind", "player", "state", "event", "value"))
    facts = [rows.sort_values("generation") for _, rows in table.groupby("atom", sort=True)]
    heading = style.wrapped_text(title, 76)
    figure, axes = _empty(max(1, len(facts)), heading)
    if not facts:
        style.add_note(axes, "The facts of this prompt cannot be counted.")
        axes.set_axis_off()
        return figure
    last = int(table["generation"].max())
    _place(axes, [style.wrapped(str(rows["fact"].iloc[0]), 30, lines=1) for rows in facts], last)
    _label_turns(axes, table, last)
    for row, rows in enumerate(facts):
        segments = list(_segments(rows))
        _draw_row(axes, row, segments, last)
        _write_end(axes, row, rows, segments[-1])
    _add_legend(figure, axes, table)
    return figure


def _segments(rows: pd.DataFrame) -> Iterator[_Segment]:
    """Yields the path of one fact; it is kept in the prompt, generation 0."""
    steps = [_Segment("kept", 0, 0, "", "", "")]
    steps += [
        _Segment(row["state"], row["generation"], row["generation"], row["value"], row["kind"], row["event"])
        for row in rows.to_dict("records")
    ]
    for state, own in groupby(steps, key=lambda step: step.state):
        part = list(own)
        values = list(dict.fromkeys(step.value for step in part if step.value))
        yield _Segment(state, part[0].first, part[-1].last, ", ".join(values), part[0].kind, part[0].event)


def _draw_row(axes: Axes, row: int, segments: list[_Segment], last: int) -> None:
    """Draws the path of one fact: the line up to a call has the look of the state before it."""
    for before, each in zip([None, *segments], segments, strict=False):
        end = min(last, each.last + 1)
        axes.plot([each.first, end], [row, row], zorder=2, label=f"{row} {each.state}", **_LOOKS[each.state])
        if before is not None and before.state == "kept" and each.state in ("wrong", "missing"):
            _, colour, marker = _LOSSES[each.kind]
            face = colour if each.state == "missing" else style.BACKGROUND
            axes.plot(
                [each.first], [row], marker=marker, markersize=7, color=colour, markerfacecolor=face,
                markeredgewidth=1.6, linewidth=0, zorder=4, clip_on=False, label=f"{row} {each.event}",
            )  # fmt: skip
        if before is not None and each.state == "kept":
            axes.plot(
                [each.first], [row], marker=">", markersize=7, color=_KEPT, linewidth=0, zorder=4, clip_on=False,
                label=f"{row} back",
            )  # fmt: skip
        _write_value(axes, row, each, end)
    if segments[-1].state == "kept":
        axes.plot([last, last + 0.35], [row, row], zorder=2, label="_", **_LOOKS["kept"])
        axes.plot([last + 0.35], [row], marker=">", markersize=8, color=_KEPT, clip_on=False, zorder=4, label="_")


def _write_value(axes: Axes, row: int, segment: _Segment, end: int) -> None:
    """Writes what is stated in place of a changed fact above its line, if there is room."""
    span = axes.get_xlim()[1] - axes.get_xlim()[0]
    inches = axes.get_position().width * style.figure_inches(axes)[0] / span
    room = int((end - segment.first + 0.4) * inches / _SMALL_CHARACTER)
    if segment.value and len(segment.value) <= room:
        axes.text(
            segment.first + 0.3, row - 0.12, segment.value, ha="left", va="bottom", color=style.TEXT, fontsize=7.5,
            family=style.FONT, zorder=5,
        )  # fmt: skip


def _write_end(axes: Axes, row: int, rows: pd.DataFrame, final: _Segment) -> None:
    """Writes what became of a fact right of its row."""
    fell = rows[(rows["event"].isin(["lost", "corrupted"]))]
    turn = f", turn {int(fell['turn'].iloc[-1])}" if len(fell) else ""
    said = final.value.rpartition(", ")[2]
    words = {"kept": "kept", "missing": f"lost{turn}", "wrong": f"{said or 'changed'}{turn}"}
    axes.text(
        1.012, row, words.get(final.state, ""), transform=axes.get_yaxis_transform(), va="center", ha="left",
        color=style.TEXT if final.state == "kept" else style.MUTED, fontsize=8.8, family=style.FONT,
    )  # fmt: skip


def _empty(rows: int, heading: str) -> tuple[Figure, Axes]:
    """Returns a wide figure with axes for a number of rows, titled."""
    from matplotlib.figure import Figure

    above = style.ABOVE + 0.14 + 0.21 * heading.count("\n")
    height = rows * _ROW + 0.15
    total = above + height + _BELOW
    figure = Figure(figsize=(WIDE, total), dpi=160, facecolor=style.BACKGROUND)
    axes = figure.add_axes((0.2, _BELOW / total, 0.62, height / total))
    style.style_axes(axes)
    axes.grid(visible=False)
    axes.set_ylim(rows - 0.4, -0.75)
    style.add_title(figure, heading, "")
    note = (
        "A row is a fact of the prompt, a step is a call. Facts of images are those that an image reader sees,\n"
        "corrected where the texts before and after the image agree."
    )
    figure.text(
        style.MARGIN / WIDE, 1 - (above - 0.54) / total, note, ha="left", va="top", fontsize=9.5, color=style.MUTED,
        family=style.FONT,
    )  # fmt: skip
    return figure, axes


def _place(axes: Axes, names: list[str], last: int) -> None:
    """Writes the facts left of the axes, which keep room for what became of them at the right."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", labelcolor=style.TEXT)
    axes.set_xlim(-0.2, last + 0.5)
    box = axes.get_position()
    left = style.MARGIN + 0.1 + _CHARACTER * max(len(name) for name in names)
    axes.set_position((left / WIDE, box.y0, (WIDE - left - _RIGHT) / WIDE, box.height))


def _label_turns(axes: Axes, table: pd.DataFrame, last: int) -> None:
    """Labels the turns and separates them by thin lines; a turn is an image and its description."""
    turns = table.groupby("turn")["generation"].agg(["min", "max"])
    step = max(1, len(turns) // _MOST_TURNS)
    shown = turns.iloc[::step]
    axes.set_xticks([0, *((shown["min"] + shown["max"]) / 2)], ["prompt", *(str(turn) for turn in shown.index)])
    axes.set_xlabel("turn: an image, then its description", color=style.MUTED, fontsize=9.5, family=style.FONT)
    for edge in turns["min"] if len(turns) <= _MOST_TURNS else ():
        axes.axvline(edge - 0.5, color=style.GRID, linewidth=0.9, zorder=0)
    axes.set_xlim(-0.2, last + 0.5)


def _add_legend(figure: Figure, axes: Axes, table: pd.DataFrame) -> None:
    """Explains lines and markers below the axes; only calls that the game has are listed."""
    from matplotlib.lines import Line2D

    words = {"kept": "kept", "wrong": "changed (to the value above the line)", "missing": "not there"}
    handles: list[Any] = [Line2D([], [], label=text, **_LOOKS[state]) for state, text in words.items()]
    players = table.drop_duplicates("kind").set_index("kind")["player"]
    short = style.short_names(players)
    for kind, (_, colour, marker) in _LOSSES.items():
        if kind in players.index:
            label = f"lost by {style.wrapped(short[players[kind]], 30, lines=1)} (hollow: changed)"
            handles.append(Line2D([], [], color=colour, marker=marker, markersize=7, linewidth=0, label=label))
    handles.append(Line2D([], [], color=_KEPT, marker=">", markersize=7, linewidth=0, label="comes back"))
    total = float(figure.get_size_inches()[1])
    figure.legend(
        handles=handles, loc="upper left", ncols=3, frameon=False, borderpad=0, borderaxespad=0, columnspacing=1.6,
        bbox_to_anchor=(style.MARGIN / WIDE, axes.get_position().y0 - 0.52 / total),
        prop={"family": style.FONT, "size": 9}, labelcolor=style.TEXT,
    )  # fmt: skip
