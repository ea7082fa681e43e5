"""Facts of prompts outside the pocket world, as a player sees them: yes-or-no questions about every picture.

What comes out has the form of counted facts and is none: it is the opinion of the player that was asked, and every
score says so.
"""

from collections.abc import Iterator
from typing import Any, cast

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import decode
from telephone.judge.cases import Case, without_controls
from telephone.judge.facts import why_uncounted
from telephone.judge.omission_probe import QuestionAnswerer, answering
from telephone.judge.picture_facts import picture_cases
from telephone.judge.question_generation import YesNo, says, wonder
from telephone.judge.vectors import Told
from telephone.models import image2text
from telephone.store import Run, Score, ScorerKind, ScorerRow

NAME = "opinion_recall"
"""The share of a prompt's questions that are answered by yes; a frame has it as `image_opinion_recall`."""
YES, NO, UNSURE = "k", "m", "u"
_CHUNK = 16


def ask_opinions(run: Run, ref: str, every: bool = False, told: Told | None = None) -> int:
    """Has a player answer the questions of each prompt about each picture of its games; returns how many are new.

    A question whose parent is answered by no is not asked and counts as no.

    Args:
        run: A run.
        ref: Address of a player that answers questions; calls of a remote one cost money.
        every: Whether prompts of the pocket world are asked about too, whose facts are counted exactly.
        told: Is told how far it is.

    Raises:
        UsageError: the player answers no questions.
        ModelError: it did not answer at all.
    """
    player = image2text(ref)
    if not answering(player):
        raise UsageError(f"{ref} answers no questions about pictures: take a describer with a method answer.")
    judge = ScorerRow(ScorerKind.OPINION, f"opinion of {ref}", player.traits().fingerprint, ref)
    there = {(score.subject, score.reference) for score in run.scores(judge)}
    cases = [case for case in picture_cases(without_controls(run.turns())) if _wanted(case, every)]
    new = [case for case in cases if (case.subject, case.reference) not in there]
    done = len(cases) - len(new)
    for start in range(0, len(new), _CHUNK):
        chunk = new[start : start + _CHUNK]
        run.put_scores(judge, list(_opinions(run, cast(QuestionAnswerer, player), chunk)))
        done += len(chunk)
        if told is not None:
            told(done, len(cases))
    return len(new)


def _wanted(case: Case, every: bool) -> bool:
    return case.prompt is not None and (every or bool(why_uncounted(case.prompt))) and bool(wonder(case.prompt))


def _opinions(run: Run, player: QuestionAnswerer, cases: list[Case]) -> Iterator[Score]:
    """Questions are put in rounds: those whose parents are answered by yes come next."""
    pictures = [decode(run.artefact(case.subject).data) for case in cases]
    asked = [wonder(str(case.prompt)) for case in cases]
    answers: list[dict[int, Any]] = [{} for _ in cases]
    states: list[dict[int, str]] = [{} for _ in cases]
    while True:
        due = [(at, number) for at in range(len(cases)) for number in _due(asked[at], states[at])]
        if not due:
            break
        said = player.answer([pictures[at] for at, _ in due], [asked[at][number].text for at, number in due])
        for (at, number), answer in zip(due, said, strict=True):
            answers[at][number] = str(answer)
            yes = None if isinstance(answer, ModelError) else says(answer)
            states[at][number] = UNSURE if yes is None else YES if yes else NO
    for case, questions, own, given in zip(cases, asked, states, answers, strict=True):
        yield _score(case, questions, own, given)


def _due(questions: tuple[YesNo, ...], states: dict[int, str]) -> list[int]:
    """Returns the questions that can be put now; those that need not be are settled on the way."""
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


def _score(case: Case, questions: tuple[YesNo, ...], states: dict[int, str], answers: dict[int, Any]) -> Score:
    letters = "".join(states[number] for number in range(len(questions)))
    known = len(letters) - letters.count(UNSURE)
    detail = {
        "states": letters,
        "facts": [[question.kind, question.words] for question in questions],
        "questions": [question.text for question in questions],
        "answers": [answers.get(number) for number in range(len(questions))],
    }
    value = letters.count(YES) / known if known else None
    why = "" if known else "No question was answered by yes or no."
    return Score(case.subject, case.reference, NAME, value, why, detail)
