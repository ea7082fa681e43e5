"""Forecast of a run before its first call: calls, time and money by model. What is unknown is None, not 0."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from telephone.battle.rules import hop_key, hop_seed, kind_at, opening
from telephone.battle.run_planning import game_of, games
from telephone.core.errors import TelephoneError
from telephone.core.records import Outcome, Spending
from telephone.engine import USUAL, Limits, channel_of
from telephone.engine.limits import MINUTE
from telephone.store import GameProgress, ModelSpec, Run, RunSpec

_NEIGHBOURS = 8
"""How many runs beside this one are read for the speed and price of its models."""


@dataclass(frozen=True)
class ModelForecast:
    """What one model has left to do."""

    model: str
    """Address."""
    remote: bool
    calls: int
    """At most: equal requests share a call, and how many are equal is known only afterwards."""
    price: float | None
    """US dollars a call: the price that the model reports, else the mean of its calls; None if unknown."""
    seconds: float | None
    """Mean seconds of its calls; None if none was measured."""

    @property
    def cost(self) -> float | None:
        """US dollars at most; None if unknown."""
        return 0.0 if not self.calls else None if self.price is None else self.calls * self.price


@dataclass(frozen=True)
class Forecast:
    """What is left to do of a run."""

    games: int
    """Games that are not over."""
    models: tuple[ModelForecast, ...]
    """By model, in the order of the run."""
    seconds: float | None
    """Wall-clock seconds at most, if the models are as fast as before; None if one was never measured."""
    spent: float = 0.0
    """US dollars that earlier sessions have cost, as far as known."""
    spent_unknown: int = 0
    """Calls of earlier sessions whose cost is unknown."""

    @property
    def calls(self) -> int:
        """Calls at most."""
        return sum(share.calls for share in self.models)

    @property
    def known(self) -> float:
        """US dollars at most, of the models whose price is known."""
        return sum(share.cost or 0.0 for share in self.models)

    @property
    def unpriced(self) -> tuple[ModelForecast, ...]:
        """The models that will be called and whose price is unknown."""
        return tuple(share for share in self.models if share.cost is None)

    @property
    def cost(self) -> float | None:
        """US dollars at most; None if the price of a model is unknown."""
        return None if self.unpriced else self.known


def forecast(
    spec: RunSpec,
    run: Run | None = None,
    *,
    limits: Limits = USUAL,
    near: Path | None = None,
    retry_failed: bool = False,
) -> Forecast:
    """Returns what is left to do.

    Args:
        spec: of the run.
        run: what has been played of it, None if nothing.
        limits: under which it will be played.
        near: a folder of other runs, read for the speed and price of the models.
        retry_failed: whether games that a failed or refused hop has ended are continued.
    """
    spent = run.spending() if run is not None else {}
    known = _experience(spec, spent, near)
    pace = {ref: row.seconds for ref, row in known.items() if row.seconds is not None}
    work = _work(spec, run, pace, retry_failed)
    shares = tuple(_share(row, work.calls[row.ref], known.get(row.ref)) for row in spec.models)
    return Forecast(
        games=work.games,
        models=shares,
        seconds=_seconds(spec, shares, work, limits),
        spent=sum(row.known for row in spent.values()),
        spent_unknown=sum(row.unknown for row in spent.values()),
    )


@dataclass
class _Work:
    """What the games have left."""

    games: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    """Seconds of the longest game; models of unknown speed count 0 here."""


def _work(spec: RunSpec, run: Run | None, pace: Mapping[str, float], retry_failed: bool) -> _Work:
    prompts = {prompt.id: prompt for prompt in spec.prompts}
    openings = {prompt.id: opening(prompt).sha256 for prompt in spec.prompts}
    work, first_keys = _Work(), set[str]()
    for row in games(spec):
        first = prompts[row.prompt_id].first
        at = GameProgress() if run is None else run.progress(row.key)
        broken = at.outcome is not Outcome.OK
        done = at.steps - broken
        left = 2 * spec.turns - done
        if left <= 0 or (broken and not retry_failed):
            continue
        work.games += 1
        images = (left + (kind_at(first, done) == "image")) // 2
        hops = Counter({row.t2i: images, row.i2t: left - images})
        work.longest = max(work.longest, sum(number * pace.get(ref, 0.0) for ref, number in hops.items()))
        if not done:
            # Pairs that share their first model have its first request in common, also with games played before.
            kind = kind_at(first, 0)
            slot = game_of(spec, row, prompts[row.prompt_id]).line.slot(kind)
            seed = hop_seed(row.seed, kind, 0, spec.noise)
            key = hop_key(kind, slot, openings[row.prompt_id], seed, row.repeat, spec.noise)
            hops[slot.ref] -= key in first_keys or (run is not None and run.find_call(key) is not None)
            first_keys.add(key)
        work.calls.update(hops)
    return work


def _share(row: ModelSpec, calls: int, known: Spending | None) -> ModelForecast:
    price = row.price if row.price is not None else known.mean if known is not None else None
    return ModelForecast(row.ref, row.device == "remote", calls, price, known.seconds if known is not None else None)


def _seconds(spec: RunSpec, shares: tuple[ModelForecast, ...], work: _Work, limits: Limits) -> float | None:
    """The longest of: one game, the calls of each channel at its width, and the calls of each per-minute limit."""
    busy: dict[str, float] = {}
    calls: Counter[str] = Counter()
    width: dict[str, int] = {}
    slowest = 0.0
    for share in shares:
        if share.calls and share.seconds is None:
            return None
        row = spec.model(share.model)
        channel, _ = channel_of(row.ref, row.device, row.concurrency, row.service)
        most = row.concurrency if row.device != "remote" else min(row.concurrency, limits.in_flight or row.concurrency)
        width[channel] = min(width.get(channel, most), max(1, most))
        busy[channel] = busy.get(channel, 0.0) + share.calls * (share.seconds or 0.0)
        calls[channel] += share.calls
        if row.per_minute:
            slowest = max(slowest, MINUTE * calls[channel] / row.per_minute)
    return max([work.longest, slowest, *(seconds / width[channel] for channel, seconds in busy.items())])


def _experience(spec: RunSpec, spent: Mapping[str, Spending], near: Path | None) -> dict[str, Spending]:
    """Returns the speed and price of the models: from this run, else from the newest run beside it."""
    known = {ref: row for ref, row in spent.items() if row.calls}
    wanted = {row.ref: row.fingerprint for row in spec.models if row.ref not in known}
    for folder in _newest(near) if wanted else []:
        try:
            with Run.open(folder) as run:
                prints = {row.ref: row.fingerprint for row in run.spec.models}
                found = run.spending()
        except TelephoneError:
            continue  # the damage of another run is reported where that run is opened
        for ref in [ref for ref in wanted if ref in found and prints.get(ref) == wanted[ref]]:
            known.setdefault(ref, found[ref])
    return known


def _newest(near: Path | None) -> list[Path]:
    if near is None or not near.is_dir():
        return []
    found = sorted(near.glob("*/run.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent for path in found[:_NEIGHBOURS]]
