"""What every recipe needs: its options, a clock that survives a restart, checkpoints, a loss curve."""

import contextlib
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from telephone.models.pocket import weights
from telephone.nets.checkpoint import Ema, read_metadata, read_weights
from telephone.nets.layers import channels_last


@dataclass(frozen=True)
class Recipe:
    """Options that every recipe takes."""

    folder: Path
    """Where checkpoints, losses and samples go."""
    weights: Path
    """Where the finished weight file goes."""
    minutes: float
    """Time for the whole recipe; each stage takes its share."""
    device: str = "cpu"
    seed: int = 0
    threads: int | None = None
    """CPU threads; None leaves it to PyTorch."""
    pictures: int = 50_000
    """Training pictures that are rendered ahead into memory (12 KiB each)."""

    def start(self) -> torch.device:
        """Sets threads and seeds, makes the folder and returns the device."""
        if self.threads:
            torch.set_num_threads(self.threads)
        torch.manual_seed(self.seed)
        self.folder.mkdir(parents=True, exist_ok=True)
        return torch.device(self.device)


def keep(path: Path, make: Callable[[], Any]) -> Any:
    """Returns what a JSON file holds, made on the first call, so that a resumed recipe finds it unchanged."""
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_text(json.dumps(make()))
        os.replace(part, path)
    return json.loads(path.read_text())


def shipped_or_learned(recipe: Recipe, name: str) -> Path:
    """Returns the weight file of another recipe: the one learned beside this one, or else the shipped one.

    Args:
        recipe: the options of the recipe that asks.
        name: the file without its ending, such as `clip`.

    Raises:
        WeightsError: there is neither; says which recipe comes first.
    """
    beside = recipe.weights.with_name(f"{name}.safetensors")
    return beside if beside.exists() else weights.find(name)[0]


def frozen(recipe: Recipe, name: str, build: Callable[[dict[str, Any]], nn.Module]) -> Any:
    """Returns a net that another recipe has made, on the recipe's device, ready to be used and not to be changed.

    Args:
        recipe: the options of the recipe that asks.
        name: the weight file without its ending.
        build: makes the net from the config, as JSON has kept it.

    Raises:
        WeightsError: there are no such weights.
    """
    path = shipped_or_learned(recipe, name)
    net = build(read_metadata(path)[0])
    read_weights([path], net)
    return channels_last(net.eval().requires_grad_(requires_grad=False)).to(recipe.device)


@contextlib.contextmanager
def _stop_asked() -> Iterator[threading.Event]:
    """Turns the first Ctrl-C into an event, so that no step is cut in half; the second one works as ever."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def ask(number: int, frame: FrameType | None) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


class Stage:
    """One part of a recipe: counts time and steps, writes losses, keeps a checkpoint and resumes from it.

    A stage is done when its minutes are used up. The learning rate warms up at first and falls over the last two
    fifths of the time, so a stage always ends annealed, however fast the machine is.
    """

    SAVE_SECONDS = 120.0
    SHOW_SECONDS = 30.0

    def __init__(self, recipe: Recipe, name: str, minutes: float, module: nn.Module, rate: float) -> None:
        """Resumes from the stage's checkpoint if there is one."""
        self.name, self.seconds, self.rate, self.module = name, minutes * 60, rate, module
        self.path = recipe.folder / f"{name}.safetensors"
        self.log = recipe.folder / f"{name}.jsonl"
        trained = [p for p in module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.ema = Ema(module)
        self.step, self.used, self.mean = 0, 0.0, math.nan
        if self.path.exists():
            self._load()

    def __iter__(self) -> Iterator[int]:
        """Yields step numbers until the time is used up; saves now and then, at the end, and at Ctrl-C."""
        with _stop_asked() as stopped:
            yield from self._steps(stopped)
        self.save()
        if stopped.is_set():
            raise KeyboardInterrupt

    def _steps(self, stopped: threading.Event) -> Iterator[int]:
        last = saved = shown = time.monotonic()
        while self.used < self.seconds and not stopped.is_set():
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate * min(1, (self.step + 1) / 200) * self._anneal()
            yield self.step
            self.step += 1
            now = time.monotonic()
            self.used += now - last
            last = now
            if now - shown > self.SHOW_SECONDS:
                shown = now
                self._show()
            if now - saved > self.SAVE_SECONDS:
                saved = now
                self.save()

    def _anneal(self) -> float:
        left = max(0.0, 1 - self.used / self.seconds)
        return 0.03 + 0.97 * min(1.0, left / 0.4)

    def update(self, loss: Tensor, **parts: float) -> None:
        """Takes one step of the optimizer on a loss and notes it."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([p for g in self.optimizer.param_groups for p in g["params"]], 1.0)
        self.optimizer.step()
        self.ema.update(self.module)
        value = float(loss.detach())
        self.mean = value if math.isnan(self.mean) else 0.98 * self.mean + 0.02 * value
        if self.step % 20 == 0:
            row = {"step": self.step, "seconds": round(self.used, 1), "loss": value, "mean": self.mean, **parts}
            with self.log.open("a") as file:
                file.write(json.dumps(row) + "\n")

    def _show(self) -> None:
        left = max(0.0, self.seconds - self.used)
        print(f"{self.name}: step {self.step}, loss {self.mean:.4f}, {left / 60:.0f} min left", flush=True)

    def save(self) -> None:
        """Writes weights, their average and the optimizer's state, atomically."""
        tensors = {f"model.{k}": v.detach() for k, v in self.module.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.weights.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        note = {"step": str(self.step), "used": str(self.used), "mean": str(self.mean), "ema": str(self.ema.steps)}
        part = self.path.with_suffix(".part")
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, part, note)
        os.replace(part, self.path)

    def _load(self) -> None:
        from safetensors import safe_open

        tensors = load_file(self.path)
        with safe_open(self.path, "pt") as file:
            note = file.metadata()
        self.module.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        self.ema.weights = {k[4:]: v for k, v in tensors.items() if k.startswith("ema.")}
        state = self.optimizer.state_dict()
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                state["state"].setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict(state)
        self.step, self.used, self.mean = int(note["step"]), float(note["used"]), float(note["mean"])
        self.ema.steps = int(note["ema"])
        print(f"{self.name}: goes on at step {self.step}, {self.used / 60:.1f} min used", flush=True)

    def finish(self) -> nn.Module:
        """Puts the averaged weights into the module and returns it in evaluation mode."""
        self.module.load_state_dict(self.ema.weights)
        return self.module.eval()
