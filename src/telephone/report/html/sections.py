"""From findings to sections: which tables and figures stand under which heading, and the words above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.report.html import tables
from telephone.report.html.report_data import Drawn, Motif, Observation, ReportPart, Table

if TYPE_CHECKING:
    import pandas as pd

    from telephone.analysis import RunSummary
    from telephone.analysis.inference.article_claims import Claim
    from telephone.report.html.findings import Findings

_GROUPS = {"attribute": "by kind of fact", "level": "by level", "player": "by player"}
_MOST_MOTIFS = 10


def yardsticks(found: Findings, judge: str | None = None) -> pd.DataFrame | None:
    """Returns floor and chance of text distances by level, for the judge whose distances are shown."""
    if found.yardsticks is None:
        return None
    own = found.yardsticks[found.yardsticks["mapping"] == "text-text"]
    own = own[[judge in name for name in own["embedder"]]] if judge and len(own) else own
    return own[own["embedder"] == own["embedder"].iloc[0]] if len(own) else None


def differences(found: RunSummary, names: Mapping[str, str]) -> tuple[Table, ...]:
    """Returns who can be told from whom, and the second opinion on the ranking."""
    apart = {str(side): table for side, table in found.pairwise_differences.items()}
    second = {str(side): table for side, table in found.bradley_terry.items()}
    return (*tables.differences(apart, names), *tables.strengths(second, names))


def lost(found: Findings, names: Mapping[str, str]) -> ReportPart | None:
    """Returns how facts fare: survival, loss by call, half-lives, not seen and not said."""
    if not found.survival:
        return None
    figures = [Drawn("survival", _sorted(table, by), by, _GROUPS[by]) for by, table in found.survival.items()]
    figures += [Drawn("losses", table, by, _GROUPS[by]) for by, table in found.losses.items()]
    made = [] if found.half_lives is None else [tables.half_lives(found.half_lives, names)]
    if found.style is not None:
        made.append(tables.style(found.style, names))
    if found.unsaid is not None:
        made.append(tables.unsaid(found.unsaid, names))
    note = (
        "Every fact of every prompt is followed from call to call: the pictures are read by an instrument that is no "
        "player, so that a loss can be laid at the door of drawing or of describing."
    )
    if found.opinion:
        note = (
            f"AN OPINION, not a count: {found.opinion} answered yes-or-no questions about every picture, made from the "
            "prompt. A loss is one of drawing and describing together, and as good as the answers are."
        )
    return ReportPart("lost", "Where facts are lost", note, tables.nonempty(made), tuple(figures))


def _sorted(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Curves in the order of a legend: levels from easy to impossible, others by what survives."""
    if by == "level":
        order = list(tables.ordered(table[by]))
    else:
        order = list(table.groupby(by)["survival"].min().sort_values(ascending=False, kind="stable").index)
    return table.sort_values(by, key=lambda names: names.map(order.index), kind="stable")


def ends(found: Findings, names: Mapping[str, str]) -> ReportPart | None:
    """Returns where games come to rest."""
    if found.ends is None:
        return None
    made = tables.nonempty(
        [
            tables.settling(found.ends.table, names),
            tables.contraction(found.ends.contraction.change, names),
            tables.seeds(found.ends.seeds, names),
        ]
    )
    note = (
        "Ends that several games have come to, the most frequent first. Where many prompts lead to one, it is a motif. "
        f"Texts are compared by {found.ends.space}; nearer than {found.ends.floor:.2f} is as good as the same."
    )
    return ReportPart("ends", "Where games end", note, made) if made or motifs(found) else None


def motifs(found: Findings) -> tuple[Motif, ...]:
    """Returns the largest clusters of last descriptions: first those of several prompts, then of several games."""
    if found.ends is None:
        return ()
    table = found.ends.motifs.table
    table = table[table["size"] > 1]
    shared = table["prompts"] > 1
    rows = [*table[shared].to_dict("records"), *table[~shared].to_dict("records")][:_MOST_MOTIFS]
    return tuple(
        Motif(str(row["text"]), Path(row["filepath"]) if isinstance(row["filepath"], str) else None, int(row["size"]),
              float(row["share"]), int(row["prompts"]), int(row["pairs"]))
        for row in rows
    )  # fmt: skip


def observations(found: Findings) -> tuple[Observation, ...]:
    """Returns the observations of the article with their verdicts."""
    return tuple(Observation(each.said, each.test, each.verdict, each.why, _figure(each)) for each in found.claims)


def _figure(claim: Claim) -> str:
    if claim.value is None:
        return ""
    if claim.limit == 0.5 or claim.name == "style":
        return tables.between({"value": claim.value, "low": claim.low, "high": claim.high}, "value", tables.percent)
    digits = 4 if abs(claim.value) < 0.1 else 2
    told = tables.number(claim.value, digits)
    if claim.low is None or claim.high is None:
        return told
    return f"{told} ({tables.number(claim.low, digits)} to {tables.number(claim.high, digits)})"


def decides(found: Findings, levels: Sequence[str]) -> tuple[Drawn, ...]:
    """Returns the figures of which side decides, turn by turn: of levels where two of each kind have played."""
    table = found.importance
    if table is None or table.empty:
        return ()
    there = set(table["level"])
    return tuple(Drawn("importance", table, level, f"{level} prompts") for level in levels if level in there)


def judged(found: Findings, names: Mapping[str, str]) -> ReportPart | None:
    """Returns the judges, checked against the facts and against each other."""
    made = []
    if found.fact_check is not None:
        made.append(tables.fact_check(found.fact_check))
    if found.agreement is not None:
        made.append(tables.agreement(found.agreement))
    if found.bits is not None:
        made.append(tables.bits(found.bits))
    if found.published is not None:
        made.append(tables.published(found.published, names))
    kept = tables.nonempty(made)
    note = "An embedder is an opinion. Here each one is held against the exact facts, and against the others."
    return ReportPart("judges", "Can the judges be trusted?", note, kept) if kept else None


def controls(found: RunSummary, more: Findings) -> tuple[Table, ...]:
    """Returns the controls that were played."""
    made = [tables.controls(found.control_means)] if len(found.control_means) else []
    return (*made, *([tables.reencoded(more.reencoded)] if more.reencoded is not None else []))


def matters(found: RunSummary) -> tuple[tuple[str, str], ...]:
    """Returns the answers to what matters more beside that for these models: by swaps, and in practice."""
    rows = []
    if found.oracle_swaps.answer:
        rows.append(("With a perfect partner", found.oracle_swaps.answer))
    words = {"t2i": "who draws", "i2t": "who describes"}
    gains = [
        f"the best instead of the worst of {words[side]} gains {each.gain:.2f} ({each.low:.2f} to {each.high:.2f})"
        for side, each in found.swap_gains.items()
        if each is not None and each.gain == each.gain
    ]
    if gains:
        rows.append(("In practice", f"{'; '.join(gains).capitalize()}, in final distance."))
    return tuple(rows)
