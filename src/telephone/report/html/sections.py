"""The sections of the report that only some runs have: their tables and texts, made from the findings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from telephone.core.file_names import path_of
from telephone.report.html import ending_tables, tables
from telephone.report.html.prompt_information import prompt_information
from telephone.report.html.report_data import Motif, Observation, ReportSection, TextTable

if TYPE_CHECKING:
    from telephone.analysis import RunSummary
    from telephone.analysis.inference.article_claims import Claim
    from telephone.report.html.findings import Findings

_MAX_MOTIFS = 10


def comparisons(summary: RunSummary, names: Mapping[str, str]) -> tuple[TextTable, ...]:
    """Returns paired differences between models, the Bradley-Terry ranking, and what the prompts say about them."""
    differences = {str(side): table for side, table in summary.pairwise_differences.items()}
    strengths = {str(side): table for side, table in summary.bradley_terry.items()}
    measure = summary.primary
    scored = "share of facts kept" if summary.counted else "distance from the prompt"
    information = prompt_information(summary.prompt_information, scored)
    return (
        *tables.differences(differences, names, measure),
        *tables.strengths(strengths, names, measure),
        *information,
    )


def losses(findings: Findings, names: Mapping[str, str]) -> ReportSection | None:
    """Returns the section on lost facts: half-lives, style, omissions; None if no fact was followed."""
    if not findings.survival:
        return None
    made = [] if findings.half_lives is None else [tables.half_lives(findings.half_lives, names)]
    if findings.style is not None:
        made.append(tables.style(findings.style, names))
    if findings.correction is not None:
        made.append(tables.correction(findings.correction, names))
    if findings.side_agreement is not None:
        made.append(tables.side_agreement(findings.side_agreement, names))
    if findings.omissions is not None:
        made.append(tables.omissions(findings.omissions, names))
    note = (
        "Every fact of every prompt is followed from call to call. The facts of an image are read by a measuring "
        "program that is not one of the models, so each loss is attributed to the image or to its description."
    )
    if findings.opinion:
        note = (
            f"A MODEL'S OPINION, not a count: {findings.opinion} answered yes-or-no questions about every image, made "
            "from the prompt. A loss covers the image and its description together and depends on the answers."
        )
    return ReportSection("Where facts are lost", note, tables.nonempty(made))


def endings(findings: Findings, names: Mapping[str, str]) -> ReportSection | None:
    """Returns the section on fixed points, cycles and frequent endings; None if there is nothing to show."""
    found = findings.convergence
    if found is None:
        return None
    made = tables.nonempty(
        [
            ending_tables.fixed_points(found, names),
            ending_tables.motif_counts(found.motif_counts, int(found.games["turns"].max()), names),
            tables.contraction(found.contraction.change, names),
            tables.seed_sensitivity(found.seeds, names),
            *([] if findings.image_distances is None else [tables.image_distances(findings.image_distances, names)]),
        ]
    )
    note = (
        "Endings that several games share, the most frequent first. An ending that many prompts lead to is a motif. "
        f"Texts are compared by {found.space}; a distance below {found.floor:.2f} counts as near, as of two"
        " wordings of one scene, and facts may differ." + f" {found.caution}".rstrip()
    )
    return ReportSection("Where games end", note, made) if made or motifs(findings) else None


def motifs(findings: Findings) -> tuple[Motif, ...]:
    """Returns the largest clusters of last descriptions: first those of several prompts, then the others."""
    if findings.convergence is None:
        return ()
    table = findings.convergence.motifs.table
    table = table[table["size"] > 1]
    shared = table["prompts"] > 1
    rows = [*table[shared].to_dict("records"), *table[~shared].to_dict("records")][:_MAX_MOTIFS]
    return tuple(
        Motif(
            text=str(row["text"]),
            image=path_of(row["filepath"]) if isinstance(row["filepath"], str) else None,
            size=int(row["size"]),
            share=float(row["share"]),
            prompts=int(row["prompts"]),
            pairs=int(row["pairs"]),
        )
        for row in rows
    )


def observations(findings: Findings) -> tuple[Observation, ...]:
    """Returns the claims of the article with their verdicts."""
    return tuple(
        Observation(each.observation, each.test, each.verdict, each.explanation, _value(each))
        for each in findings.claims
    )


def _value(claim: Claim) -> str:
    if claim.value is None:
        return ""
    if claim.limit == 0.5 or claim.name == "style":
        return tables.interval({"value": claim.value, "low": claim.low, "high": claim.high}, "value", tables.percent)
    bounds = [each for each in (claim.low, claim.high) if each is not None]
    digits = _digits([claim.value, *bounds])
    value = tables.number(claim.value, digits)
    return f"{value} ({' to '.join(tables.number(each, digits) for each in bounds)})" if len(bounds) == 2 else value


def _digits(values: list[float]) -> int:
    """Returns the decimals that show two significant digits of the smallest value that is not 0; two to six."""
    sizes = [abs(each) for each in values if each and each == each]
    return min(6, max(2, 1 - math.floor(math.log10(min(sizes))))) if sizes else 2


def judge_checks(findings: Findings, names: Mapping[str, str]) -> ReportSection | None:
    """Returns the judges compared with the facts and with each other; None if there is nothing to compare."""
    made = []
    if findings.fact_check is not None:
        made.append(tables.fact_check(findings.fact_check))
    if findings.agreement is not None:
        made.append(tables.agreement(findings.agreement))
    if findings.retrieval is not None:
        made.append(tables.retrieval(findings.retrieval))
    if findings.published_scores is not None:
        made.append(tables.published_scores(findings.published_scores, names))
    if findings.drift_rates is not None:
        made.append(tables.drift_rates(findings.drift_rates, names))
    if findings.votes is not None:
        made.append(tables.votes(findings.votes))
    kept = tables.nonempty(made)
    note = "An embedder gives an opinion. Here each one is compared with the exact facts and with the others."
    return ReportSection("Can the judges be trusted?", note, kept) if kept else None


def controls(summary: RunSummary, findings: Findings) -> tuple[TextTable, ...]:
    """Returns the tables of the controls that were played."""
    made = [tables.controls(summary.control_means)] if len(summary.control_means) else []
    return (*made, *([tables.reencoded(findings.reencoded)] if findings.reencoded is not None else []))


def answer_details(summary: RunSummary) -> tuple[tuple[str, str], ...]:
    """Returns further answers to which side matters more: with a perfect partner, and when choosing models."""
    rows = []
    if summary.oracle_swaps.answer:
        rows.append(("With a perfect partner", summary.oracle_swaps.answer))
    sides = {"t2i": "text-to-image", "i2t": "image-to-text"}
    share = summary.primary.name == "recall"
    form, unit = (_points, " points") if share else (tables.number, "")
    gains = [
        f"the best instead of the worst {sides[side]} model gains "
        + tables.interval({"gain": each.gain, "low": each.low, "high": each.high}, "gain", form)
        + unit
        for side, each in summary.swap_gains.items()
        if each is not None and each.gain == each.gain
    ]
    if gains:
        rows.append(
            (
                "When choosing models",
                f"{_capital('; '.join(gains))}, in {summary.primary.words} after the last turn. The intervals are "
                "adjusted for all comparisons, as in the table of differences.",
            )
        )
    return tuple(rows)


def _points(share: float) -> str:
    return f"{100 * share:.0f}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
