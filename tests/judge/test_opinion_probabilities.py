"""Probabilities of yes: of the pocket models against their own answers, and as soft scores of a run."""

from pathlib import Path

import pytest
from PIL import Image

from telephone import battle, image2text, text2image
from telephone.core.records import Prompt
from telephone.judge import collect_opinions
from telephone.judge.opinions import NAME, SOFT, fact_probabilities
from telephone.judge.question_generation import YesNoQuestion, generate_questions
from telephone.models.yes_no import YesNoModel
from telephone.store import ScorerKind

TEXTS = ("A red boat on a beach.", "A blue cat in a park.", "Two green stars at night.", "A house and a dog.")
QUESTIONS = ("Is there a boat?", "Is there a cat?", "Are there two stars?", "Is there a dog?", "Is the boat red?")


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    return list(text2image("oracle/renderer").generate_images(TEXTS, [0] * len(TEXTS)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pocket/blip", "pocket/mplug-owl"])
def test_the_probability_agrees_with_the_answer(name: str, images: list[Image.Image]) -> None:
    model = image2text(name)
    assert isinstance(model, YesNoModel)
    pairs = [(image, question) for image in images for question in QUESTIONS]
    shown, asked = [image for image, _ in pairs], [question for _, question in pairs]
    chances = model.yes_probabilities(shown, asked)
    answers = model.answer(shown, asked)  # type: ignore[attr-defined]
    decided = [(chance, answer) for chance, answer in zip(chances, answers, strict=True) if answer in ("Yes.", "No.")]
    assert len(decided) >= 10
    assert all((chance > 0.5) == (answer == "Yes.") for chance, answer in decided)
    assert all(0 <= chance <= 1 for chance in chances)
    alone = model.yes_probabilities(shown[3:4], asked[3:4])
    assert alone == pytest.approx(chances[3:4], abs=1e-4)


def test_a_fact_needs_the_facts_that_it_depends_on() -> None:
    questions = (
        YesNoQuestion("Is there a cat?", "object", "cat"),
        YesNoQuestion("Is the cat black?", "attribute", "cat: black", (0,)),
        YesNoQuestion("Is there a dog?", "object", "dog"),
        YesNoQuestion("Is the cat beside the dog?", "relation", "cat beside dog", (0, 2)),
    )
    assert fact_probabilities(questions, [0.5, 0.8, 0.4, 1.0]) == pytest.approx([0.5, 0.4, 0.4, 0.2])


@pytest.mark.slow
def test_soft_opinions_are_stored_beside_the_hard_ones(tmp_path: Path) -> None:
    prompts = [Prompt("A red boat and a wise wizard.", "easy", "wizard")]
    lines = battle.grid(["fake/painter"], ["fake/captioner"])
    with battle.begin(tmp_path / "run", battle.plan(lines, prompts, turns=1)) as run:
        battle.play(run, battle.Roster())
        collect_opinions(run, "pocket/blip")
        assert collect_opinions(run, "pocket/blip") == 0
        (scorer,) = run.scorers(ScorerKind.OPINION)
        by_kind = {score.kind: score for score in run.scores(scorer)}
        frame = run.frame()
    assert set(by_kind) == {NAME, SOFT}
    chances = by_kind[SOFT].detail["probabilities"]
    assert len(chances) == len(generate_questions(prompts[0].text))
    assert by_kind[SOFT].value == pytest.approx(sum(chances) / len(chances), abs=1e-5)
    assert frame["image_opinion_probability"].notna().all()
