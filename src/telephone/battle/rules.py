"""The rules of the game as a state machine: what is asked next, and when a game is over. No disk, no threads."""

from dataclasses import dataclass
from typing import Literal

from telephone.core.errors import UsageError
from telephone.core.records import Artefact, Hop, Kind, Outcome, Prompt, Request
from telephone.core.seeds import derive, digest

State = Literal["playing", "done", "failed", "refused"]


@dataclass(frozen=True)
class PlayerSlot:
    """A player as the rules see it."""

    ref: str
    """Its address."""
    fingerprint: str
    """What decides its answers, options included."""
    seeds: bool = True
    """Whether it honours seeds."""


@dataclass(frozen=True)
class ModelPair:
    """Who draws and who describes."""

    t2i: PlayerSlot
    i2t: PlayerSlot

    def seat(self, kind: Kind) -> PlayerSlot:
        """Returns who makes an image, or a text."""
        return self.t2i if kind == "image" else self.i2t


@dataclass(frozen=True)
class GameSpec:
    """Everything that decides how a game goes, its length apart: a longer run continues the same game."""

    line: ModelPair
    prompt: Prompt
    seed: int
    """In [0, 2**32); the same for all lines that play the prompt, so that their games can be compared in pairs."""
    repeat: int = 0

    @property
    def key(self) -> str:
        """The hash of everything above, in 64 hexadecimal digits."""
        t2i, i2t = self.line.t2i, self.line.i2t
        seats = (t2i.ref, t2i.fingerprint, i2t.ref, i2t.fingerprint)
        return digest(
            "game", *seats, self.prompt.id, self.prompt.first, opening(self.prompt).data, self.seed, self.repeat
        )


def game_seed(run_seed: int, prompt_id: str, repeat: int) -> int:
    """Returns the seed of a game: one for all lines."""
    return derive("game", run_seed, prompt_id, repeat)


def hop_seed(seed: int, kind: Kind) -> int:
    """Returns the seed of every hop of one kind in a game."""
    # Not of the turn: a text that comes back unchanged must give the same picture again. So a game that has settled
    # shows it exactly, byte for byte, and its remaining hops are known without a call.
    return derive("hop", seed, kind)


def ask_key(kind: Kind, seat: PlayerSlot, parent: str, seed: int, repeat: int) -> str:
    """Returns the key under which an answer is looked for; `parent` is the content hash of what the player is shown.

    The game is not in it: lines that share a player and a prompt ask some things twice, and are answered once. A player
    that takes no seed is told apart by the number of the repeat, or all repeats of a game would be one.
    """
    which = ("seed", seed) if seat.seeds else ("repeat", repeat)
    return digest("ask", kind, seat.fingerprint, parent, *which)


def opening(prompt: Prompt) -> Artefact:
    """Returns what the first player of a game is shown."""
    return Artefact("text", prompt.text.encode()) if prompt.image is None else Artefact("image", prompt.image)


def kind_at(first: Kind, step: int) -> Kind:
    """Returns what hop number `step` makes, in a game that starts with a text or an image."""
    starts_with_image = first == "text"  # from a text an image is made
    return "image" if (step % 2 == 0) == starts_with_image else "text"


class Conversation:
    """A game as it goes: asks for one hop at a time, takes the answer, and knows when it is over."""

    def __init__(self, game: GameSpec, turns: int) -> None:
        """Starts at the prompt.

        Args:
            game: what is played.
            turns: how many times there and back, 1 or more; a turn is two hops.

        Raises:
            UsageError: there is no turn to play.
        """
        if turns < 1:
            raise UsageError(f"A game of {turns} turns cannot be played: ask for 1 or more.")
        self.game = game
        self.key = game.key
        self.steps = 2 * turns
        self.step = 0
        """Number of hops that have ended."""
        self.last = opening(game.prompt)
        """What the next player is shown."""
        self.broken: Outcome | None = None
        """How the hop that ended the game early ended."""
        self._ask: Request | None = None

    @property
    def state(self) -> State:
        """Where the game stands."""
        if self.broken is not None:
            return "refused" if self.broken is Outcome.REFUSED else "failed"
        return "done" if self.step >= self.steps else "playing"

    def next_ask(self) -> Request | None:
        """Returns the call that the game waits for, or None if it is over; asking twice changes nothing."""
        if self.state != "playing":
            return None
        if self._ask is None:
            self._ask = self._next()
        return self._ask

    def _next(self) -> Request:
        kind = kind_at(self.game.prompt.first, self.step)
        seat, seed = self.game.line.seat(kind), hop_seed(self.game.seed, kind)
        return Request(
            game=self.key,
            step=self.step,
            turn=self.step // 2,
            kind=kind,
            player=seat.ref,
            seed=seed,
            parent=self.last,
            key=ask_key(kind, seat, self.last.sha256, seed, self.game.repeat),
        )

    def answer(self, hop: Hop) -> None:
        """Takes the hop that was asked for; anything but a result ends the game.

        Raises:
            UsageError: it is not the hop that the game waits for.
        """
        ask = self.next_ask()
        if ask is None or hop.ask.key != ask.key or (hop.ask.game, hop.ask.step) != (ask.game, ask.step):
            waits = f"step {ask.step}" if ask else "nothing more"
            raise UsageError(f"Step {hop.ask.step} of game {hop.ask.game[:12]} came while it waits for {waits}.")
        self.resume(self.step + 1, hop.result, hop.outcome)

    def resume(self, step: int, last: Artefact | None, outcome: Outcome = Outcome.OK) -> None:
        """Puts the game where it was when hop number `step - 1` ended.

        Args:
            step: number of hops that have ended; 0 leaves the game at its prompt.
            last: what the last of them made.
            outcome: how it ended.
        """
        self.step, self._ask = step, None
        if outcome is not Outcome.OK:
            self.broken = outcome
        elif step:
            assert last is not None, "a hop that went well has a result"
            self.last = last
