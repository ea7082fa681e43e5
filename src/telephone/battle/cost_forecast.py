"""What a run will take before its first call is made: calls, time and money by player; the unknown stays unknown."""

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
"""Runs in the same folder that are asked how fast their players were."""


@dataclass(frozen=True)
class ModelForecast:
    """What one player will have to do."""

    player: str
    remote: bool
    calls: int
    """At most; equal asks are made once, and how many become equal shows only in play."""
    price: float | None
    """US dollars a call: what the player says, else what its calls have cost; None if unknown."""
    seconds: float | None
    """Seconds a call, as measured; None if it has never been."""

    @property
    def cost(self) -> float | None:
        """US dollars at most; None if unknown."""
        return 0.0 if not self.calls else None if self.price is None else self.calls * self.price


@dataclass(frozen=True)
class Forecast:
    """What is left to do of a run."""

    games: int
    """Games that are not over."""
    shares: tuple[ModelForecast, ...]
    """By player, in the run's order."""
    seconds: float | None
    """Wall-clock seconds at most, if the players are as fast as they were; None if one has never been measured."""
    spent: float = 0.0
    """US dollars that earlier sittings are known to have cost."""
    spent_unknown: int = 0
    """Calls of earlier sittings whose cost is unknown."""

    @property
    def calls(self) -> int:
        """Calls at most."""
        return sum(share.calls for share in self.shares)

    @property
    def known(self) -> float:
        """US dollars at most, of the players whose price is known."""
        return sum(share.cost or 0.0 for share in self.shares)

    @property
    def unpriced(self) -> tuple[ModelForecast, ...]:
        """The players that will be called and whose price is unknown."""
        return tuple(share for share in self.shares if share.cost is None)

    @property
    def cost(self) -> float | None:
        """US dollars at most; None if the price of a player is unknown."""
        return None if self.unpriced else self.known


def forecast(
    description: RunSpec,
    run: Run | None = None,
    *,
    limits: Limits = USUAL,
    near: Path | None = None,
    retry_failed: bool = False,
) -> Forecast:
    """Returns what is left to do.

    Args:
        description: what is to be played.
        run: what has been played of it, if it has begun.
        limits: under which it will be played.
        near: a folder of runs that may know how fast, and how dear, the players are.
        retry_failed: whether games that broke off are taken up again.
    """
    spent = run.spending() if run is not None else {}
    known = _experience(description, spent, near)
    pace = {ref: row.seconds for ref, row in known.items() if row.seconds is not None}
    work = _work(description, run, pace, retry_failed)
    shares = tuple(_share(row, work.calls[row.ref], known.get(row.ref)) for row in description.models)
    return Forecast(
        games=work.games,
        shares=shares,
        seconds=_seconds(description, shares, work, limits),
        spent=sum(row.known for row in spent.values()),
        spent_unknown=sum(row.unknown for row in spent.values()),
    )


@dataclass
class _Work:
    """What the games have left."""

    games: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    """Seconds of the longest game; a player of unknown pace counts nothing here and is told apart."""


def _work(description: RunSpec, run: Run | None, pace: Mapping[str, float], retry_failed: bool) -> _Work:
    prompts = {prompt.id: prompt for prompt in description.prompts}
    openings = {prompt.id: opening(prompt).sha256 for prompt in description.prompts}
    work, first_asks = _Work(), set[str]()
    for row in games(description):
        first = prompts[row.prompt_id].first
        tail = GameProgress() if run is None else run.progress(row.key)
        broken = tail.outcome is not Outcome.OK
        done = tail.steps - broken
        left = 2 * description.turns - done
        if left <= 0 or (broken and not retry_failed):
            continue
        work.games += 1
        images = (left + (kind_at(first, done) == "image")) // 2
        hops = Counter({row.t2i: images, row.i2t: left - images})
        work.longest = max(work.longest, sum(number * pace.get(ref, 0.0) for ref, number in hops.items()))
        if not done:
            # Lines that share their first player ask it the same thing, and so may games that were played before.
            kind = kind_at(first, 0)
            seat = game_of(description, row, prompts[row.prompt_id]).line.slot(kind)
            key = hop_key(kind, seat, openings[row.prompt_id], hop_seed(row.seed, kind), row.repeat)
            hops[seat.ref] -= key in first_asks or (run is not None and run.find_call(key) is not None)
            first_asks.add(key)
        work.calls.update(hops)
    return work


def _share(row: ModelSpec, calls: int, known: Spending | None) -> ModelForecast:
    price = row.price if row.price is not None else known.mean if known is not None else None
    return ModelForecast(row.ref, row.device == "remote", calls, price, known.seconds if known is not None else None)


def _seconds(description: RunSpec, shares: tuple[ModelForecast, ...], work: _Work, limits: Limits) -> float | None:
    """No game is faster than its own calls, and no lane faster than all of its calls, so many at a time."""
    busy: dict[str, float] = {}
    calls: Counter[str] = Counter()
    width: dict[str, int] = {}
    slowest = 0.0
    for share in shares:
        if share.calls and share.seconds is None:
            return None
        row = description.model(share.player)
        lane, _ = channel_of(row.ref, row.device, row.concurrency, row.service)
        most = row.concurrency if row.device != "remote" else min(row.concurrency, limits.in_flight or row.concurrency)
        width[lane] = min(width.get(lane, most), max(1, most))
        busy[lane] = busy.get(lane, 0.0) + share.calls * (share.seconds or 0.0)
        calls[lane] += share.calls
        if row.per_minute:
            slowest = max(slowest, MINUTE * calls[lane] / row.per_minute)
    return max([work.longest, slowest, *(seconds / width[lane] for lane, seconds in busy.items())])


def _experience(description: RunSpec, spent: Mapping[str, Spending], near: Path | None) -> dict[str, Spending]:
    """Returns what is known of the players: from this run, else from the newest of its neighbours."""
    known = {ref: row for ref, row in spent.items() if row.calls}
    wanted = {row.ref: row.fingerprint for row in description.models if row.ref not in known}
    for folder in _newest(near) if wanted else []:
        try:
            with Run.open(folder) as run:
                prints = {row.ref: row.fingerprint for row in run.spec.models}
                found = run.spending()
        except TelephoneError:
            continue  # a neighbour's damage is told to those who open it
        for ref in [ref for ref in wanted if ref in found and prints.get(ref) == wanted[ref]]:
            known.setdefault(ref, found[ref])
    return known


def _newest(near: Path | None) -> list[Path]:
    if near is None or not near.is_dir():
        return []
    found = sorted(near.glob("*/run.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent for path in found[:_NEIGHBOURS]]
