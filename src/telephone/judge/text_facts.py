"""Which facts of the prompt a text keeps: counted exactly, for prompts of the pocket world."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from telephone import world
from telephone.core.errors import WorldError
from telephone.judge.cases import NO_WORDS, Case, unscored
from telephone.judge.scorer import Scorer
from telephone.store import Score, ScorerKind, ScorerRow
from telephone.world.comparison import SceneComparison, compare
from telephone.world.parser import ParseResult
from telephone.world.scene import Scene

NAME = "facts_recall"
"""The kind of score that every case has, with or without a value; its detail has the counts by attribute."""
KEPT, WRONG, MISSING = "k", "w", "m"
"""The state of each fact of the prompt, one letter a fact, in the order of `world.atoms`."""
FACTS_VERSION = "caeb1d85b749fa4784618f09ddde6efbfaca204192b2bc152d05aa3f3bb38fb6"
"""Identifies what is counted and how. A constant and not a hash of source code, so that rewording the code changes no
score: give it another value whenever the parser, the comparison or the content of a score changes. Scores of another
version are left in the run folder, and `telephone judge` counts the facts again beside them."""


@dataclass(frozen=True)
class Facts:
    """What a text keeps of a prompt."""

    comparison: SceneComparison
    unknown: tuple[str, ...]
    """Words of the text that the pocket world does not know."""

    @property
    def values(self) -> dict[str, float | None]:
        """By kind of score: shares in [0, 1], None for a share of nothing, and numbers of facts."""
        found = self.comparison
        return {
            NAME: found.recall,
            "facts_precision": found.precision,
            "facts_kept": float(len(found.kept)),
            "facts_wrong": float(len(found.wrong)),
            "facts_missing": float(len(found.missing)),
            "facts_invented": float(len(found.invented)),
        }

    def states(self, truth: Scene) -> str:
        """Returns the state of each fact of the truth: `KEPT`, `WRONG` or `MISSING`, in the order of `world.atoms`."""
        letters = dict.fromkeys(self.comparison.kept, KEPT) | {atom: WRONG for atom, _ in self.comparison.wrong}
        return "".join(letters.get(atom, MISSING) for atom in world.atoms(truth))

    def inventions(self, stated: Scene) -> list[list[str | int | None]]:
        """Returns attribute, value and kind of object of each invented fact."""
        return [
            [atom.attribute, atom.value, None if atom.thing is None else stated.things[atom.thing].kind]
            for atom in self.comparison.invented
        ]

    @property
    def by_attribute(self) -> dict[str, dict[str, int]]:
        """Numbers of kept, wrong, missing and invented facts by attribute; a wrong fact counts for the true one's."""
        counts = {
            "kept": Counter(atom.attribute for atom in self.comparison.kept),
            "wrong": Counter(truth.attribute for truth, _ in self.comparison.wrong),
            "missing": Counter(atom.attribute for atom in self.comparison.missing),
            "invented": Counter(atom.attribute for atom in self.comparison.invented),
        }
        attributes = sorted(set().union(*counts.values()))
        return {name: {verdict: found[name] for verdict, found in counts.items()} for name in attributes}


class TextFactsScorer(Scorer[Case]):
    """Counts facts in texts, exactly and without a model."""

    chunk = 512

    @property
    def row(self) -> ScorerRow:
        """The fingerprint is the version of parser and comparison."""
        return ScorerRow(ScorerKind.TEXT_FACTS, "facts of the pocket world", FACTS_VERSION)

    def score(self, cases: Sequence[Case]) -> list[Score]:
        """Returns the scores of each case, or one without a value and with the reason."""
        return [score for case in cases for score in _scores(case)]


def count_facts(prompt: str, text: str) -> Facts:
    """Returns what a text keeps of a prompt.

    Args:
        prompt: The prompt; the pocket world must know every word of it.
        text: Any text.

    Raises:
        WorldError: the facts of the prompt cannot be counted; the message says why.
    """
    truth = _truth(prompt)
    if isinstance(truth, str):
        raise WorldError(truth)
    reading = world.read(text)
    return Facts(compare(truth, reading.scene), reading.unknown)


def _scores(case: Case) -> list[Score]:
    why = why_uncounted(case.prompt)
    if why:
        return [unscored(case, NAME, why)]
    return fact_scores(case, world.read(case.text))


def fact_scores(case: Case, reading: ParseResult) -> list[Score]:
    """Returns the scores of a text or image whose scene was read, compared with the prompt of the case.

    Raises:
        WorldError: the facts of the prompt cannot be counted; the message says why.
    """
    truth = _truth(str(case.prompt))
    if isinstance(truth, str):
        raise WorldError(truth)
    found = Facts(compare(truth, reading.scene), reading.unknown)
    detail = {
        "by_attribute": found.by_attribute,
        "unknown": list(found.unknown),
        "states": found.states(truth),
        "invented": found.inventions(reading.scene),
        "style": reading.scene.style,
    }
    return [
        Score(
            case.subject,
            case.reference,
            name,
            value,
            "" if value is not None else "The description states no facts.",
            detail if name == NAME else None,
        )
        for name, value in found.values.items()
    ]


def why_uncounted(prompt: str | None) -> str:
    """Returns why the facts of a prompt cannot be counted; empty if they can be."""
    truth = NO_WORDS if prompt is None else _truth(prompt)
    return truth if isinstance(truth, str) else ""


@cache
def _truth(prompt: str) -> Scene | str:
    """Returns the scene of a prompt, or the reason why its facts cannot be counted."""
    reading = world.read(prompt)
    if reading.unknown:
        return f"The pocket world does not know these words of the prompt: {', '.join(reading.unknown)[:200]}."
    if not world.atoms(reading.scene):
        return "The prompt states no facts of the pocket world."
    return reading.scene
