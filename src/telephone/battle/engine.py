"""Plays a run: games side by side, calls in batches, everything written at once, stopped and resumed at any moment."""

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from types import FrameType

from telephone.battle.budget import Budget, bill
from telephone.battle.dispatcher import Dispatch
from telephone.battle.events import GameEnded, HopDone, ModelReady, Progress, RunResult, Started
from telephone.battle.model_calls import shared
from telephone.battle.rate_limits import USUAL, Limits
from telephone.battle.request_queue import Waiting
from telephone.battle.retries import Attempts
from telephone.battle.rules import Conversation
from telephone.battle.run_planning import Get, game_of
from telephone.core.errors import StoreDamaged, UsageError, WeightsError
from telephone.core.records import Hop, Outcome
from telephone.models import Model, Traits
from telephone.models import load_model as from_registry
from telephone.store import Run

_POLL = 0.1
"""Seconds after which a stop event and the timeouts are looked at."""


def play(
    run: Run,
    players: Get = from_registry,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    retry_failed: bool = False,
    limits: Limits = USUAL,
    budget: float | None = None,
) -> RunResult:
    """Plays what is left of a run and returns how it then stands.

    What a game gives depends on its players and seeds alone, not on batches, threads or interruptions. Ctrl-C and the
    stop event end it cleanly: what has come back is written, and the same call continues it. A service that is down
    ends no game: other lines go on, and if nothing else is left the run ends with games unfinished, as `halts` tells.

    Args:
        run: may have been begun, and stopped, before.
        players: gives the player of an address; asked when a player is first needed.
        progress: is told each event, in the calling thread.
        stop: set by another thread to end early.
        retry_failed: also takes up games that a failed or refused hop has ended.
        limits: sizes and times.
        budget: US dollars over all sittings, failed calls included; the run ends before it is passed. Players that
            never tell a cost are not counted.

    Raises:
        StoreError: another process plays the run, or the disk lets us down.
        UsageError: a player is not the one with which the run began, or the budget is negative.
        WeightsError: a player's weights are missing or wrong.
    """
    engine = _Engine(run, players, progress or (lambda event: None), limits)
    engine.retry = retry_failed
    with run.playing(), engine.interruptible(stop or threading.Event()):
        engine.open(budget)
        return engine.play()


