"""`telephone learn`: trains the weights of a pocket model by its recipe."""

import difflib
import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

from telephone.cli.command_group import STOPPED
from telephone.cli.options import Seed
from telephone.cli.output import echo, note
from telephone.core.errors import StoreError, UsageError
from telephone.core.file_names import shell_word

NAME = "learn"


def command(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="The model to train.", show_default=False)],
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Optimiser steps of all stages together; default: the recipe's number."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.001, help="Time limit; may end the training before all steps.")
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
        bool, typer.Option("--fresh/--resume", help="Start over (an earlier training is moved aside), or resume.")
    ] = False,
) -> None:
    """Train a pocket model: writes its weights, and resumes an earlier training that was stopped."""
    module = _recipe(recipe)
    folder = _prepare(out, recipe, fresh)
    from telephone.core import settings
    from telephone.train.common.recipe import Recipe, total_steps

    total = total_steps(module.STAGES)
    wanted = total if steps is None else steps
    task = Recipe(
        folder=folder,
        weights=out / f"{recipe}.safetensors",
        scale=wanted / total,
        minutes=minutes,
        device=_device(device),
        seed=seed,
        threads=settings.load().threads,
        pictures=pictures,
    )
    usual = sum(plan.minutes for plan in module.STAGES.values()) * task.scale
    limit = "" if minutes is None else f", at most {minutes:g} minutes"
    note(
        f"Training {recipe} for {wanted} steps on {device} (about {usual:.0f} minutes on one CPU core{limit}); "
        f"checkpoints and losses go to {folder}."
    )
    try:
        path = module.main(task)
    except KeyboardInterrupt as error:
        options: dict[str, object] = {"--steps": steps, "--minutes": minutes, "--pictures": pictures, "--seed": seed}
        options |= {"--out": out, "--device": None if device == "cpu" else device}
        given = " ".join(f"{name} {shell_word(str(value))}" for name, value in options.items() if value is not None)
        note(f"Stopped. Resume with: telephone learn {recipe} {given}")
        raise typer.Exit(STOPPED) from error
    except OSError as error:
        raise StoreError(
            f"{error.filename or folder} cannot be used ({error.strerror}): free some space, or choose another folder "
            "with --out. The same command resumes the training."
        ) from error
    echo(f"{path}")
    echo(f"Use it with TELEPHONE_WEIGHTS={shell_word(out)}")


def _recipe(name: str) -> Any:
    from telephone.train import RECIPES

    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=2, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"There is no recipe {name!r}.{hint} Use one of {', '.join(sorted(RECIPES))}.")
    return importlib.import_module(RECIPES[name])


def _prepare(out: Path, recipe: str, fresh: bool) -> Path:
    folder = out / recipe
    try:
        if fresh and folder.exists():
            from telephone.pipeline.paths import free_path

            aside = free_path(out / f"{recipe}.old")
            folder.rename(aside)
            note(f"The earlier training was moved to {aside}.")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made ({error.strerror}): choose another folder with --out.") from error
    return folder


def _device(name: str) -> str:
    import torch

    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"The device {name!r} cannot be used ({reason}): use cpu, or one that PyTorch has.") from error
    return name
