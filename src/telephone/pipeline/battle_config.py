"""The configuration of a battle: it resolves to a run specification, and to the folder of its run."""

from dataclasses import dataclass, replace
from pathlib import Path

from telephone import prompts as prompt_sets
from telephone.battle import check_noise, controls, grid, plan
from telephone.core import settings
from telephone.core.errors import PromptError, TelephoneError, UsageError
from telephone.core.records import Level, Noise, Prompt
from telephone.models import image2text, text2image
from telephone.models.rosters import load_roster
from telephone.store import Run, RunSpec, another

DEFAULT_ROSTER = "pocket"
"""The roster that plays if no model is named."""
_MOST = 50
"""Runs that are read at most to find one that was paid, the newest first."""


@dataclass(frozen=True)
class BattleConfig:
    """All pairs of some text-to-image and some image-to-text models over a set of prompts.

    Without arguments it is the pocket battle: all models of the roster `pocket`, its ten prompts, ten turns.
    """

    t2i: tuple[str, ...] | None = None
    """Addresses of text-to-image models; None takes those of the roster `pocket`, or none beside a named roster."""
    i2t: tuple[str, ...] | None = None
    """Addresses of image-to-text models; None as for `t2i`."""
    roster: str | None = None
    """Name or file of a roster whose models play as well."""
    stand_ins: bool = False
    """Whether models of the roster that can no longer be called are replaced by their stand-ins."""
    prompts: str | tuple[str, ...] = "pocket"
    """The name of a prompt set, or the path of a file; several are joined, such as `("pocket", "pocket-images")`."""
    levels: tuple[Level, ...] = ()
    """Levels to play; none means all."""
    turns: int = 10
    """Turns of each game, 1 or more; a turn is an image and its description."""
    repeats: int = 1
    """Games of each pair and prompt, with different seeds."""
    seed: int = 0
    """In [0, 2**32); all other seeds are derived from it."""
    controls: bool = False
    """Whether the control lines are played as well."""
    noise: Noise = "fresh"
    """`fresh`: every turn of a game has a seed of its own, so that a game rests only where its texts are stable.
    `fixed`: all turns have one, so that a text which returns stays by construction and needs no further call."""

    def __post_init__(self) -> None:
        """Takes one address or level that is given as a plain string as a tuple of one.

        Raises:
            UsageError: the noise is unknown.
        """
        check_noise(self.noise)
        for name in ("t2i", "i2t", "levels"):
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, (value,))

    def models(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Returns the addresses of the text-to-image and of the image-to-text models.

        Raises:
            UsageError: the roster does not exist, or one of its models can no longer be called.
        """
        if self.roster is None:
            default = load_roster(DEFAULT_ROSTER)
            t2i = default.refs("text2image") if self.t2i is None else tuple(self.t2i)
            i2t = default.refs("image2text") if self.i2t is None else tuple(self.i2t)
            return t2i, i2t
        chosen = load_roster(self.roster)
        t2i = (*chosen.refs("text2image", self.stand_ins), *(self.t2i or ()))
        i2t = (*chosen.refs("image2text", self.stand_ins), *(self.i2t or ()))
        return tuple(dict.fromkeys(t2i)), tuple(dict.fromkeys(i2t))

    def spec(self) -> RunSpec:
        """Returns the resolved run specification; nothing is written.

        Raises:
            UsageError: a model, the roster or a number is wrong.
            PromptError: the prompts cannot be read, or none is left.
            WeightsError: the weights of a model are missing.
        """
        t2i, i2t = self.models()
        chosen = self._prompts()
        # The registry by kind has a clear message for a model on the wrong side.
        for ref in t2i:
            text2image(ref)
        for ref in i2t:
            image2text(ref)
        lines = grid(t2i, i2t)
        beside = controls(t2i, i2t, chosen, self.prompt_names[0]) if self.controls else []
        made = plan(lines, chosen, turns=self.turns, repeats=self.repeats, seed=self.seed, controls=beside)
        return replace(made, noise=self.noise)

    @property
    def prompt_names(self) -> tuple[str, ...]:
        """The names of the prompt sets and the paths of the files, one or more."""
        names = (self.prompts,) if isinstance(self.prompts, str) else tuple(self.prompts)
        if not names:
            raise UsageError("No prompts are named: give the name of a set, or the path of a file.")
        return names

    @property
    def stem(self) -> str:
        """How the names of its run folders start, derived from the name of its prompts."""
        stem = "-".join(Path(name.replace(":", "-")).stem.lower() for name in self.prompt_names)
        return "".join(sign if sign.isalnum() else "-" for sign in stem).strip("-")[:40] or "run"

    def _prompts(self) -> list[Prompt]:
        found = prompt_sets.get_joined(self.prompt_names)
        chosen = [prompt for prompt in found if not self.levels or prompt.level in self.levels]
        if not chosen:
            names = " and ".join(self.prompt_names)
            raise PromptError(f"{names} has no prompt of the level {' or '.join(self.levels)}: choose another.")
        return chosen


def existing_run(folder: Path, spec: RunSpec) -> Run | None:
    """Returns the run in a folder that a specification continues, None if the folder holds no run.

    Raises:
        UsageError: the folder holds another run.
        StoreError: the run in the folder cannot be read.
    """
    if not Run.exists(folder):  # nor does a folder whose creation was killed: it is created again
        return None
    run = Run.open(folder)
    if lacks := spec.lacks(run.spec):
        run.close()
        raise UsageError(another(folder, lacks, run.spec, spec))
    return run


def default_folder(stem: str, spec: RunSpec) -> Path:
    """Returns the folder of a battle for which none is named: `runs/STEM-HASH`, or that of a paid run it extends."""
    runs = settings.load().runs_dir
    usual = runs / f"{stem}-{spec.identity[:6]}"
    if usual.exists() or all(row.price == 0 for row in spec.models):
        return usual
    return paid_run(runs, stem, spec) or usual


def paid_run(runs: Path, stem: str, spec: RunSpec) -> Path | None:
    """Returns the folder of a run that cost money and that a specification only extends, so that no call is paid twice.

    Args:
        runs: the folder of runs.
        stem: how the names of their folders start.
        spec: what is to be played.
    """
    found = sorted(runs.glob(f"{stem}-*/run.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[:_MOST]:
        try:
            with Run.open(path.parent) as run:
                extends = spec.covers(run.spec)
                paid = any(row.price != 0 for row in run.spec.models)
                if extends and paid and any(row.known or row.unknown for row in run.spending().values()):
                    return path.parent
        except TelephoneError:
            continue  # a run that cannot be read cannot be continued; opening it reports the error
    return None
