"""`telephone judge`: puts numbers on a run by one or several embedders, and tells how far they agree."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from telephone.cli.options import Folder, Json
from telephone.cli.output import plain, print_json, print_table, print_text, say, table, warn
from telephone.cli.parsing import refs
from telephone.cli.progress import watching
from telephone.core.errors import WeightsError

if TYPE_CHECKING:
    import pandas as pd

    from telephone.judge import Scored
    from telephone.store import Run

NAME = "judge"


def command(
    folder: Folder,
    embedder: Annotated[
        list[str] | None,
        typer.Option(
            "--embedder",
            metavar="REF",
            help="Whose vectors measure (repeat it, or part them by commas); the sentence judge, and for prompts of the"
            " pocket world its CLIP.",
            show_default=False,
        ),
    ] = None,
    ask: Annotated[
        int,
        typer.Option("--ask", min=0, metavar="N", help="Ask each describer up to N times about facts it left out."),
    ] = 0,
    again: Annotated[
        int,
        typer.Option("--again", min=0, metavar="N", help="Let each describer describe up to N pictures once more."),
    ] = 0,
    opinion: Annotated[
        str | None,
        typer.Option(
            "--opinion",
            metavar="REF",
            help="Who answers yes-or-no questions about prompts of other worlds.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Judge a run: distances by several embedders, facts of texts and pictures, floors; what is judged stays.

    Each text and picture is embedded once for each embedder. It then tells how alike the judges order the players, how
    well each embedder follows the exact facts, and warns of a run in which something is known that was lost before.
    `--ask` and `--again` call the run's describers, `--opinion` any describer that answers questions; that costs money
    where they are remote.
    """
    from telephone.judge import collect_opinions, collect_repeat_captions, default_embedders, probe_omissions, score
    from telephone.store import Run

    with Run.open(folder) as run, watching() as watcher:
        if again:
            collect_repeat_captions(run, again, lambda done, total: watcher.judged("second descriptions", done, total))
        chosen = refs(embedder) if embedder else default_embedders(run)
        scored = score(run, chosen, progress=watcher.judged, full=True)
        if opinion:
            collect_opinions(
                run, opinion, report=lambda done, total: watcher.judged(f"opinion of {opinion}", done, total)
            )
        asked = None
        if ask:
            try:
                asked = probe_omissions(run, ask, lambda done, total: watcher.judged("questions", done, total))
            except WeightsError as error:
                warn(f"Not every describer could be asked. {error}")
    with Run.open(folder) as run:
        _print(run, scored, asked, json)


def _print(run: "Run", scored: "list[Scored]", asked: dict[str, int] | None, json: bool) -> None:
    from telephone.analysis.facts.omissions import omission_rates, probe_answers
    from telephone.analysis.inference.caption_retrieval import (
        caption_retrieval_bits,
        find_information_leaks,
        match_captions,
    )
    from telephone.analysis.inference.judge_agreement import fact_correlation, rank_agreement
    from telephone.analysis.inference.judge_agreement import judge_values as judged_by_all
    from telephone.analysis.tables.score_frames import without_controls

    frame = without_controls(run.frame())
    matched = match_captions(run, frame=frame)
    judged = judged_by_all(run, frame)
    told = omission_rates(probe_answers(run))
    found: dict[str, Any] = {
        "agreement": rank_agreement(judged),
        "fact_check": fact_correlation(judged),
        "bits": caption_retrieval_bits(matched, ("embedder", "turn")),
        "unsaid": told,
    }
    rises = [leak.words for leak in find_information_leaks(matched)]
    if json:
        tables = {name: made.to_dict("records") for name, made in found.items()}
        judges = [{name: getattr(each, name) for name in ("judge", "cases", "new", "unscored")} for each in scored]
        print_json({"folder": str(run.folder), "judges": judges, **tables, "asked": asked, "warnings": rises})
        return
    made = table("judge", "judged", "new", "without a number", numbers=("judged", "new", "without a number"))
    for each in scored:
        made.add_row(plain(each.judge), f"{each.cases:,}", f"{each.new:,}", f"{each.unscored:,}")
    print_table(made)
    _print_agreement(found["agreement"], found["fact_check"])
    _print_unsaid(told, asked)
    for words in rises:
        print_text(f"[yellow]Note:[/] {plain(words)}")


def _print_agreement(alike: "pd.DataFrame", check: "pd.DataFrame") -> None:
    ordered = alike[(alike["side"] == "pair") & alike["kendall"].notna()]
    if len(ordered):
        say()
        made = table("one judge", "another", "pairs of players", "Kendall", "Spearman", numbers=("Kendall", "Spearman"))
        made.title = "Do judges order the pairs of players alike?"
        for row in ordered.to_dict("records"):
            numbers = (f"{row['kendall']:.2f}", f"{row['spearman']:.2f}")
            made.add_row(plain(row["one"]), plain(row["other"]), str(row["players"]), *numbers)
        print_table(made)
    pooled = check[(check["level"] == "all") & check["spearman"].notna()]
    if len(pooled):
        say()
        made = table(
            "judge", "Spearman", "95 % interval", "texts or pictures", numbers=("Spearman", "texts or pictures")
        )
        made.title = "Do embedders follow the exact facts?"
        for row in pooled.to_dict("records"):
            interval = "" if row["low"] != row["low"] else f"{row['low']:.2f} to {row['high']:.2f}"
            made.add_row(plain(row["judge"]), f"{row['spearman']:.2f}", interval, f"{row['n']:,}")
        print_table(made)


def _print_unsaid(told: "pd.DataFrame", asked: dict[str, int] | None) -> None:
    if asked is not None and not asked:
        say()
        say("Nothing was asked: no describer of this run answers questions, or none left out a fact that it saw.")
    if not len(told):
        return
    say()
    made = table(
        "player", "fact", "left out", "seen, not said", "not seen", "unsure", "guessed",
        numbers=("left out", "seen, not said", "not seen", "unsure", "guessed"),
    )  # fmt: skip
    made.title = "Left out of a description, and asked for: an opinion of the describer"
    for row in told.to_dict("records"):
        guessed = "" if row["guessed"] != row["guessed"] else f"{row['guessed']:.0%}"
        counts = [str(row[name]) for name in ("asked", "not_said", "not_seen", "unsure")]
        made.add_row(plain(row["player"]), row["attribute"], *counts, guessed)
    print_table(made)
