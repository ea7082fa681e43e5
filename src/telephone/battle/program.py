"""A battle as a program for the engine: its games are the jobs, its hops the rows that the store writes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from telephone.battle.rules import Conversation, GameState
from telephone.battle.run_planning import Get, game_of
from telephone.core.errors import StoreDamaged
from telephone.core.records import Hop, Outcome
from telephone.engine import (
    USUAL,
    Bill,
    CallFinished,
    CircuitClosed,
    CircuitOpened,
    EngineEvent,
    EngineResult,
    Halt,
    JobEnded,
    Limits,
    ModelReady,
    Retried,
    execute,
)
from telephone.models import load_model as from_registry
from telephone.store import GameRow, Run


@dataclass(frozen=True)
class Started:
    """The run is open; some of it may be done already."""

    hops_done: int
    hops_total: int
    """If no game ends early."""
    games: int


@dataclass(frozen=True)
class HopDone:
    """A hop has ended, however it ended."""

    hop: Hop
    conversation: str
    """Short name of its game."""
    hops_done: int
    hops_total: int


@dataclass(frozen=True)
class GameEnded:
    """A game is over."""

    conversation: str
    """Short name of the game."""
    state: GameState
    """done, failed or refused."""
    games_ended: int
    games_total: int


Event = Started | ModelReady | HopDone | GameEnded | Retried | CircuitOpened | CircuitClosed
Progress = Callable[[Event], None]


@dataclass(frozen=True)
class RunResult:
    """How a run stands when `play` returns."""

    games: int
    done: int
    """Games played to their last turn, those of earlier sessions included, as in the next two."""
    failed: int
    refused: int
    interrupted: bool
    """Whether a stop was requested, even in the last call; the same call again continues what is left."""
    hops: int
    """Hops written in this session."""
    calls: int
    """Calls of models in this session, one for each item of a batch."""
    reused: int
    """Hops that took the result of an equal request."""
    cost: float | None
    """US dollars of this session; None if a model does not report what it costs."""
    seconds: float
    bill: Bill = field(default_factory=Bill)
    """What all sessions together have cost."""
    retries: int = 0
    """Calls of this session without an answer whose requests were sent again."""
    halts: tuple[Halt, ...] = ()
    """Why games are not over although no stop was requested; the same call again continues them."""

    @property
    def unfinished(self) -> int:
        """Games that are not over."""
        return self.games - self.done - self.failed - self.refused


def play(
    run: Run,
    models: Get = from_registry,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    retry_failed: bool = False,
    limits: Limits = USUAL,
    budget: float | None = None,
) -> RunResult:
    """Plays what is left of a run and returns how it then stands.

    The results of a game depend on its models and seeds alone, not on batches, threads or interruptions. Ctrl-C,
    SIGTERM and the stop event end the run cleanly: what has come back is written, and the same call continues it. A
    service that is down ends no game: other games go on, and if nothing else is left, the run ends with games
    unfinished and `halts` says why.

    Args:
        run: may have been begun, and stopped, before.
        models: returns the model of an address; called when a model is first needed.
        progress: receives each event, in the calling thread.
        stop: set by another thread to end early.
        retry_failed: also continues games that a failed or refused hop has ended.
        limits: sizes and times.
        budget: US dollars over all sessions, failed calls included; the run ends before it is passed. Calls of models
            with unknown price and cost are not counted.

    Raises:
        StoreError: another process plays the run, or it cannot be written.
        UsageError: a model is not the one with which the run began, or the budget is negative.
        WeightsError: the weights of a model are missing or wrong.
    """
    report = progress or (lambda event: None)
    with run.playing():
        program = BattleProgram(run, retry_failed, report)
        report(Started(program.hops_done, program.hops_total, program.games))
        made = execute(program, run, models, progress=program.on_event, stop=stop, limits=limits, budget=budget)
        return program.result(made)


class BattleProgram:
    """The games of a run that are not over, as jobs."""

    def __init__(self, run: Run, retry_failed: bool, report: Progress) -> None:
        """Reads what has been played.

        Args:
            run: the caller holds its lock.
            retry_failed: whether to continue games that a failed or refused hop has ended.
            report: receives the events of the engine, in terms of hops and games.
        """
        self.run, self.retry_failed, self.report = run, retry_failed, report
        self.games = run.count_games()
        self.ends: Counter[str] = Counter()
        self.hops = 0
        self.hops_done = sum(run.count().values())
        self.hops_total = 2 * run.spec.turns * self.games

    @property
    def prices(self) -> Mapping[str, float | None]:
        """US dollars an item by model."""
        return {row.ref: row.price for row in self.run.spec.models}

    def jobs(self) -> Iterator[Conversation]:
        """Yields every game, at the place where the store has it."""
        spec = self.run.spec
        prompts = {prompt.id: prompt for prompt in spec.prompts}
        for row in self.run.iter_games():
            conversation = Conversation(game_of(spec, row, prompts[row.prompt_id]), spec.turns, row.conversation)
            self._check(conversation, row)
            self._resume(conversation)
            yield conversation

    def on_event(self, event: EngineEvent) -> None:
        """Reports an event of the engine in terms of hops and games."""
        if isinstance(event, CallFinished):
            self.hops += 1
            self.hops_done += 1
            self.report(HopDone(event.link, _game(event.job).name, self.hops_done, self.hops_total))
        elif isinstance(event, JobEnded):
            game = _game(event.job)
            self.ends[game.state] += 1
            self.report(GameEnded(game.name, game.state, self.ends.total(), self.games))
        else:
            self.report(event)

    def result(self, made: EngineResult) -> RunResult:
        """Returns the result of the engine in terms of hops and games."""
        return RunResult(
            games=self.games,
            done=self.ends["done"],
            failed=self.ends["failed"],
            refused=self.ends["refused"],
            interrupted=made.interrupted,
            hops=self.hops,
            calls=made.calls,
            reused=made.reused,
            cost=made.cost,
            seconds=made.seconds,
            bill=made.bill,
            retries=made.retries,
            halts=made.halts,
        )

    def _check(self, conversation: Conversation, row: GameRow) -> None:
        if conversation.key != row.key:
            raise StoreDamaged(
                f"The key of game {row.conversation} in {self.run.path} does not match its content:"
                " start a new run in another folder."
            )

    def _resume(self, conversation: Conversation) -> None:
        at = self.run.progress(conversation.key)
        if at.outcome is Outcome.OK:
            conversation.resume(at.steps, self.run.artefact(at.result) if at.result else None)
        elif self.retry_failed:
            last = self.run.hops(conversation.key)[-1]
            conversation.resume(last.step, last.request.parent)
            self.hops_done -= 1
        else:
            conversation.resume(at.steps, None, at.outcome)


def _game(job: object) -> Conversation:
    assert isinstance(job, Conversation)
    return job