class _Engine:
    """The games of one sitting; its calls are the dispatch's."""

    def __init__(self, run: Run, players: Get, progress: Progress, limits: Limits) -> None:
        self.run, self.get, self.tell, self.limits = run, players, progress, limits
        self.retry = False
        self.spec = run.spec
        self.prompts = {prompt.id: prompt for prompt in self.spec.prompts}
        self.rows = run.games()
        self.next_row = 0
        self.waiting = Waiting()
        self.active: dict[str, str] = {}
        self.ready: dict[str, tuple[Model, Traits]] = {}
        self.unwritten: list[Hop] = []
        self.ends: Counter[str] = Counter()
        self.sums: Counter[str] = Counter()
        self.cost: float | None = 0.0
        self.hops_done = sum(run.count().values())
        self.hops_total = 2 * self.spec.turns * len(self.rows)
        self.stop = threading.Event()
        self.signalled = False

    def open(self, budget: float | None) -> None:
        """Gets ready to call players; comes after the lock, as what has been spent must not change behind our back."""
        prices = {row.ref: row.price for row in self.spec.models}
        purse = Budget(budget, prices, self.run.spending())
        self.calls = Dispatch(self.waiting, self._player, purse, self.limits, Attempts(self.limits.retry))
        self.calls.tell = self.tell
        self.calls.keep = self.run.pictures.write

    @contextlib.contextmanager
    def interruptible(self, stop: threading.Event) -> Iterator[None]:
        """Makes the first Ctrl-C a request to stop; the second one is a KeyboardInterrupt as ever."""
        self.stop = stop
        ours = threading.current_thread() is threading.main_thread()
        # A program with its own idea of Ctrl-C keeps it.
        if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._signal)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def play(self) -> RunResult:
        """Plays until nothing is left or somebody stops it."""
        clock = time.perf_counter()
        interrupted = False
        self.tell(Started(self.hops_done, self.hops_total, len(self.rows)))
        try:
            while self._step():
                pass
            self._land()
            interrupted = self._stopping() and bool(self.active or self.next_row < len(self.rows))
        except KeyboardInterrupt:
            self._write()
            interrupted = True
        except (UsageError, WeightsError):
            self._land()
            raise
        finally:
            for left in self.calls.close():
                self.run.write_off(*left)
        return self._summary(interrupted, time.perf_counter() - clock)

    def _step(self) -> bool:
        """Admits games, sends calls, takes what has come back; tells whether there is more to do."""
        if self._stopping():
            return False
        self._admit()
        self.calls.send()
        patience = self.calls.patience(_POLL)
        if patience is None:
            return False
        self._take(patience)
        return True

    def _stopping(self) -> bool:
        return self.signalled or self.stop.is_set()

    def _signal(self, number: int, at: FrameType | None) -> None:
        if self.signalled:
            raise KeyboardInterrupt
        self.signalled = True
        self.calls.wake()

    # Games

    def _admit(self) -> None:
        # Games that wait for a service that is down keep nobody else from playing.
        room = self.limits.side_by_side + self.calls.stalled() - len(self.active)
        while self.next_row < len(self.rows) and room > 0:
            row = self.rows[self.next_row]
            self.next_row += 1
            conversation = Conversation(game_of(self.spec, row, self.prompts[row.prompt_id]), self.spec.turns)
            if conversation.key != row.key:
                raise StoreDamaged(f"The key of game {row.conversation} in {self.run.path} is not its own: start anew.")
            self.active[row.key] = row.conversation
            self._resume(conversation)
            self._advance(conversation)
            room -= conversation.key in self.active
        self._write()

    def _resume(self, conversation: Conversation) -> None:
        """Puts a game where its rows on disk say that it is."""
        tail = self.run.tail(conversation.key)
        if tail.outcome is Outcome.OK:
            conversation.resume(tail.steps, self.run.artefact(tail.result) if tail.result else None)
        elif self.retry:
            last = self.run.hops(conversation.key)[-1]
            conversation.resume(last.ask.step, last.ask.parent)
            self.hops_done -= 1
        else:
            conversation.resume(tail.steps, None, tail.outcome)

    def _advance(self, conversation: Conversation) -> None:
        """Takes a game as far as it goes without a new call, then lets it wait for one."""
        while (ask := conversation.next_ask()) is not None:
            if self.waiting.join(conversation, ask):
                return
            known = self.run.answers(ask.key)
            if known is None:
                self.waiting.add(conversation, ask)
                return
            self._keep(conversation, shared(known, ask))
        self.ends[conversation.state] += 1
        name = self.active.pop(conversation.key)
        self.tell(GameEnded(name, conversation.state, self.ends.total(), len(self.rows)))

    def _keep(self, conversation: Conversation, hop: Hop) -> None:
        """Takes a hop into its game; it is written with the next batch, at the latest before the next call."""
        self.unwritten.append(hop)
        conversation.answer(hop)
        self.hops_done += 1
        self.sums.update(hops=1, calls=hop.attempts, reused=hop.attempts == 0)
        self.cost = None if self.cost is None or hop.cost is None else self.cost + hop.cost
        self.tell(HopDone(hop, self.active[conversation.key], self.hops_done, self.hops_total))

    def _write(self) -> None:
        if self.unwritten:
            self.run.add_hops(self.unwritten)
            self.unwritten = []

    # Calls

    def _player(self, ref: str) -> tuple[Model, Traits]:
        if ref not in self.ready:
            player = self.get(ref)
            traits = player.traits()
            if traits.fingerprint != self.spec.model(ref).fingerprint:
                raise UsageError(
                    f"{ref} is not the player with which the run in {self.run.folder} began"
                    " (its weights, options or code differ): start a new run in another folder."
                )
            self.ready[ref] = (player, traits)
            self.tell(ModelReady(ref))
        return self.ready[ref]

    def _take(self, seconds: float) -> None:
        """Waits for answers, writes them, then lets the games that waited for them go on."""
        landed = self.calls.wait(seconds)
        going: list[Conversation] = []
        for hop, wait in zip(landed.hops, self.waiting.finish(hop.ask.key for hop in landed.hops), strict=True):
            for conversation, ask in wait.games:
                self._keep(conversation, hop if ask is hop.ask else shared(hop, ask))
                going.append(conversation)
        self._write()
        if landed.error is not None:
            raise landed.error
        for conversation in going:
            self._advance(conversation)
        self._write()

    def _land(self) -> None:
        """Waits a little for the calls that are on their way; they may have been paid for."""
        until = time.monotonic() + self.limits.grace
        while self.calls.flying and time.monotonic() < until:
            self._take(min(_POLL, self.limits.grace))

    def _summary(self, interrupted: bool, seconds: float) -> RunResult:
        return RunResult(
            games=len(self.rows),
            done=self.ends["done"],
            failed=self.ends["failed"],
            refused=self.ends["refused"],
            interrupted=interrupted,
            hops=self.sums["hops"],
            calls=self.sums["calls"],
            reused=self.sums["reused"],
            cost=self.cost,
            seconds=seconds,
            bill=bill(self.run.spending()),
            retries=self.calls.retries,
            halts=() if interrupted else self.calls.halts(),
        )
