"""Judges a finished or unfinished run by several embedders, and measures how far they agree."""

from collections.abc import Callable
from pathlib import Path

from telephone.core.errors import WeightsError
from telephone.judge import (
    Scored,
    calibrate,
    collect_opinions,
    collect_repeat_captions,
    collect_votes,
    default_embedders,
    embedded_kinds,
    import_votes,
    measure_image_distances,
    probe_omissions,
    score,
    store_calibration,
    write_vote_page,
)
from telephone.models import embedder as load_embedder
from telephone.pipeline.battles import open_battle
from telephone.pipeline.options import JudgeOptions
from telephone.pipeline.playing import judge_callback
from telephone.pipeline.results import JudgeProgress, JudgeResult, Progress, ignore
from telephone.store import Run

DEFAULT_JUDGING = JudgeOptions()


def judge(folder: str | Path, options: JudgeOptions = DEFAULT_JUDGING, *, progress: Progress = ignore) -> JudgeResult:
    """Scores what a run has no scores for yet, and compares its judges; scores that are there stay.

    Each text and image is embedded once for each embedder.

    Args:
        folder: the run's folder.
        options: embedders, questions and repeat captions; the last two call the run's models.
        progress: called with each event.

    Raises:
        UsageError: there is no run in the folder, or an embedder is unknown.
        WeightsError: the weights of an embedder are missing.
        ModelError: a model returns no results at all.
        StoreError: the run cannot be read or written.
    """
    with open_battle(folder) as run:
        scored = _score(run, options, progress)
        questions, missing = _ask(run, options, progress)
        return _compared(run, scored, questions, missing)


def _score(run: Run, options: JudgeOptions, progress: Progress) -> tuple[Scored, ...]:
    if options.repeat_captions:
        collect_repeat_captions(run, options.repeat_captions, _named("repeat captions", progress))
    chosen = options.embedders or default_embedders(run)
    scored = score(run, chosen, progress=judge_callback(progress), full=True)
    if options.calibrate:
        _calibrate(run, chosen, progress)
    if options.opinion:
        collect_opinions(run, options.opinion, report=_named(f"opinion of {options.opinion}", progress))
    if options.images:
        scored.append(measure_image_distances(run, _named("distances of images", progress)))
    if options.votes and options.votes.lower().endswith(".json"):
        scored.append(import_votes(run, Path(options.votes)))
    elif options.votes:
        scored.append(collect_votes(run, options.votes, report=_named(f"votes of {options.votes}", progress)))
    if options.vote_page is not None:
        write_vote_page(run, options.vote_page)
    return tuple(scored)


def _calibrate(run: Run, refs: tuple[str, ...], progress: Progress) -> None:
    """Embedders of images alone have no distances of texts to calibrate."""
    for judge in map(load_embedder, refs):
        if "text" in embedded_kinds(judge):
            store_calibration(run, calibrate(judge, progress=judge_callback(progress)))


def _ask(run: Run, options: JudgeOptions, progress: Progress) -> tuple[dict[str, int] | None, str]:
    """Returns the number of new answers by model, and why not every model could be asked."""
    if not options.questions:
        return None, ""
    try:
        return probe_omissions(run, options.questions, _named("questions", progress)), ""
    except WeightsError as error:
        return None, str(error)


def _compared(run: Run, scored: tuple[Scored, ...], questions: dict[str, int] | None, missing: str) -> JudgeResult:
    from telephone.analysis import (
        caption_retrieval_bits,
        fact_correlation,
        find_information_leaks,
        judge_values,
        match_captions,
        omission_rates,
        probe_answers,
        rank_agreement,
        unread_notes,
        without_controls,
    )

    frame = without_controls(run.frame())
    matched = match_captions(run, frame=frame)
    by_all = judge_values(run, frame)
    return JudgeResult(
        folder=run.folder,
        scored=scored,
        agreement=rank_agreement(by_all),
        fact_check=fact_correlation(by_all),
        retrieval=caption_retrieval_bits(matched, ("embedder", "turn")),
        omissions=omission_rates(probe_answers(run)),
        questions=questions,
        missing=missing,
        warnings=(*unread_notes(run), *(leak.words for leak in find_information_leaks(matched))),
    )


def _named(name: str, progress: Progress) -> Callable[[int, int], None]:
    return lambda done, total: progress(JudgeProgress(name, done, total))
