"""From a wish to a resolved description: who plays with whom, over which prompts, how often, and every game of it."""

import hashlib
import importlib.metadata
import platform
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from telephone.battle.control_lines import Control
from telephone.battle.rules import GameSpec, ModelPair, PlayerSlot, game_seed
from telephone.core.errors import PromptError, UsageError
from telephone.core.images import decode, encode_png
from telephone.core.records import Prompt
from telephone.models import Model, kind_of, name_of
from telephone.models import load_model as from_registry
from telephone.store import GameRow, ModelSpec, Run, RunSpec

Get = Callable[[str], Model]
"""Gives the player of an address, the same one every time."""

PACKAGES = ("ai-telephone", "torch", "transformers", "numpy", "pillow", "safetensors")
"""What decides the bits of a result, besides Python."""


class Roster:
    """Players by address: those of the registry, and objects of the caller's own."""

    def __init__(self) -> None:
        """Starts with the registry alone."""
        self._own: dict[str, Model] = {}

    def add(self, player: str | Model) -> str:
        """Returns the address of a player; an object of one's own gets one such as `own/my-painter`.

        Raises:
            UsageError: the object is no player.
            UnknownModel: nobody answers to the address.
        """
        if isinstance(player, str):
            known = self(player)
            return known.ref or player
        kind_of(player)
        ref = player.ref or f"own/{name_of(player)}"
        if self._own.setdefault(ref, player) is not player:
            raise UsageError(f"Two players are called {name_of(player)!r}: give one of them another name.")
        return ref

    def __call__(self, ref: str) -> Model:
        """Returns the player of an address."""
        return self._own[ref] if ref in self._own else from_registry(ref)


def grid(drawers: Iterable[str], describers: Iterable[str]) -> list[tuple[str, str]]:
    """Returns every pair of a drawing and a describing player."""
    seconds = list(describers)
    return [(t2i, i2t) for t2i in drawers for i2t in seconds]


def plan(
    lines: Sequence[tuple[str, str]],
    prompts: Iterable[Prompt],
    *,
    turns: int = 10,
    repeats: int = 1,
    seed: int = 0,
    players: Get = from_registry,
    controls: Sequence[Control] = (),
) -> RunSpec:
    """Returns the resolved description of a run: every player is asked what it is.

    Args:
        lines: pairs of addresses, the drawing player first; `grid` makes all pairs.
        prompts: what the games start with.
        turns: how many times there and back, 1 or more.
        repeats: games with seeds of their own for each line and prompt, 1 or more.
        seed: the run's seed; all others come from it.
        players: gives the player of an address.
        controls: lines that are played beside the battle, as `controls` gives them.

    Raises:
        UsageError: there is nothing to play, or a player sits in the wrong seat.
        PromptError: a prompt is empty, twice there, or holds no picture that can be decoded.
    """
    if turns < 1 or repeats < 1:
        raise UsageError(f"{turns} turns and {repeats} repeats cannot be played: ask for 1 or more of each.")
    lines = [*lines, *((t2i, i2t) for t2i, i2t, _ in controls)]
    seated = _seated(lines, players)
    chosen = tuple(_checked(prompt) for prompt in prompts)
    _refuse_twins(chosen)
    return RunSpec(
        models=tuple(_distinct(seated)),
        lines=tuple(lines),
        prompts=chosen,
        turns=turns,
        repeats=repeats,
        seed=seed,
        versions=versions(),
        commit=commit(),
        controls=tuple(controls),
    )


def games(description: RunSpec) -> list[GameRow]:
    """Returns every game of a run: by repeat, then by prompt, then by line."""
    prompts = {prompt.id: prompt for prompt in description.prompts}
    names: set[str] = set()
    rows = []
    # Repeats come first, so that a run with more of them begins with the same games under the same names.
    for repeat in range(description.repeats):
        for prompt in description.prompts:
            for t2i, i2t in description.lines:
                row = GameRow("", "", t2i, i2t, prompt.id, game_seed(description.seed, prompt.id, repeat), repeat)
                key = game_of(description, row, prompts[prompt.id]).key
                rows.append(replace(row, key=key, conversation=_conversation(description, row, prompt, names)))
    return rows


