"""Omission probe: an image-to-text model is asked about facts of an image that its caption omits.

A correct answer means that the model recognised the fact and omitted it. Because agreeing costs nothing, the model is
also asked about facts that the image lacks: the share of those that it agrees to is its rate of guessing.
"""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from PIL import Image

from telephone import world
from telephone.core.errors import ModelError, UsageError
from telephone.core.images import decode
from telephone.core.seeds import derive
from telephone.judge.cases import battle_rows
from telephone.judge.scorer import Count, Scorer, ignore, part_of, run_scorer
from telephone.judge.text_facts import KEPT, NAME
from telephone.models import Model, image2text
from telephone.store import Run, Score, ScorerKind, ScorerRow

if TYPE_CHECKING:
    import pandas as pd

LOST, BLANK = "lost", "blank"
"""Kinds of the scores: the image has the fact and the caption omits it; the image lacks the fact."""
DEFAULT_QUESTIONS = 400
"""Questions of each kind for each model."""
NO_VALUE = "The answer does not give a value of the fact."
_SEED_LABEL = "doubt"
"""Part of the hash that chooses questions: never change it."""


class QuestionAnswerer(Protocol):
    """A model that answers questions about images."""

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[Any]:
        """Returns one answer, or one `ModelError`, a pair of image and question."""
        ...


@dataclass(frozen=True)
class ProbeQuestion:
    """A question to a model about an image that it has captioned."""

    image: str
    """Content hash."""
    prompt_sha: str
    prompt: str
    number: int
    """Of the fact, in `world.atoms` of the prompt."""
    kind: str
    """`lost` or `blank`."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Image, prompt, kind and number of the fact."""
        return self.image, self.prompt_sha, self.kind, self.number


class OmissionProbe(Scorer[ProbeQuestion]):
    """Asks one model about facts of images; a score is 1 if the answer states the fact, 0 if it states another."""

    def __init__(self, run: Run, ref: str) -> None:
        """Loads the model.

        Args:
            run: where the images are.
            ref: address of a model that answers questions.
        """
        self.chunk = 16
        self._run = run
        self._ref = ref
        self._model = image2text(ref)

    @property
    def row(self) -> ScorerRow:
        """The fingerprint is the model's."""
        fingerprint = self._model.traits().fingerprint
        return ScorerRow(ScorerKind.OMISSION_PROBE, f"omission probe of {self._ref}", fingerprint, self._ref)

    def stored_key(self, score: Score) -> tuple[str, str, str, int]:
        """Returns the key of the question of a score."""
        return score.subject, score.reference, score.kind, score.item

    def score(self, cases: Sequence[ProbeQuestion]) -> list[Score]:
        """Returns one score a question.

        Raises:
            ModelError: the model returned no answers at all.
        """
        from telephone.world.questions import ask

        scenes = [world.parse(case.prompt) for case in cases]
        atoms = [world.atoms(scene)[case.number] for case, scene in zip(cases, scenes, strict=True)]
        questions = [ask(scene, atom) for scene, atom in zip(scenes, atoms, strict=True)]
        images = [decode(self._run.artefact(case.image).data) for case in cases]
        answers = cast(QuestionAnswerer, self._model).answer(images, questions)
        rows = zip(cases, atoms, questions, answers, strict=True)
        return [_score(case, atom, question, answer) for case, atom, question, answer in rows]


def answers_questions(model: Model) -> bool:
    """Returns whether a model answers questions about images."""
    method = getattr(model, "answer", None)
    # Clients of services have a method of this name that reads their reply.
    return callable(method) and list(inspect.signature(method).parameters)[:2] == ["images", "questions"]


def probe_omissions(run: Run, most: int = DEFAULT_QUESTIONS, report: Count = ignore) -> dict[str, int]:
    """Asks each image-to-text model that answers questions about the facts that its captions omit.

    Args:
        run: a run whose facts of texts and images are scored.
        most: questions about omitted facts for each model, and as many about absent ones; a choice if there are more.
        report: receives how many questions are answered, and of how many, for all models together.

    Returns:
        The number of new answers by address of the model; models that do not answer questions are left out.

    Raises:
        UsageError: facts of images are not scored.
        ModelError: a model returned no answers at all.
    """
    states = _states(run)
    frame = _captioned(battle_rows(run.turns()))
    names = {row.name: row.ref for row in run.spec.models if row.kind == "image2text"}
    wanted = {ref: _questions(frame[frame["i2t_model"] == name], states, most) for name, ref in names.items()}
    able = {ref: questions for ref, questions in wanted.items() if questions and answers_questions(image2text(ref))}
    total, before, found = sum(map(len, able.values())), 0, {}
    for ref, questions in able.items():
        found[ref] = run_scorer(run, OmissionProbe(run, ref), questions, part_of(report, before, total)).new
        before += len(questions)
    return found


def _score(case: ProbeQuestion, atom: world.Atom, question: str, answer: Any) -> Score:
    from telephone.world.questions import agrees

    agreed = None if isinstance(answer, ModelError) else agrees(atom, str(answer))
    detail = {"question": question, "answer": str(answer), "attribute": atom.attribute}
    value, reason = (None, NO_VALUE) if agreed is None else (float(agreed), "")
    return Score(case.image, case.prompt_sha, case.kind, value, reason, detail, case.number)


def _captioned(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Returns the frame with the hash of the image that each text describes as `captioned`."""
    earlier = frame.groupby("game", sort=False)["image_sha256"].shift(1).fillna(frame["prompt_sha256"])
    return frame.assign(captioned=frame["image_sha256"].where(frame["first"] == "text", earlier))


def _questions(frame: "pd.DataFrame", states: dict[tuple[str, str], str], most: int) -> list[ProbeQuestion]:
    """Returns the distinct questions about the images of one model, at most so many of each kind."""
    pairs = frame.loc[frame["text_sha256"].notna(), ["captioned", "text_sha256", "prompt_sha256", "prompt"]]
    found = []
    for image, text, prompt_sha, prompt in pairs.drop_duplicates().itertuples(index=False):
        in_image, in_text = states.get((image, prompt_sha)), states.get((text, prompt_sha))
        if in_image is None or in_text is None:
            continue
        for number, (shown, stated) in enumerate(zip(in_image, in_text, strict=True)):
            if stated != KEPT:
                found.append(ProbeQuestion(image, prompt_sha, prompt, number, LOST if shown == KEPT else BLANK))
    distinct = list(dict.fromkeys(found))
    return [*_choice(distinct, LOST, most), *_choice(distinct, BLANK, most)]


def _choice(questions: Iterable[ProbeQuestion], kind: str, most: int) -> list[ProbeQuestion]:
    """Returns the questions of a kind; of too many a choice that does not depend on their order."""
    own = [question for question in questions if question.kind == kind]
    if len(own) > most:
        own = sorted(own, key=lambda each: derive(_SEED_LABEL, each.image, each.prompt_sha, each.number))[:most]
    return own


def _states(run: Run) -> dict[tuple[str, str], str]:
    if not run.scorers(ScorerKind.IMAGE_FACTS):
        raise UsageError("The facts of this run's images are not scored: judge it with `telephone judge` first.")
    return {
        (score.subject, score.reference): str(score.detail["states"])
        for kind in (ScorerKind.TEXT_FACTS, ScorerKind.IMAGE_FACTS)
        for scorer in run.scorers(kind)
        for score in run.scores(scorer)
        if score.kind == NAME and score.value is not None and "states" in score.detail
    }
