"""What every training recipe needs besides its stages: options, kept values, weights of other recipes."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import nn

from telephone.core.errors import StoreError
from telephone.core.images import content_hash
from telephone.models.pocket import weights
from telephone.nets.checkpoint import read_metadata, read_weights
from telephone.nets.layers import channels_last


class StagePlan(NamedTuple):
    """Default length of one stage of a recipe."""

    steps: int
    """Optimiser steps."""
    minutes: float
    """About how long they take on one core of a two-core x86 machine (AVX2, float32) that is shared with other work."""


@dataclass(frozen=True)
class Recipe:
    """Options that every recipe takes."""

    folder: Path
    """Where checkpoints, loss logs and samples go."""
    weights: Path
    """Where the finished weight file goes."""
    scale: float = 1.0
    """Factor on the default number of optimiser steps of every stage; each stage takes at least one step."""
    minutes: float | None = None
    """Time limit for the whole recipe, divided among the stages like their default minutes; None sets no limit."""
    device: str = "cpu"
    seed: int = 0
    threads: int | None = None
    """CPU threads; None leaves the number to PyTorch."""
    pictures: int = 50_000
    """Number of training images that are rendered ahead into memory (12 KiB each)."""
    finished: dict[str, int] = field(default_factory=dict)
    """Optimiser steps taken so far, by the name of the stage; filled in by the stages."""

    def start(self) -> torch.device:
        """Sets threads and seed, makes the folder and returns the device.

        Raises:
            StoreError: the folder holds checkpoints of an earlier version of this package.
        """
        if self.threads:
            torch.set_num_threads(self.threads)
        torch.manual_seed(self.seed)
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.folder.glob("*.safetensors")):
            _reject_old_checkpoint(path)
        return torch.device(self.device)

    def time_limit(self, stages: Mapping[str, StagePlan], name: str) -> float | None:
        """Returns the seconds that a stage may take, None without a limit."""
        if self.minutes is None:
            return None
        return 60 * self.minutes * stages[name].minutes / sum(plan.minutes for plan in stages.values())

    def about(self, model: str, *reads: str) -> dict[str, Any]:
        """Returns what the metadata of the finished weight file states about its training.

        Args:
            model: address of the model that uses the file, such as `pocket/blip`.
            reads: names of the weight files that the recipe builds on; the sha256 of each is noted.
        """
        about: dict[str, Any] = {"model": model, "seed": self.seed, "steps": dict(self.finished)}
        about["pictures"] = self.pictures
        if reads:
            about["reads"] = {name: content_hash(shipped_or_learned(self, name).read_bytes()) for name in reads}
        return about


def _reject_old_checkpoint(path: Path) -> None:
    try:
        with safe_open(path, "pt") as file:
            note = file.metadata() or {}
    except (OSError, SafetensorError):
        return  # the stage that reads the file reports it
    if "used" in note:
        raise StoreError(
            f"{path} is a checkpoint of an earlier version, whose recipes counted minutes and named some stages "
            "differently. Start the training over with --fresh (the old files are put aside)."
        )


def total_steps(stages: Mapping[str, StagePlan]) -> int:
    """Returns the default number of optimiser steps of a whole recipe."""
    return sum(plan.steps for plan in stages.values())


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file atomically: the bytes are on the disk before the name points to them.

    Raises:
        OSError: the file cannot be written, for example because the disk is full; an older file is left as it was.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _rename(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def keep(path: Path, make: Callable[[], Any]) -> Any:
    """Returns the value in a JSON file, computed on the first call, so that a resumed recipe finds it unchanged.

    Raises:
        StoreError: the file is damaged.
    """
    if not path.exists():
        replace_file(path, json.dumps(make()).encode())
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise StoreError(f"{path} is damaged ({error}): remove it, or start over with --fresh.") from error


def keep_array(path: Path, shape: tuple[int, ...], parts: Callable[[], Iterable[NDArray[Any]]]) -> NDArray[np.float16]:
    """Returns an array from a file, computed on the first call; it is read from disk as it is needed.

    Args:
        path: the `.npy` file.
        shape: of the whole array.
        parts: called if there is no such file; yields the array in pieces along its first axis.

    Raises:
        StoreError: the file is damaged.
    """
    if not path.exists():
        _write_array(path, shape, parts())
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        reason = "it is no array" if "pickle" in str(error) else str(error)
        raise StoreError(f"{path} is damaged ({reason}): remove it, it is then computed again.") from error
    if found.shape != shape or found.dtype != np.float16:
        raise StoreError(
            f"{path} holds {found.dtype} {list(found.shape)} in place of float16 {list(shape)}: remove it, it is then "
            "computed again."
        )
    return found


def _write_array(path: Path, shape: tuple[int, ...], parts: Iterable[NDArray[Any]]) -> None:
    """Writes piece by piece; in a file that is mapped into memory a full disk would kill the process (SIGBUS)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float16)), "fortran_order": False, "shape": shape}
    try:
        with part.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for piece in parts:
                file.write(np.ascontiguousarray(piece, dtype=np.float16).tobytes())
            file.flush()
            os.fsync(file.fileno())
        _rename(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _rename(part: Path, path: Path) -> None:
    """Renames a file and writes its folder to the disk, so that the new name survives a loss of power."""
    os.replace(part, path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def shipped_or_learned(recipe: Recipe, name: str) -> Path:
    """Returns the weight file of another recipe: the one trained into the same folder, or else the shipped one.

    Args:
        recipe: options of the recipe that needs the file.
        name: the file without its ending, such as `clip`.

    Raises:
        WeightsError: there is neither; the message names the recipe that comes first.
    """
    beside = recipe.weights.with_name(f"{name}.safetensors")
    return beside if beside.exists() else weights.find(name)[0]


def frozen(recipe: Recipe, name: str, build: Callable[[dict[str, Any]], nn.Module]) -> Any:
    """Returns a trained net of another recipe on the recipe's device, in evaluation mode and without gradients.

    Args:
        recipe: options of the recipe that needs the net.
        name: the weight file without its ending.
        build: makes the net from the config in the file's metadata.

    Raises:
        WeightsError: there are no such weights, or they are damaged.
    """
    path = shipped_or_learned(recipe, name)
    try:
        net = build(read_metadata(path)[0])
        read_weights([path], net)
    except Exception as error:  # noqa: BLE001 - a damaged file leads the libraries into errors of several types
        raise weights.damaged(path, error) from error
    return channels_last(net.eval().requires_grad_(requires_grad=False)).to(recipe.device)
