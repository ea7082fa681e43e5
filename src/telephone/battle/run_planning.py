"""Makes the specification of a run: models, pairs, prompts, seeds and every game."""

import hashlib
import importlib.metadata
import platform
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from telephone.battle.control_lines import Control
from telephone.battle.rules import GameSpec, ModelPair, PlayerSlot, game_seed
from telephone.core.errors import PromptError, UsageError
from telephone.core.images import decode, encode_png
from telephone.core.records import Prompt
from telephone.models import Model, kind_of, name_of
from telephone.models import load_model as from_registry
from telephone.store import GameRow, ModelSpec, Run, RunSpec

Get = Callable[[str], Model]
"""Returns the model of an address, the same object every time."""

PACKAGES = ("ai-telephone", "torch", "transformers", "numpy", "pillow", "safetensors")
"""Packages whose version may change results."""


class Roster:
    """Models by address: those of the registry, and custom model objects."""

    def __init__(self) -> None:
        """Starts with the registry alone."""
        self._own: dict[str, Model] = {}

    def add(self, model: str | Model) -> str:
        """Returns the address of a model; a custom object gets one such as `own/my-model`.

        Raises:
            UsageError: the object is not a model, or another one has its name.
            UnknownModel: no provider has this address.
        """
        if isinstance(model, str):
            known = self(model)
            return known.ref or model
        kind_of(model)
        ref = model.ref or f"own/{name_of(model)}"
        if self._own.setdefault(ref, model) is not model:
            raise UsageError(f"Two models are called {name_of(model)!r}: give one of them another name.")
        return ref

    def __call__(self, ref: str) -> Model:
        """Returns the model of an address."""
        return self._own[ref] if ref in self._own else from_registry(ref)


def grid(drawers: Iterable[str], describers: Iterable[str]) -> list[tuple[str, str]]:
    """Returns every pair of a text-to-image and an image-to-text model."""
    seconds = list(describers)
    return [(t2i, i2t) for t2i in drawers for i2t in seconds]


def plan(
    lines: Sequence[tuple[str, str]],
    prompts: Iterable[Prompt],
    *,
    turns: int = 10,
    repeats: int = 1,
    seed: int = 0,
    models: Get = from_registry,
    controls: Sequence[Control] = (),
) -> RunSpec:
    """Returns the specification of a run with fresh noise, with the traits of every model.

    `dataclasses.replace(plan(...), noise="fixed")` gives all turns of a game the same seeds instead.

    Args:
        lines: pairs of addresses, the text-to-image model first; `grid` makes all pairs.
        prompts: what the games start with.
        turns: of each game, 1 or more; a turn is a text-to-image and an image-to-text call.
        repeats: games with different seeds for each pair and prompt, 1 or more.
        seed: of the run; all other seeds are derived from it.
        models: returns the model of an address.
        controls: pairs that are played as baselines, as `controls` returns them.

    Raises:
        UsageError: there is no pair, a pair is there twice, or a model is of the wrong kind.
        PromptError: there is no prompt, or a prompt is empty, there twice, or not a valid image.
    """
    if turns < 1 or repeats < 1:
        raise UsageError(f"{turns} turns and {repeats} repeats cannot be played: give 1 or more of each.")
    lines = [*lines, *((t2i, i2t) for t2i, i2t, _ in controls)]
    rows = _model_rows(lines, models)
    chosen = tuple(_checked(prompt) for prompt in prompts)
    _refuse_duplicates(chosen)
    return RunSpec(
        models=tuple(_distinct(rows)),
        lines=tuple(lines),
        prompts=chosen,
        turns=turns,
        repeats=repeats,
        seed=seed,
        versions=versions(),
        commit=commit(),
        controls=tuple(controls),
    )


def games(spec: RunSpec) -> list[GameRow]:
    """Returns every game of a run: by repeat, then by prompt, then by pair of models."""
    prompts = {prompt.id: prompt for prompt in spec.prompts}
    names: set[str] = set()
    rows = []
    # Repeats come first, so that a run with more of them begins with the same games under the same names.
    for repeat in range(spec.repeats):
        for prompt in spec.prompts:
            for t2i, i2t in spec.lines:
                row = GameRow("", "", t2i, i2t, prompt.id, game_seed(spec.seed, prompt.id, repeat), repeat)
                key = game_of(spec, row, prompts[prompt.id]).key
                rows.append(replace(row, key=key, conversation=_conversation(spec, row, prompt, names)))
    return rows


def game_of(spec: RunSpec, row: GameRow, prompt: Prompt) -> GameSpec:
    """Returns a game as the rules need to know it."""
    t2i, i2t = spec.model(row.t2i), spec.model(row.i2t)
    return GameSpec(ModelPair(_slot(t2i), _slot(i2t)), prompt, row.seed, row.repeat, spec.noise)


