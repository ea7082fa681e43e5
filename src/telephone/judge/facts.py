"""Which facts of the first prompt a description still tells: counted exactly, where the prompt is wholly understood."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from telephone import world
from telephone.core.errors import WorldError
from telephone.judge.cases import NO_WORDS, Case, unscored
from telephone.store import Score, ScorerKind
from telephone.world.comparison import SceneComparison, compare
from telephone.world.parser import ParseResult
from telephone.world.scene import Scene

NAME = "facts_recall"
"""The score that tells whether there are facts at all; its detail has the counts by attribute."""
CHUNK = 512
KEPT, WRONG, MISSING = "k", "w", "m"
"""How each fact of the prompt stands, a letter a fact, in the order of `world.atoms`."""
FACTS_VERSION = "2369bb8c5b47f4fd4f71e86009882c45be29ec7191b8a60e855049fa48d83d8f"
"""Identifies what is counted and how. A constant and not a hash of source code, so that rewording the code changes no
score: give it another value whenever the parser, the comparison or the content of a score changes. This value is the
hash that format 3 of the store computed, so scores of older runs stay valid."""


@dataclass(frozen=True)
class Facts:
    """What a description keeps of a prompt."""

    comparison: SceneComparison
    unknown: tuple[str, ...]
    """Words of the description that mean nothing in the pocket world."""

    @property
    def values(self) -> dict[str, float | None]:
        """By name of the score: shares in [0, 1], None where there is nothing to share, and numbers of facts."""
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
        """Returns how each fact of the truth stands: `KEPT`, `WRONG` or `MISSING`, in the order of `world.atoms`."""
        letters = dict.fromkeys(self.comparison.kept, KEPT) | {atom: WRONG for atom, _ in self.comparison.wrong}
        return "".join(letters.get(atom, MISSING) for atom in world.atoms(truth))

    def inventions(self, told: Scene) -> list[list[str | int | None]]:
        """Returns attribute, value and kind of thing of each invented fact."""
        return [
            [atom.attribute, atom.value, None if atom.thing is None else told.things[atom.thing].kind]
            for atom in self.comparison.invented
        ]

    @property
    def by_attribute(self) -> dict[str, dict[str, int]]:
        """Numbers of facts kept, wrong, missing and invented by attribute, a wrong fact under that of the truth."""
        counts = {
            "kept": Counter(atom.attribute for atom in self.comparison.kept),
            "wrong": Counter(truth.attribute for truth, _ in self.comparison.wrong),
            "missing": Counter(atom.attribute for atom in self.comparison.missing),
            "invented": Counter(atom.attribute for atom in self.comparison.invented),
        }
        attributes = sorted(set().union(*counts.values()))
        return {name: {verdict: found[name] for verdict, found in counts.items()} for name in attributes}


class FactsJudge:
    """The judge of facts in texts; needs no network, and is sure."""

    name = "facts of the pocket world"
    kind = ScorerKind.TEXT_FACTS

    @property
    def fingerprint(self) -> str:
        """The version of the parser and the comparison."""
        return FACTS_VERSION

    def judge(self, cases: Sequence[Case]) -> Iterator[list[Score]]:
        """Yields the scores of each case, or one without a value and with the reason."""
        for start in range(0, len(cases), CHUNK):
            yield [score for case in cases[start : start + CHUNK] for score in _scores(case)]


def count_facts(prompt: str, text: str) -> Facts:
    """Returns what a description keeps of a prompt.

    Args:
        prompt: The first prompt; every word of it must be known in the pocket world.
        text: The description, any text.

    Raises:
        WorldError: the prompt cannot be counted; says why.
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
    return scores_of(case, world.read(case.text))


def scores_of(case: Case, reading: ParseResult) -> list[Score]:
    """Returns the scores of something whose scene has been read, compared with the prompt of the case.

    Raises:
        WorldError: the prompt cannot be counted; says why.
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
    """Returns why the facts of a prompt cannot be counted; empty if they can."""
    truth = NO_WORDS if prompt is None else _truth(prompt)
    return truth if isinstance(truth, str) else ""


@cache
def _truth(prompt: str) -> Scene | str:
    """Returns the scene that a prompt tells, or the reason why its facts cannot be counted."""
    reading = world.read(prompt)
    if reading.unknown:
        return f"The pocket world does not know these words of the prompt: {', '.join(reading.unknown)[:200]}."
    if not world.atoms(reading.scene):
        return "The prompt states no facts of the pocket world."
    return reading.scene
