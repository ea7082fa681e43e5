"""A battle as a value: who plays, with which prompts, how long; it resolves to the description a run is made from."""

from dataclasses import dataclass
from pathlib import Path

from telephone import prompts as prompt_sets
from telephone.battle import controls, grid, plan
from telephone.core.errors import PromptError
from telephone.core.records import Level, Prompt
from telephone.models import image2text, text2image
from telephone.models.rosters import load_roster
from telephone.store import RunSpec

Cast = tuple[tuple[str, ...], tuple[str, ...]]
USUAL = "pocket"
"""The roster that plays if nobody is named."""


def cast(t2i: tuple[str, ...] | None, i2t: tuple[str, ...] | None, roster: str | None, stand_ins: bool) -> Cast:
    """Returns who draws and who describes: those of a roster, then those who are named (None if nobody is).

    Raises:
        UsageError: there is no such roster, or a player of it can no longer be called.
    """
    usual = load_roster(USUAL)
    if roster is None:
        return (
            usual.refs("text2image") if t2i is None else t2i,
            usual.refs("image2text") if i2t is None else i2t,
        )
    chosen = load_roster(roster)
    drawers = (*chosen.refs("text2image", stand_ins), *(t2i or ()))
    describers = (*chosen.refs("image2text", stand_ins), *(i2t or ()))
    return tuple(dict.fromkeys(drawers)), tuple(dict.fromkeys(describers))


@dataclass(frozen=True)
class Battle:
    """All lines of some drawing and some describing players over a set of prompts."""

    t2i: tuple[str, ...]
    """Addresses of the players that draw."""
    i2t: tuple[str, ...]
    """Addresses of the players that describe."""
    prompts: str = "pocket"
    """The name of a set, or the path of a file."""
    levels: tuple[Level, ...] = ()
    """Levels to play; none means all."""
    turns: int = 10
    repeats: int = 1
    seed: int = 0
    controls: bool = False
    """Whether the control lines are played beside it."""

    def describe(self) -> RunSpec:
        """Returns the resolved description; nothing is written.

        Raises:
            UsageError: a player or a number is wrong.
            PromptError: the prompts cannot be read, or none is left.
            WeightsError: the weights of a player are missing.
        """
        chosen = self._prompts()
        # The registry by kind tells a describer among the drawers in words of its own.
        for ref in self.t2i:
            text2image(ref)
        for ref in self.i2t:
            image2text(ref)
        lines = grid(self.t2i, self.i2t)
        beside = controls(self.t2i, self.i2t, chosen, self.prompts) if self.controls else []
        return plan(lines, chosen, turns=self.turns, repeats=self.repeats, seed=self.seed, controls=beside)

    @property
    def stem(self) -> str:
        """How the names of its folders begin: a word for its prompts."""
        stem = Path(self.prompts.replace(":", "-")).stem.lower()
        return "".join(sign if sign.isalnum() else "-" for sign in stem).strip("-")[:40] or "run"

    def folder_name(self, description: RunSpec) -> str:
        """Returns a name such as `pocket-1a2b3c`: the same battle has the same one, and a longer one continues it."""
        return f"{self.stem}-{description.identity[:6]}"

    def _prompts(self) -> list[Prompt]:
        found = prompt_sets.get(self.prompts)
        chosen = [prompt for prompt in found if not self.levels or prompt.level in self.levels]
        if not chosen:
            raise PromptError(f"{self.prompts} has no prompt of the level {' or '.join(self.levels)}: choose another.")
        return chosen