def game_of(description: RunSpec, row: GameRow, prompt: Prompt) -> GameSpec:
    """Returns what the rules need to know of a game."""
    t2i, i2t = description.model(row.t2i), description.model(row.i2t)
    line = ModelPair(PlayerSlot(t2i.ref, t2i.fingerprint, t2i.seeds), PlayerSlot(i2t.ref, i2t.fingerprint, i2t.seeds))
    return GameSpec(line, prompt, row.seed, row.repeat)


def begin(folder: str | Path, description: RunSpec) -> Run:
    """Returns the run in a folder, made with its description and games if it is not there yet.

    A description that holds everything of the run that is there, and more, adds what is new: other players, lines,
    prompts, turns or repeats. Games that are there are left as they are, so nothing is called, or paid, twice.

    Raises:
        UsageError: the folder holds another run, or files that are no run.
        StoreError: the folder cannot be written, or what is there cannot be read.
    """
    return Run.create(folder, description, games)


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that decide results; nothing is imported."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Returns the git commit of this package, `-dirty` if files differ from it, or nothing outside of a checkout."""
    root = Path(__file__).resolve().parents[3]
    # An installed package may lie inside somebody else's checkout, whose commit says nothing about this code.
    if not (root / ".git").exists() or not (root / "src" / "telephone").is_dir():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _seated(lines: Sequence[tuple[str, str]], players: Get) -> list[ModelSpec]:
    if not lines:
        raise UsageError("There is nobody to play: give at least one drawing and one describing player.")
    twins = [line for line, count in Counter(lines).items() if count > 1]
    if twins:
        raise UsageError(f"The line {twins[0][0]} with {twins[0][1]} is there twice: name each player once.")
    rows = [_row(ref, "text2image", players) for ref in dict.fromkeys(t2i for t2i, _ in lines)]
    return rows + [_row(ref, "image2text", players) for ref in dict.fromkeys(i2t for _, i2t in lines)]


def _row(ref: str, kind: str, players: Get) -> ModelSpec:
    player = players(ref)
    actual = kind_of(player)
    if actual != kind or actual == "embedder":
        raise UsageError(f"{ref} cannot sit there: a line is a player that draws, then one that describes.")
    traits = player.traits()
    return ModelSpec(
        ref=ref,
        kind=actual,
        name=name_of(player),
        fingerprint=traits.fingerprint,
        seeds=traits.seeds,
        device=traits.device,
        batch_size=traits.batch_size,
        concurrency=traits.concurrency,
        max_tokens=traits.max_tokens,
        price=traits.price,
        service=traits.service,
        per_minute=traits.per_minute,
    )


def _distinct(rows: list[ModelSpec]) -> list[ModelSpec]:
    """Two players of one name (one model with two options, for example) go by their addresses."""
    count = Counter(row.name for row in rows)
    return [row if count[row.name] == 1 else replace(row, name=row.ref) for row in rows]


def _checked(prompt: Prompt) -> Prompt:
    if prompt.image is not None:
        # Encoded anew, a picture holds pixels and nothing else that a player could read.
        return replace(prompt, image=encode_png(decode(prompt.image)))
    if not prompt.text.strip():
        raise PromptError(f"The prompt {prompt.id!r} is empty: give it a text or a picture.")
    try:
        prompt.text.encode()
    except UnicodeEncodeError as error:
        raise PromptError(f"The prompt {prompt.id!r} is not valid Unicode ({error}): write it anew.") from error
    return prompt


def _refuse_twins(prompts: tuple[Prompt, ...]) -> None:
    if not prompts:
        raise PromptError("There is no prompt to start with: give at least one.")
    twins = [prompt_id for prompt_id, count in Counter(prompt.id for prompt in prompts).items() if count > 1]
    if twins:
        raise PromptError(f"The prompt {twins[0]!r} is there more than once: keep one of them, or name them apart.")


def _conversation(description: RunSpec, row: GameRow, prompt: Prompt, taken: set[str]) -> str:
    """The original's name (six digits of the md5 of line and prompt), with more digits where six are taken."""
    line = f"{description.model(row.t2i).name}_{description.model(row.i2t).name}"
    which = f"#{row.repeat}" if row.repeat else ""
    full = hashlib.md5(f"{line}{prompt.text}{which}".encode(), usedforsecurity=False).hexdigest()
    full += hashlib.sha256(f"{row.prompt_id}{row.seed}{row.t2i}{row.i2t}".encode()).hexdigest()
    name = next(full[:length] for length in range(6, len(full)) if full[:length] not in taken)
    taken.add(name)
    return name
