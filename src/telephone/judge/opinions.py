"""Opinions: a model answers yes-or-no questions about every image, for prompts outside the pocket world.

The scores have the form of counted facts but are answers of a model; the kind of the scorer says so.
"""

import math
from collections.abc import Sequence
from typing import Any, cast

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import decode
from telephone.judge.cases import Case, battle_rows, image_cases
from telephone.judge.omission_probe import QuestionAnswerer, answers_questions
from telephone.judge.question_generation import YesNoQuestion, generate_questions, parse_yes_no
from telephone.judge.scorer import Count, Scorer, ignore, run_scorer
from telephone.judge.text_facts import why_uncounted
from telephone.models import image2text
from telephone.models.yes_no import YesNoModel
from telephone.store import Run, Score, ScorerKind, ScorerRow

NAME = "opinion_recall"
"""The kind of the scores: the share of questions answered by yes. A frame has it as `image_opinion_recall`."""
YES, NO, UNSURE = "k", "m", "u"
SOFT = "opinion_probability"
"""The kind of the soft scores: the mean probability that a fact is there."""
NO_ANSWERS = "No question was answered by yes or no."


class OpinionScorer(Scorer[Case]):
    """Asks one model the questions of each prompt about each image.

    A question whose parent is answered by no is not asked and counts as no.
    """

    def __init__(self, run: Run, ref: str) -> None:
        """Loads the model.

        Args:
            run: where the images are.
            ref: address of a model that answers questions.

        Raises:
            UsageError: the model answers no questions.
        """
        self.chunk = 16
        self._run = run
        self._ref = ref
        self._model = image2text(ref)
        if not answers_questions(self._model):
            raise UsageError(f"{ref} answers no questions about images: use a model with the method answer.")

    @property
    def row(self) -> ScorerRow:
        """The fingerprint is the model's."""
        fingerprint = self._model.traits().fingerprint
        return ScorerRow(ScorerKind.OPINION, f"opinion of {self._ref}", fingerprint, self._ref)

    def score(self, cases: Sequence[Case]) -> list[Score]:
        """Returns one score an image. Questions are asked in rounds: those whose parents are answered by yes come next.

        Raises:
            ModelError: the model returned no answers at all.
        """
        images = [decode(self._run.artefact(case.subject).data) for case in cases]
        questions = [generate_questions(str(case.prompt)) for case in cases]
        answers: list[dict[int, Any]] = [{} for _ in cases]
        states: list[dict[int, str]] = [{} for _ in cases]
        while due := [(at, number) for at in range(len(cases)) for number in _due(questions[at], states[at])]:
            found = cast(QuestionAnswerer, self._model).answer(
                [images[at] for at, _ in due], [questions[at][number].text for at, number in due]
            )
            for (at, number), answer in zip(due, found, strict=True):
                answers[at][number] = str(answer)
                yes = None if isinstance(answer, ModelError) else parse_yes_no(answer)
                states[at][number] = UNSURE if yes is None else YES if yes else NO
        scores = [_score(*row) for row in zip(cases, questions, states, answers, strict=True)]
        return scores + self._soft(cases, images, questions)

    def _soft(
        self, cases: Sequence[Case], images: list[Any], questions: list[tuple[YesNoQuestion, ...]]
    ) -> list[Score]:
        """Returns one soft score an image; none if the model gives no probabilities."""
        if not isinstance(self._model, YesNoModel):
            return []
        due = [(at, question.text) for at in range(len(cases)) for question in questions[at]]
        values = iter(self._model.yes_probabilities([images[at] for at, _ in due], [text for _, text in due]))
        found = []
        for case, own in zip(cases, questions, strict=True):
            chances = fact_probabilities(own, [next(values) for _ in own])
            detail = {"probabilities": [round(chance, 6) for chance in chances]}
            found.append(Score(*case.key, SOFT, sum(chances) / len(chances), "", detail))
        return found


def fact_probabilities(questions: Sequence[YesNoQuestion], answers: Sequence[float]) -> list[float]:
    """Returns the probability of each fact: that of yes, and of yes to the questions that it depends on.

    Args:
        questions: of one prompt, parents before children.
        answers: the probability of yes to each question, in [0, 1].
    """
    found: list[float] = []
    for question, answer in zip(questions, answers, strict=True):
        found.append(math.prod([answer, *(found[parent] for parent in question.parents)]))
    return found


def collect_opinions(run: Run, ref: str, every: bool = False, report: Count = ignore) -> int:
    """Lets a model answer the questions of each prompt about each image of its games; returns how many are new.

    Args:
        run: a run.
        ref: address of a model that answers questions; calls of a remote one cost money.
        every: whether to include prompts of the pocket world, whose facts are counted exactly.
        report: receives how many images are done, and of how many.

    Raises:
        UsageError: the model answers no questions.
        ModelError: it returned no answers at all.
    """
    scorer = OpinionScorer(run, ref)
    cases = [case for case in image_cases(battle_rows(run.turns())) if _is_wanted(case, every)]
    return run_scorer(run, scorer, cases, lambda _, done, total: report(done, total)).new


def _is_wanted(case: Case, every: bool) -> bool:
    if case.prompt is None or not generate_questions(case.prompt):
        return False
    return every or bool(why_uncounted(case.prompt))


def _due(questions: tuple[YesNoQuestion, ...], states: dict[int, str]) -> list[int]:
    """Returns the questions that can be asked now; those that need not be asked are settled."""
    due = []
    for number, question in enumerate(questions):
        if number in states:
            continue
        parents = [states.get(parent) for parent in question.parents]
        if any(parent in (NO, UNSURE) for parent in parents):
            states[number] = NO if NO in parents else UNSURE
        elif all(parent == YES for parent in parents):
            due.append(number)
    return due


def _score(case: Case, questions: tuple[YesNoQuestion, ...], states: dict[int, str], answers: dict[int, Any]) -> Score:
    letters = "".join(states[number] for number in range(len(questions)))
    known = len(letters) - letters.count(UNSURE)
    detail = {
        "states": letters,
        "facts": [[question.kind, question.words] for question in questions],
        "questions": [question.text for question in questions],
        "answers": [answers.get(number) for number in range(len(questions))],
    }
    value, reason = (letters.count(YES) / known, "") if known else (None, NO_ANSWERS)
    return Score(*case.key, NAME, value, reason, detail)
