"""The training loop of one stage of a recipe: steps, learning rate, random numbers, loss log and checkpoints."""

import contextlib
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from telephone.core.errors import StoreError
from telephone.core.seeds import derive
from telephone.nets.checkpoint import Ema
from telephone.train.common.recipe import Recipe, StagePlan, replace_file

Example = TypeVar("Example")

POOL = 8
"""Batches that `length_sorted` draws at once."""


@contextlib.contextmanager
def _stop_requested() -> Iterator[threading.Event]:
    """Turns the first Ctrl-C or SIGTERM into an event, so that no step is cut in half; a second one acts as usual."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def request(number: int, frame: FrameType | None) -> None:
        event.set()
        restore()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        restore()


class Stage:
    """One stage of a recipe.

    Iterating yields the numbers of the remaining optimiser steps. The stage saves its checkpoint every two minutes, at
    the end, and on Ctrl-C or SIGTERM, and resumes from it.

    All random numbers of a step depend on seed, stage and step alone, so the same steps and seed give the same weights
    whether or not the stage was interrupted. The learning rate warms up over 200 steps and falls over the last two
    fifths of the stage. A time limit may end a stage early; it then also brings the fall of the learning rate forward.
    """

    SAVE_SECONDS = 120.0
    SHOW_SECONDS = 30.0
    LOG_EVERY = 20
    """Steps from one row of the loss log to the next."""

    def __init__(
        self, recipe: Recipe, stages: Mapping[str, StagePlan], name: str, module: nn.Module, rate: float
    ) -> None:
        """Resumes from the checkpoint of the stage if there is one.

        Args:
            recipe: options.
            stages: plans of all stages of the recipe.
            name: of this stage; names its files, too.
            module: what is trained; parameters without `requires_grad` are left alone.
            rate: largest learning rate of AdamW.

        Raises:
            StoreError: the checkpoint is damaged or belongs to another seed.
        """
        self.recipe, self.name, self.module, self.rate = recipe, name, module, rate
        self.steps = max(1, round(stages[name].steps * recipe.scale))
        self.limit = recipe.time_limit(stages, name)
        self.path = recipe.folder / f"{name}.safetensors"
        self.log = recipe.folder / f"{name}.jsonl"
        trained = [p for p in module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.ema = Ema(module)
        self.step, self.seconds, self.mean = 0, 0.0, math.nan
        self._timed = 0, 0.0
        if self.path.exists():
            self._load()
        self._cut_log()

    @property
    def done(self) -> bool:
        """Whether all steps are taken or the time limit is reached."""
        return self.step >= self.steps or (self.limit is not None and self.seconds >= self.limit)

    @property
    def progress(self) -> float:
        """Share of the stage that is over, in [0, 1]: of the steps or of the time limit, whichever is larger."""
        share = self.step / self.steps
        return min(1.0, share if self.limit is None else max(share, self.seconds / self.limit))

    def seed(self, *key: object) -> int:
        """Returns a seed of this stage in [0, 2**32): the same for the same key, whatever the clock shows."""
        return derive("training", self.recipe.seed, self.name, *key)

    @property
    def rng(self) -> np.random.Generator:
        """A fresh NumPy generator of the present step."""
        return np.random.default_rng(self.seed("numpy", self.step))

    @property
    def generator(self) -> torch.Generator:
        """A fresh PyTorch generator (on the CPU) of the present step."""
        return torch.Generator().manual_seed(self.seed("torch", self.step))

    def __iter__(self) -> Iterator[int]:
        """Yields the remaining step numbers; saves now and then, at the end, and when a stop is requested."""
        if self.done:
            return
        with _stop_requested() as stop:
            yield from self._loop(stop)
        self.save()
        if stop.is_set():
            raise KeyboardInterrupt

    def _loop(self, stop: threading.Event) -> Iterator[int]:
        last = saved = shown = time.monotonic()
        self._timed = self.step, self.seconds
        while not self.done and not stop.is_set():
            torch.manual_seed(self.seed("global", self.step))
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate * min(1, (self.step + 1) / 200) * self._anneal()
            yield self.step
            self.step += 1
            now = time.monotonic()
            self.seconds += now - last
            last = now
            if now - shown > self.SHOW_SECONDS:
                shown = now
                print(self._status(), flush=True)
            if now - saved > self.SAVE_SECONDS:
                saved = now
                self.save()

    def _anneal(self) -> float:
        return 0.03 + 0.97 * min(1.0, (1 - self.progress) / 0.4)

    def update(self, loss: Tensor, **parts: float) -> None:
        """Takes one optimiser step on a loss and logs it, with the named parts of the loss, every `LOG_EVERY` steps."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([p for g in self.optimizer.param_groups for p in g["params"]], 1.0)
        self.optimizer.step()
        self.ema.update(self.module)
        value = float(loss.detach())
        self.mean = value if math.isnan(self.mean) else 0.98 * self.mean + 0.02 * value
        if self.step % self.LOG_EVERY == 0:
            seconds = round(self.seconds, 1)
            row = {"step": self.step, "steps": self.steps, "seed": self.recipe.seed, "seconds": seconds}
            with self.log.open("a") as file:
                file.write(json.dumps(row | {"loss": value, "mean": self.mean, **parts}) + "\n")

    def _status(self) -> str:
        left = self.minutes_left()
        return f"{self.name}: step {self.step} of {self.steps}, loss {self.mean:.4f}, about {left:.0f} min left"

    def minutes_left(self) -> float:
        """Returns the minutes that the stage still takes at the speed since it was started or resumed."""
        steps, seconds = self.step - self._timed[0], self.seconds - self._timed[1]
        left = (self.steps - self.step) * seconds / max(1, steps)
        return max(0.0, left if self.limit is None else min(left, self.limit - self.seconds)) / 60

    def save(self) -> None:
        """Writes weights, their moving average and the state of the optimiser, atomically.

        Raises:
            StoreError: the file cannot be written; the previous checkpoint is kept.
        """
        tensors = {f"model.{k}": v.detach() for k, v in self.module.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.weights.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        note = {"step": self.step, "steps": self.steps, "seed": self.recipe.seed, "seconds": self.seconds}
        note |= {"mean": self.mean, "ema": self.ema.steps}
        content = save({k: v.contiguous().clone() for k, v in tensors.items()}, {k: str(v) for k, v in note.items()})
        try:
            replace_file(self.path, content)
        except OSError as error:
            raise StoreError(
                f"The checkpoint {self.path} cannot be written at step {self.step} ({error.strerror}): free some space "
                "or choose another folder with --out. The previous checkpoint, if any, is unchanged."
            ) from error

    def _load(self) -> None:
        try:
            tensors = load_file(self.path)
            with safe_open(self.path, "pt") as file:
                note = file.metadata()
            step, seed, ema = (int(note[name]) for name in ("step", "seed", "ema"))
            seconds, mean = float(note["seconds"]), float(note["mean"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"The checkpoint {self.path} is damaged ({error}): remove it to train this stage again, or start over "
                "with --fresh."
            ) from error
        if seed != self.recipe.seed:
            raise StoreError(
                f"The checkpoint {self.path} belongs to a training with --seed {seed}, not {self.recipe.seed}: use "
                "that seed, another --out, or --fresh."
            )
        try:
            self._restore(tensors)
        except (RuntimeError, KeyError, ValueError, IndexError) as error:
            reason = " ".join(str(error).split())[:160].rstrip(".")
            raise StoreError(
                f"The checkpoint {self.path} does not fit this stage ({reason}): it comes from other options or "
                "another version; use them, or start over with --fresh."
            ) from error
        self.step, self.seconds, self.mean, self.ema.steps = step, seconds, mean, ema
        print(f"{self.name}: resumes at step {self.step} of {self.steps}", flush=True)

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        self.module.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        self.ema.weights = {k[4:]: v for k, v in tensors.items() if k.startswith("ema.")}
        state = self.optimizer.state_dict()
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                state["state"].setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict(state)

    def _cut_log(self) -> None:
        """Removes rows of steps after the checkpoint: a killed training takes these steps again."""
        if not self.log.exists():
            return
        lines = self.log.read_text().splitlines(keepends=True)
        kept = [line for line in lines if (step := _step_of(line)) is not None and step < self.step]
        if len(kept) < len(lines):
            replace_file(self.log, "".join(kept).encode())

    def finish(self) -> nn.Module:
        """Puts the averaged weights into the module and returns it in evaluation mode."""
        self.module.load_state_dict(self.ema.weights)
        self.recipe.finished[self.name] = self.step
        torch.manual_seed(self.seed("finished"))  # what comes next is the same, however the stage came to its end
        return self.module.eval()


def _step_of(line: str) -> int | None:
    """Returns the step of a row of a loss log, None for a row that was cut off."""
    try:
        return int(json.loads(line)["step"]) if line.endswith("\n") else None
    except (ValueError, KeyError, TypeError):
        return None


def length_sorted(
    stage: Stage,
    draw: Callable[[np.random.Generator, int], Sequence[Example]],
    length: Callable[[Example], int],
    size: int,
    pool: int = POOL,
) -> Iterator[list[Example]]:
    """Yields a batch of examples of similar length for the present step of a stage; this saves padding.

    Several batches are drawn at once, sorted by length and used in random order. Batch and order depend on seed, stage
    and step alone.

    Args:
        stage: counts the steps.
        draw: makes so many examples with the given generator.
        length: of an example, such as its number of tokens.
        size: examples a batch.
        pool: batches that are drawn at once.
    """
    drawn = None
    while True:
        number, index = divmod(stage.step, pool)
        if number != drawn:
            rng = np.random.default_rng(stage.seed("pool", number))
            examples = sorted(draw(rng, pool * size), key=length)
            order, drawn = rng.permutation(pool), number
        start = int(order[index]) * size
        yield examples[start : start + size]
