"""The small tables of the report: one function for each table of the analysis, numbers formatted as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from telephone.core.records import LEVELS
from telephone.report.html.report_data import TextTable

if TYPE_CHECKING:
    import pandas as pd

    from telephone.analysis.tables.score_frames import Measure

Record = Mapping[Any, Any]
ShortNames = Mapping[str, str]
"""Short names by model name."""


def half_lives(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns the number of turns after which each pair has lost half of the facts, one column for each level."""
    return _by_level(
        "Half-lives of facts",
        "turns until half of the facts were lost at least once; 95 % interval over prompts in brackets",
        table,
        lambda row: pair(row, names),
        _life,
    )


def fact_check(table: pd.DataFrame) -> TextTable:
    """Returns the correlation of each judge with the exact facts, one column for each level."""
    overall = {str(row["judge"]): row for row in table[table["level"] == "all"].to_dict("records")}
    pooled = _by_level("", "", table, lambda row: str(row["judge"]), lambda row: interval(row, "spearman"))
    rows = tuple((name, _within(overall.get(name)), *cells) for name, *cells in pooled.rows)
    note = (
        "rank correlation of an embedder's similarity with the share of exact facts in the same text or image; 1 is "
        "perfect, 0 is chance. Models are compared on the same prompts, so the correlation within prompts decides "
        "whether a judge can rank them; the pooled one also contains the prompts' difficulty. Facts of "
        "images are read by a net"
    )
    head = ("", "within prompts", *(f"pooled, {level}" for level in pooled.head[1:]))
    return TextTable("Do the judges agree with the facts?", note, head, rows)


def _within(row: Record | None) -> str:
    if row is None or row["within"] != row["within"]:
        return "–"
    found = {"value": row["within"], "low": row["within_low"], "high": row["within_high"]}
    return f"{interval(found, 'value')}, n = {row['within_prompts']}"


def agreement(table: pd.DataFrame) -> TextTable:
    """Returns how similarly judges rank the models."""
    known = table[table["kendall"].notna()]
    sides = {"t2i": "text-to-image", "i2t": "image-to-text", "pair": "pairs"}
    rows = tuple(
        (f"{row['one']} and {row['other']}", sides[row["side"]], str(row["players"]), number(row["kendall"]),
         number(row["spearman"]), _rare(row["chance"]))
        for row in known.to_dict("records")
    )  # fmt: skip
    note = (
        "correlation of the rankings of two judges; 1 is the same order, -1 the opposite order; by chance: how often "
        "a random order of the models agrees at least as well"
    )
    head = ("judges", "ranking of", "models", "Kendall's tau", "Spearman's rho", "by chance")
    return TextTable("Do the judges agree?", note, head, rows)