def _slot(row: ModelSpec) -> PlayerSlot:
    return PlayerSlot(row.ref, row.fingerprint, row.seeds, row.deterministic)


def begin(folder: str | Path, spec: RunSpec) -> Run:
    """Returns the run in a folder; creates it if it is not there yet.

    A specification that contains the one in the folder and more adds the new models, pairs, prompts, turns or
    repeats. Games that are there stay as they are, so nothing is called, or paid, twice.

    Raises:
        UsageError: the folder holds another run, or files that are no run.
        StoreError: the folder cannot be written, or what is there cannot be read.
    """
    return Run.create(folder, spec, games)


def versions() -> dict[str, str]:
    """Returns the versions of Python and of `PACKAGES` by name; nothing is imported."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Returns the git commit of this package, with `-dirty` if files differ from it; empty outside of a checkout."""
    root = Path(__file__).resolve().parents[3]
    # An installed package may lie inside the checkout of another project, whose commit is not that of this code.
    if not (root / ".git").exists() or not (root / "src" / "telephone").is_dir():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def model_spec(ref: str, kind: Literal["text2image", "image2text", "image_editor"], model: Model) -> ModelSpec:
    """Returns the row of a model in the specification of a run.

    Args:
        ref: its address.
        kind: what it is called as.
        model: the model itself, of which the traits are read.
    """
    traits = model.traits()
    return ModelSpec(
        ref=ref,
        kind=kind,
        name=name_of(model),
        fingerprint=traits.fingerprint,
        seeds=traits.seeds,
        deterministic=traits.deterministic,
        device=traits.device,
        batch_size=traits.batch_size,
        concurrency=traits.concurrency,
        max_tokens=traits.max_tokens,
        price=traits.price,
        service=traits.service,
        per_minute=traits.per_minute,
    )


def _model_rows(lines: Sequence[tuple[str, str]], models: Get) -> list[ModelSpec]:
    if not lines:
        raise UsageError("There is no model to play: give at least one text-to-image and one image-to-text model.")
    duplicates = [line for line, count in Counter(lines).items() if count > 1]
    if duplicates:
        t2i, i2t = duplicates[0]
        raise UsageError(f"The pair {t2i} and {i2t} is there twice: name each model once.")
    rows = [_row(ref, "text2image", models) for ref in dict.fromkeys(t2i for t2i, _ in lines)]
    return rows + [_row(ref, "image2text", models) for ref in dict.fromkeys(i2t for _, i2t in lines)]


def _row(ref: str, kind: str, models: Get) -> ModelSpec:
    model = models(ref)
    actual = kind_of(model)
    if actual != kind or actual == "embedder":
        wanted = {"text2image": "a text-to-image model", "image2text": "an image-to-text model"}[kind]
        raise UsageError(f"{ref} is not {wanted}: a pair is a text-to-image model, then an image-to-text model.")
    return model_spec(ref, actual, model)


def _distinct(rows: list[ModelSpec]) -> list[ModelSpec]:
    """Models of equal names (one model with different options, for example) are named by their addresses."""
    count = Counter(row.name for row in rows)
    return [row if count[row.name] == 1 else replace(row, name=row.ref) for row in rows]


def _checked(prompt: Prompt) -> Prompt:
    if prompt.image is not None:
        # Encoded again, an image has pixels and no metadata that a model could read.
        return replace(prompt, image=encode_png(decode(prompt.image)))
    if not prompt.text.strip():
        raise PromptError(f"The prompt {prompt.id!r} is empty: give it a text or an image.")
    try:
        prompt.text.encode()
    except UnicodeEncodeError as error:
        raise PromptError(f"The prompt {prompt.id!r} is not valid Unicode ({error}): correct its text.") from error
    return prompt


def _refuse_duplicates(prompts: tuple[Prompt, ...]) -> None:
    if not prompts:
        raise PromptError("There is no prompt: give at least one.")
    duplicates = [prompt_id for prompt_id, count in Counter(prompt.id for prompt in prompts).items() if count > 1]
    if duplicates:
        raise PromptError(f"The prompt {duplicates[0]!r} is there more than once: keep one, or give different ids.")


def _conversation(spec: RunSpec, row: GameRow, prompt: Prompt, taken: set[str]) -> str:
    """Returns the name of the original experiment (md5 of pair and prompt, six digits), longer if six are taken."""
    line = f"{spec.model(row.t2i).name}_{spec.model(row.i2t).name}"
    which = f"#{row.repeat}" if row.repeat else ""
    full = hashlib.md5(f"{line}{prompt.text}{which}".encode(), usedforsecurity=False).hexdigest()
    full += hashlib.sha256(f"{row.prompt_id}{row.seed}{row.t2i}{row.i2t}".encode()).hexdigest()
    name = next(full[:length] for length in range(6, len(full)) if full[:length] not in taken)
    taken.add(name)
    return name
