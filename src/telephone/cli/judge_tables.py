"""The result of `telephone judge` as tables and as a JSON document."""

from typing import TYPE_CHECKING, Any

from telephone.cli.output import echo, plain, print_text
from telephone.cli.tables import print_table, table

if TYPE_CHECKING:
    import pandas as pd

    from telephone.pipeline import JudgeResult


def judge_json(result: "JudgeResult") -> dict[str, Any]:
    """Returns the result for a JSON document."""
    columns = ("judge", "cases", "new", "unscored")
    return {
        "folder": str(result.folder),
        "judges": [{name: getattr(each, name) for name in columns} for each in result.scored],
        "agreement": result.agreement.to_dict("records"),
        "fact_check": result.fact_check.to_dict("records"),
        "bits": result.retrieval.to_dict("records"),
        "unsaid": result.omissions.to_dict("records"),
        "asked": result.questions,
        "warnings": list(result.warnings),
    }


def print_judging(result: "JudgeResult") -> None:
    """Writes what was judged, how far judges agree, and what was left out of descriptions."""
    made = table("judge", "judged", "new", "unscored", numbers=("judged", "new", "unscored"), names=("judge",))
    for each in result.scored:
        made.add_row(plain(each.judge), f"{each.cases:,}", f"{each.new:,}", f"{each.unscored:,}")
    print_table(made)
    _print_agreement(result.agreement)
    _print_fact_check(result.fact_check)
    _print_omissions(result.omissions, result.questions)
    for words in result.warnings:
        print_text(f"[yellow]Note:[/] {plain(words)}")


def _print_agreement(agreement: "pd.DataFrame") -> None:
    ordered = agreement[(agreement["side"] == "pair") & agreement["kendall"].notna()]
    if not len(ordered):
        return
    echo()
    made = table("one judge", "another", "pairs of models", "Kendall", "Spearman", numbers=("Kendall", "Spearman"))
    made.columns[0].no_wrap = made.columns[1].no_wrap = True
    made.title = "Do judges order the pairs of models alike?"
    for row in ordered.to_dict("records"):
        numbers = (f"{row['kendall']:.2f}", f"{row['spearman']:.2f}")
        made.add_row(plain(row["one"]), plain(row["other"]), str(row["players"]), *numbers)
    print_table(made)


def _print_fact_check(check: "pd.DataFrame") -> None:
    pooled = check[(check["level"] == "all") & check["spearman"].notna()]
    if not len(pooled):
        return
    echo()
    numbers = ("within prompts", "pooled", "texts or images")
    made = table(
        "judge", "within prompts", "95 % interval", "pooled", "texts or images", numbers=numbers, names=("judge",)
    )
    made.title = "Do embedders follow the exact facts? (Spearman)"
    for row in pooled.to_dict("records"):
        known = row["within_low"] == row["within_low"]
        interval = f"{row['within_low']:.2f} to {row['within_high']:.2f}" if known else ""
        within = "" if row["within"] != row["within"] else f"{row['within']:.2f}"
        made.add_row(plain(row["judge"]), within, interval, f"{row['spearman']:.2f}", f"{row['n']:,}")
    print_table(made)


def _print_omissions(omissions: "pd.DataFrame", questions: dict[str, int] | None) -> None:
    if questions is not None and not questions:
        echo()
        echo("No question was asked: no image-to-text model of this run answers questions, or none left out a fact.")
    if not len(omissions):
        return
    echo()
    numbers = ("left out", "seen, left out", "not seen", "unsure", "guessed")
    made = table("model", "fact", *numbers, numbers=numbers, names=("model", "fact"))
    made.title = "Facts left out of a description, and what the model answers when asked about them"
    for row in omissions.to_dict("records"):
        guessed = "" if row["guessed"] != row["guessed"] else f"{row['guessed']:.0%}"
        counts = [str(row[name]) for name in ("asked", "not_said", "not_seen", "unsure")]
        made.add_row(plain(row["player"]), row["attribute"], *counts, guessed)
    print_table(made, lead=2)