def published_scores(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns the published scores of each pair; they are similarities, so higher is better."""
    known = table.dropna(subset=["value"])
    measures = list(dict.fromkeys(known["measure"]))
    head = ("pair", "embedder", *(_MEASURES.get(name, f"MCD {name}") for name in measures))
    rows = []
    for (embedder, t2i, i2t), own in known.groupby(["embedder", "t2i_model", "i2t_model"], sort=False):
        values = dict(zip(own["measure"], own["value"], strict=True))
        cells = (number(values.get(name)) for name in measures)
        rows.append((pair({"t2i_model": t2i, "i2t_model": i2t}, names), str(embedder), *cells))
    note = "mean cosine similarity to the prompt over all turns; in spite of its name, higher keeps more"
    return TextTable("Published scores: mean cumulative drift and GC@T", note, head, tuple(rows))


def drift_rates(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns the decay rate of the similarity to the start, with the reason where there is none."""
    rows = tuple(
        (pair(row, names), str(row["embedder"]), str(row["mapping"]), interval(row, "rate"),
         number(row["half_life"], 1), number(row["floor"]), number(row["r2"]), str(row["reason"]))
        for row in table.to_dict("records")
    )  # fmt: skip
    note = (
        "fit of a exp(-b g) + c to the mean cosine similarity after call g; b is the rate and c what remains. A rate "
        "is shown only where the games identify it"
    )
    head = (
        "pair",
        "embedder",
        "start and compared",
        "rate b",
        "half-life, calls",
        "remaining c",
        "R²",
        "no rate because",
    )
    return TextTable("Semantic drift rate", note, head, rows)


_MEASURES = {"mcd_avg": "MCD, mean of four", "gc_at_t": "GC@T"}


def votes(table: pd.DataFrame) -> TextTable:
    """Returns how often each measure prefers the image that got the vote."""
    rows = tuple(
        (str(row["voter"]), str(row["measure"]), interval(row, "agreement", percent), number(row["kendall"]),
         str(row["votes"]), str(row["ties"]), str(row["prompts"]))
        for row in table.to_dict("records")
    )  # fmt: skip
    note = (
        "a voter sees the last images of two games of one prompt, without their models, and chooses the one that shows "
        "more of it; 50 % is chance. Equal scores count half; Kendall's tau compares the rankings of pairs of models"
    )
    head = ("voter", "measure", "agrees with the vote", "Kendall's tau", "votes", "ties", "prompts")
    return TextTable("Do votes agree with the measures?", note, head, rows)


def retrieval(table: pd.DataFrame) -> TextTable:
    """Returns whether descriptions can be matched to their prompts, at the first, a middle and the last turn."""
    turns = sorted(int(turn) for turn in table["turn"].unique())
    shown = sorted({turns[0], turns[(len(turns) - 1) // 2], turns[-1]}) if turns else []
    rows = tuple(
        (str(row["embedder"]), str(row["turn"]), f"{row['candidates']:.0f}", interval(row, "top1", percent),
         number(row["mrr"]), number(row["bits_low"]), number(math.log2(row["candidates"])))
        for row in table[table["turn"].isin(shown)].to_dict("records")
    )  # fmt: skip
    note = (
        "each description is matched to the nearest of all prompts; bits kept, at least: Fano's bound for the lower "
        "end of the interval, which can be at most the logarithm of the number of prompts"
    )
    head = ("embedder", "turn", "prompts", "matched correctly", "mean reciprocal rank", "bits kept, at least",
            "at most measurable")  # fmt: skip
    return TextTable("Can descriptions be matched to their prompts?", note, head, rows)


def correction(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns the loss rates of each model with and without the correction of image readings."""
    rows = tuple(
        (names.get(str(row["player"]), str(row["player"])), interval(row, "hazard", percent),
         interval({"raw": row["raw_hazard"], "low": row["raw_low"], "high": row["raw_high"]}, "raw", percent),
         f"{row['corrected']:,} of {row['states']:,}" if row["kind"] == "image" else "–")
        for row in table.to_dict("records")
    )  # fmt: skip
    note = (
        "share of the remaining facts that one call loses. Corrected: where the texts before and after an image agree "
        "on a fact, the reading of the image is taken to be wrong; the figures above use corrected readings"
    )
    head = ("model", "loss a call, corrected", "loss a call, as read", "readings changed")
    return TextTable("Losses with and without correction of the image reader", note, head, rows)


def side_agreement(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns whether text-to-image and image-to-text models keep the same facts."""
    rows = tuple(
        (pair(row, names), interval(row, "correlation"),
         *(percent(row[name]) for name in ("both", "only_t2i", "only_i2t", "neither")), str(row["facts"]))
        for row in table.to_dict("records")
    )  # fmt: skip
    note = (
        "correlation over the facts of the prompts between how often each model keeps a fact that reaches it; "
        "beside it the share of facts that both, one or neither keep in at least half of their calls"
    )
    head = ("pair", "correlation", "both", "only text-to-image", "only image-to-text", "neither", "facts")
    return TextTable("Do both sides keep the same facts?", note, head, rows)


def omissions(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns for each image-to-text model the share of omitted facts that it recognises when asked."""
    rows = tuple(
        (names.get(str(row["player"]), str(row["player"])), str(row["asked"]), str(row["not_seen"]),
         str(row["not_said"]), str(row["unsure"]), interval(row, "share_not_said", percent))
        for row in table.to_dict("records")
    )  # fmt: skip
    note = "facts that the image shows and the description omits; the model is asked about each"
    head = ("image-to-text model", "asked", "not recognised", "recognised", "no clear answer", "share recognised")
    return TextTable("Omitted facts: recognised when asked?", note, head, rows)


def differences(tables: Mapping[str, pd.DataFrame], names: ShortNames, measure: Measure) -> tuple[TextTable, ...]:
    """Returns the differences between models, one table for each side; pairs are left out.

    The interval is the adjusted one, so that it excludes 0 exactly where the difference is significant.
    """
    titles = {"t2i": "Text-to-image models: differences", "i2t": "Image-to-text models: differences"}
    head = ("models", "level", "difference (adjusted interval)", "first is better on", "p, adjusted", "significant")
    note = (
        f"first minus second model on the same prompts, {measure.words} after the last turn; p of a sign-flip test. P "
        "and interval are adjusted together for all comparisons of a level, and over all levels for the three "
        "questions; no interval where too few prompts differ to bound it"
    )
    form = _percent_points if measure.name == "recall" else number
    made = []
    for side, title in titles.items():
        own = tables.get(side)
        if own is None or own.empty:
            continue
        rows = tuple(
            (f"{names.get(row['one'], row['one'])} and {names.get(row['other'], row['other'])}", str(row["level"]),
             _adjusted(row, "difference", form), percent(row["better"]), number(row["p_holm"], 3),
             "yes" if row["significant"] else "")
            for row in own.to_dict("records")
        )  # fmt: skip
        made.append(TextTable(title, note, head, rows))
    return tuple(made)


def _rare(share: float) -> str:
    return "< 1\u00a0%" if 0 <= share < 0.005 else percent(share)


def _percent_points(share: float) -> str:
    return "–" if share != share else f"{100 * share:.1f}\u00a0%"


def _adjusted(row: Record, column: str, form: Callable[[Any], str]) -> str:
    bounds = {"low": row.get("low_adjusted"), "high": row.get("high_adjusted")}
    return interval({column: row[column], **bounds}, column, form)


def contraction(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns whether games of different prompts approach each other, or only leave their own prompts."""
    last = table[table["level"] == table["level"].iloc[-1]] if len(table) else table
    rows = tuple(
        (pair(row, names), interval(row, "attraction"),
         interval({"f": row["forgetting"], "low": row["forgetting_low"], "high": row["forgetting_high"]}, "f"),
         str(row["verdict"]))
        for row in last.to_dict("records")
    )  # fmt: skip
    note = (
        "attraction: how much closer games of different prompts get; forgetting: how much farther from their prompts. "
        "The last column is corrected over all pairs, the intervals are not"
    )
    return TextTable(
        "Do games of different prompts approach each other?", note, ("pair", "attraction", "forgetting", ""), rows
    )


def style(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns the share of style and of content kept at the end, for each pair."""
    last = table[table["turn"] == table["turn"].max()] if len(table) else table
    rows = []
    for (t2i, i2t), own in last.groupby(["t2i_model", "i2t_model"], sort=True):
        by_kind = {row["kind"]: row for row in own.to_dict("records")}
        cells = [
            interval(by_kind[kind], "style_kept", percent) if kind in by_kind else "–" for kind in ("image", "text")
        ]
        content = percent(by_kind["text"]["content_kept"]) if "text" in by_kind else "–"
        rows.append((pair({"t2i_model": t2i, "i2t_model": i2t}, names), *cells, content))
    head = ("pair", "images in the style", "descriptions that state it", "other facts kept")
    note = "share of games that end in the style of the prompt (plain is a style), beside all other facts"
    return TextTable("Style and content", note, head, tuple(rows))


def controls(table: pd.DataFrame) -> TextTable:
    """Returns the final distance of the controls, one column for each level."""
    return _by_level(
        "Controls",
        "final distance of games in which one side is replaced: what remains is due to the other side",
        _last_turn(table, ["control", "line"]),
        lambda row: f"{row['control']}: {row['line']}",
        lambda row: interval(row, "mean"),
    )


def reencoded(table: pd.DataFrame) -> TextTable:
    """Returns the distance of images that are only saved again, one column for each level."""
    return _by_level(
        "Control: an image that is only saved again",
        "image-image distance of the last copy from the first image; smaller distances are not measurable",
        _last_turn(table.rename(columns={"turn": "step_number"}), ["embedder"]),
        lambda row: str(row["embedder"]),
        lambda row: interval(row, "mean", lambda value: number(value, 3)),
    )


def image_distances(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns how far the last images are from the first and from the previous ones, by pixels and by objects."""
    last = table[table["turn"] == table["turn"].max()]
    columns = [(kind, to) for to in ("first", "previous") for kind in ("pixel_distance", "object_distance")]
    rows = []
    for (t2i, i2t), own in last.groupby(["t2i_model", "i2t_model"], sort=True):
        cells = {(row["kind"], row["to"]): interval(row, "mean") for row in own.to_dict("records")}
        found = (cells.get(column, "–") for column in columns)
        rows.append((pair({"t2i_model": t2i, "i2t_model": i2t}, names), *found))
    note = (
        "images of the last turn, 0 is equal; pixels: root mean square difference at 64 x 64; objects: share of facts "
        "in which the two images differ (1 - F1), as a reader of the pocket world sees them"
    )
    head = ("pair", "first, pixels", "first, objects", "previous, pixels", "previous, objects")
    return TextTable("How far do images move?", note, head, tuple(rows))


def strengths(tables: Mapping[str, pd.DataFrame], names: ShortNames, measure: Measure) -> tuple[TextTable, ...]:
    """Returns the Bradley-Terry ranking, one table for each side of `RunSummary.bradley_terry`."""
    titles = {"t2i": "Text-to-image models: Bradley-Terry", "i2t": "Image-to-text models: Bradley-Terry"}
    note = (
        f"models are compared on every prompt with every partner by the {measure.words}, the better score wins; "
        "natural logarithms, mean 0; each interval is for one model alone and is not adjusted"
    )
    made = (
        _by_level(
            title, note, own, lambda row: names.get(str(row["model"]), str(row["model"])),
            lambda row: interval(row, "strength"),
        )
        for side, title in titles.items()
        if (own := tables.get(side)) is not None and len(own)
    )  # fmt: skip
    return tuple(made)


def seed_sensitivity(table: pd.DataFrame, names: ShortNames) -> TextTable:
    """Returns the distance between endings of one prompt's repeats, beside that of different prompts."""
    last = table[table["level"] == table["level"].iloc[-1]] if len(table) else table
    rows = tuple(
        (pair(row, names), number(row["between_seeds"]), number(row["between_prompts"]), percent(row["ratio"]))
        for row in last.to_dict("records")
    )
    head = ("pair", "between seeds", "between prompts", "ratio")
    return TextTable("How much of an ending is chance?", "mean distance between last descriptions", head, rows)


def _last_turn(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return table[table["step_number"] == table.groupby(keys)["step_number"].transform("max")]


def _by_level(
    title: str, note: str, table: pd.DataFrame, name: Callable[[Record], str], cell: Callable[[Record], str]
) -> TextTable:
    """Returns a table with one row for each name and one column for each level."""
    levels = ordered(str(level) for level in table["level"])
    rows: dict[str, dict[str, str]] = {}
    for row in table.to_dict("records"):
        rows.setdefault(name(row), {})[str(row["level"])] = cell(row)
    made = tuple((key, *(cells.get(level, "–") for level in levels)) for key, cells in rows.items())
    return TextTable(title, note, ("", *("all levels" if level == "all" else level for level in levels)), made)


def ordered(levels: Iterable[str]) -> tuple[str, ...]:
    """Returns distinct levels from easy to impossible; others, such as `all`, come last."""
    known = tuple(dict.fromkeys(levels))
    return (*(level for level in LEVELS if level in known), *(level for level in known if level not in LEVELS))


def pair(row: Record, names: ShortNames) -> str:
    """Returns the short names of a pair."""
    return " + ".join(names.get(str(row[side]), str(row[side])) for side in ("t2i_model", "i2t_model"))


def interval(row: Record, column: str, form: Callable[[Any], str] | None = None) -> str:
    """Returns a number with its interval, such as `0.31 (0.20 to 0.42)`."""
    form = form or number
    low, high = row.get("low"), row.get("high")
    known = low is not None and high is not None and low == low and high == high
    return f"{form(row[column])} ({form(low)} to {form(high)})" if known else form(row[column])


def number(value: Any, digits: int = 2) -> str:
    """Returns a number with `digits` decimals, in powers of ten from 100,000 on, or a dash for None and NaN."""
    if value is None or value != value:
        return "–"
    return f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.0e}"


def percent(value: Any) -> str:
    """Returns a share as a percentage, or a dash for None and NaN."""
    return "–" if value is None or value != value else f"{100 * value:.0f}\u00a0%"


def _life(row: Record) -> str:
    turns = row["turns"]
    value = f"> {turns}" if row["beyond"] else number(row["half_life"], 1)
    low, high = row["low"], row["high"]
    if low != low or high != high or low == float("inf"):
        return value
    return f"{value} ({low:.1f} to {f'{high:.1f}' if high != float('inf') else f'> {turns}'})"


def nonempty(tables: Iterable[TextTable]) -> tuple[TextTable, ...]:
    """Returns the tables that have rows."""
    return tuple(table for table in tables if table.rows)
