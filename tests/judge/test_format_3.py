"""A run that format 3 stored and judged: it is finished, and judging it again adds nothing."""

from pathlib import Path

import pytest
from store_runs import format_3

from telephone import battle
from telephone.analysis.tables.score_frames import scored_frame
from telephone.core.records import Prompt
from telephone.judge import (
    TextFactsScorer,
    collect_opinions,
    collect_repeat_captions,
    image_cases,
    probe_omissions,
    score,
    text_cases,
)
from telephone.models import image2text
from telephone.store import Run, ScorerKind


def stored(run: Run) -> dict[str, int]:
    return {row.identity: len(run.scores(row)) for row in run.scorers()}


def test_nothing_is_new_for_the_judges(tmp_path: Path) -> None:
    with Run.open(format_3(tmp_path / "run")) as run:
        assert [each.new for each in score(run, "fake/embedder", full=True)][:2] == [0, 0]
        before = stored(run)
        assert [each.new for each in score(run, "fake/embedder", full=True)] == [0, 0, 0, 0]
        assert stored(run) == before
        (blip,) = run.scorers(ScorerKind.OPINION)
        if image2text("pocket/blip").traits().fingerprint != blip.fingerprint:
            pytest.skip("pocket/blip has other weights than in the stored run")
        assert collect_repeat_captions(run, 3) == 0
        assert collect_opinions(run, "pocket/blip") == 0
        assert probe_omissions(run, 5).get("pocket/blip") == 0
        assert stored(run) == before


def test_facts_of_an_earlier_version_are_counted_again_and_kept_beside(tmp_path: Path) -> None:
    with Run.open(format_3(tmp_path / "run")) as run:
        before = stored(run)
        (old,) = run.scorers(ScorerKind.TEXT_FACTS)
        assert old.fingerprint != TextFactsScorer().row.fingerprint
        *_, texts, images = score(run, "fake/embedder", full=True)
        assert texts.new == texts.cases > 0 and images.new == images.cases > 0
        assert {name: number for name, number in stored(run).items() if name in before} == before
        assert [row.fingerprint for row in run.scorers(ScorerKind.TEXT_FACTS)][1:] == [
            TextFactsScorer().row.fingerprint
        ]

        newest = run.scorers(ScorerKind.TEXT_FACTS)[-1]
        values = {(s.subject, s.reference): s.value for s in run.scores(newest) if s.kind == "facts_recall"}
        frame = scored_frame(run)
        shown = frame.dropna(subset=["facts_recall"])
        assert len(shown) and len(run.scorers(ScorerKind.IMAGE_FACTS)) == 2
        assert set(shown["facts_recall"]) <= set(values.values())


def test_the_run_is_finished_and_its_failures_can_be_retried(tmp_path: Path) -> None:
    with Run.open(format_3(tmp_path / "run")) as run:
        result = battle.play(run)
        assert (result.calls, result.done, result.failed) == (0, 22, 2)
        before = run.spending()
        result = battle.play(run, retry_failed=True)
        assert result.calls > 0
        assert sum(row.calls for row in run.spending().values()) > sum(row.calls for row in before.values())
        assert run.verify() == []


def test_a_run_without_hops_has_nothing_to_judge(tmp_path: Path) -> None:
    spec = battle.plan(battle.grid(["fake/painter"], ["fake/captioner"]), [Prompt("A red apple.")], turns=1)
    with battle.begin(tmp_path / "run", spec) as run:
        assert [each.cases for each in score(run, "fake/embedder", full=True)] == [0, 0, 0, 0]
        assert text_cases(run.turns()) == image_cases(run.turns()) == []
