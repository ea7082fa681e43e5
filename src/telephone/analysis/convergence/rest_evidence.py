"""What it says about the models that games come to rest: it depends on where the seeds of their turns come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telephone.core.records import Noise
from telephone.store.spec import RunSpec

_WORDS = {
    "fixed": (
        "The noise of this run is fixed: a text that returns gives the same image again, so a game that repeats a text "
        "stays there by construction. That games come to rest is therefore no evidence that their texts are stable; "
        "play with --noise fresh to test it."
    ),
    "fresh": (
        "The noise of this run is fresh: every turn has a seed of its own, so a game rests only where its texts stay "
        "equivalent although the noise changes."
    ),
}


@dataclass(frozen=True)
class RestEvidence:
    """Where the noise of a run comes from."""

    noise: Noise
    unseeded: tuple[str, ...] = ()
    """Names of the models that take no seed and are not known to be deterministic."""

    @property
    def by_construction(self) -> bool:
        """Whether a game that repeats a text has to stay there."""
        return self.noise == "fixed"

    @property
    def words(self) -> str:
        """What rest says in this run, in sentences."""
        return " ".join(filter(None, (_WORDS[self.noise], self._unseeded())))

    def _unseeded(self) -> str:
        if not self.unseeded:
            return ""
        one = len(self.unseeded) == 1
        who = f"{_enumeration(self.unseeded)} {'takes' if one else 'take'} no seed, so {'its' if one else 'their'}"
        if self.noise == "fixed":
            return f"{who} first answer about an input stands for all later ones."
        return (
            f"{who} answers vary by themselves, or not at all: where such games rest, a stable text cannot be "
            "distinguished from a service that repeats its answers."
        )


def rest_evidence(spec: RunSpec) -> RestEvidence:
    """Returns where the noise of a run comes from; the models of control lines are left out."""
    controls = spec.control_lines
    playing = {ref for line in spec.lines if line not in controls for ref in line}
    names = (row.name for row in spec.models if row.ref in playing and not row.seeds and not row.deterministic)
    return RestEvidence(spec.noise, tuple(names))


def _enumeration(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
