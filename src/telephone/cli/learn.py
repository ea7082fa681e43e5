"""`telephone learn`: makes the weights of a pocket player again, by its recipe."""

import difflib
import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

from telephone.cli.command_group import STOPPED
from telephone.cli.options import Seed
from telephone.cli.output import say, tell
from telephone.cli.parsing import free_path
from telephone.core.errors import StoreError, UsageError

NAME = "learn"


def command(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="The player to train.", show_default=False)],
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.001, help="Time to train; the recipe's own.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, mps.")] = "cpu",
    pictures: Annotated[
        int, typer.Option("--pictures", min=64, help="Training pictures drawn ahead, 12 KiB of memory each.")
    ] = 50_000,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where weights and checkpoints go.")] = Path(
        "learned"
    ),
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Start over (what is there is put aside), or go on.")
    ] = False,
) -> None:
    """Train a pocket player: writes its weights, and goes on where an earlier training stopped."""
    module = _recipe(recipe)
    folder = _prepare(out, recipe, fresh)
    from telephone.core import settings
    from telephone.train.common.recipe import Recipe

    task = Recipe(
        folder=folder,
        weights=out / f"{recipe}.safetensors",
        minutes=module.MINUTES if minutes is None else minutes,
        device=_device(device),
        seed=seed,
        threads=settings.load().threads,
        pictures=pictures,
    )
    tell(f"Training {recipe} for {task.minutes:g} minutes on {device}; checkpoints and losses go to {folder}.")
    try:
        path = module.main(task)
    except KeyboardInterrupt as error:
        again = f"telephone learn {recipe} --minutes {task.minutes:g} --pictures {pictures} --seed {seed} --out {out}"
        where = "" if device == "cpu" else f" --device {device}"
        tell(f"Stopped. Go on with: {again}{where}")
        raise typer.Exit(STOPPED) from error
    say(f"{path}")
    say(f"Use it with TELEPHONE_WEIGHTS={out}")


def _recipe(name: str) -> Any:
    from telephone.train import RECIPES

    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=2, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"There is no recipe {name!r}.{hint} Take one of {', '.join(sorted(RECIPES))}.")
    return importlib.import_module(RECIPES[name])


def _prepare(out: Path, recipe: str, fresh: bool) -> Path:
    folder = out / recipe
    try:
        if fresh and folder.exists():
            aside = free_path(out / f"{recipe}.old")
            folder.rename(aside)
            tell(f"The earlier training is kept in {aside}.")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made ({error.strerror}): choose another folder with --out.") from error
    return folder


def _device(name: str) -> str:
    import torch

    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0]
        raise UsageError(f"The device {name!r} cannot be used ({said}): take cpu, or one that PyTorch has.") from error
    return name
