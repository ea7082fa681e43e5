"""The rules of the game as a state machine: which call comes next, and when a game is over. No disk, no threads."""

from dataclasses import dataclass, replace
from typing import Literal

from telephone.core.errors import UsageError
from telephone.core.records import (
    NOISES,
    TASK_OF,
    Artefact,
    Call,
    Hop,
    Kind,
    Noise,
    Outcome,
    Prompt,
    Request,
    request_key,
)
from telephone.core.seeds import derive, digest

GameState = Literal["playing", "done", "failed", "refused"]


@dataclass(frozen=True)
class PlayerSlot:
    """A model in a game, as the rules need to know it."""

    ref: str
    """Its address."""
    fingerprint: str
    """Changes with everything that decides its results, options included."""
    seeds: bool = True
    """Whether its results depend on the seed."""
    deterministic: bool = False
    """Whether its results depend on the input alone, whatever the seed."""


@dataclass(frozen=True)
class ModelPair:
    """A text-to-image and an image-to-text model that play together."""

    t2i: PlayerSlot
    i2t: PlayerSlot

    def slot(self, kind: Kind) -> PlayerSlot:
        """Returns the model that makes images, or the one that makes texts."""
        return self.t2i if kind == "image" else self.i2t


@dataclass(frozen=True)
class GameSpec:
    """Everything that decides how a game goes, its length apart: a longer run continues the same game."""

    line: ModelPair
    prompt: Prompt
    seed: int
    """In [0, 2**32); the same for all pairs that play the prompt, so that their games can be compared in pairs."""
    repeat: int = 0
    noise: Noise = "fresh"
    """Whether every turn has a seed of its own."""

    @property
    def key(self) -> str:
        """The hash of everything above, in 64 hexadecimal digits."""
        t2i, i2t = self.line.t2i, self.line.i2t
        models = (t2i.ref, t2i.fingerprint, i2t.ref, i2t.fingerprint)
        fresh = ("fresh",) if self.noise == "fresh" else ()
        return digest(
            "game",
            *models,
            self.prompt.id,
            self.prompt.first,
            opening(self.prompt).data,
            self.seed,
            self.repeat,
            *fresh,
        )


def check_noise(noise: str) -> None:
    """Checks that a noise is known.

    Raises:
        UsageError: it is not.
    """
    if noise not in NOISES:
        raise UsageError(f"There is no noise {noise!r}: choose {' or '.join(NOISES)}.")


def game_seed(run_seed: int, prompt_id: str, repeat: int) -> int:
    """Returns the seed of a game, the same for all pairs of models."""
    return derive("game", run_seed, prompt_id, repeat)


def hop_seed(seed: int, kind: Kind, turn: int = 0, noise: Noise = "fresh") -> int:
    """Returns the seed of a hop, the same for all pairs that play a prompt.

    Args:
        seed: of the game.
        kind: what the hop makes.
        turn: number of its turn, from 0.
        noise: `fresh` gives every turn a seed of its own, as in the original experiment. `fixed` gives all hops of a
            kind one seed: a text that comes back unchanged then gives the same image again, so that a game which
            repeats a text stays there by construction, and its remaining hops need no call.
    """
    return derive("hop", seed, kind) if noise == "fixed" else derive("hop", seed, kind, turn)


def hop_key(kind: Kind, slot: PlayerSlot, parent: str, seed: int, repeat: int, noise: Noise = "fresh") -> str:
    """Returns the key of a hop's request.

    The game is not part of it: pairs that share a model and a prompt have some requests in common, and those are
    answered once. With fresh noise a model that takes no seed is asked again at every turn of every prompt, because
    its answers vary by themselves, and one whose answer depends on the input alone is asked once about each input.
    With fixed noise the calls of a model that takes no seed differ by the number of the repeat.

    Args:
        kind: what the hop makes.
        slot: the model.
        parent: content hash of its input.
        seed: of the hop.
        repeat: number of the game's repeat.
        noise: of the game.
    """
    if noise == "fixed":
        return request_key(kind, slot.fingerprint, [parent], seed=seed if slot.seeds else None, repeat=repeat)
    if slot.deterministic:
        return request_key(kind, slot.fingerprint, [parent], seed=None)
    if not slot.seeds:
        return request_key(kind, slot.fingerprint, [parent], seed=None, draw=seed)
    return request_key(kind, slot.fingerprint, [parent], seed=seed)


def opening(prompt: Prompt) -> Artefact:
    """Returns the input of the first hop of a game."""
    return Artefact("text", prompt.text.encode()) if prompt.image is None else Artefact("image", prompt.image)


def kind_at(first: Kind, step: int) -> Kind:
    """Returns what hop number `step` makes in a game that starts with a text or an image."""
    starts_with_image = first == "text"  # from a text an image is made
    return "image" if (step % 2 == 0) == starts_with_image else "text"


class Conversation:
    """A game as it goes: makes one request at a time, takes the result, and knows when it is over."""

    def __init__(self, game: GameSpec, turns: int, name: str = "") -> None:
        """Starts at the prompt.

        Args:
            game: what is played.
            turns: how many times there and back, 1 or more; a turn is two hops.
            name: short name of the game, unique in its run.

        Raises:
            UsageError: there is no turn to play.
        """
        if turns < 1:
            raise UsageError(f"A game of {turns} turns cannot be played: give 1 or more.")
        self.game = game
        self.name = name
        self.key = game.key
        self.steps = 2 * turns
        self.step = 0
        """Number of hops that have ended."""
        self.last = opening(game.prompt)
        """Input of the next hop."""
        self.broken: Outcome | None = None
        """Outcome of the hop that ended the game early."""
        self._request: Request | None = None

    @property
    def state(self) -> GameState:
        """Where the game stands."""
        if self.broken is not None:
            return "refused" if self.broken is Outcome.REFUSED else "failed"
        return "done" if self.step >= self.steps else "playing"

    def next_request(self) -> Request | None:
        """Returns the call that the game waits for, None if it is over; calling it twice changes nothing."""
        if self.state != "playing":
            return None
        if self._request is None:
            self._request = self._next()
        return self._request

    def _next(self) -> Request:
        kind = kind_at(self.game.prompt.first, self.step)
        slot, noise = self.game.line.slot(kind), self.game.noise
        seed = hop_seed(self.game.seed, kind, self.step // 2, noise)
        return Request(
            model=slot.ref,
            fingerprint=slot.fingerprint,
            task=TASK_OF[kind],
            parents=(self.last,),
            seed=seed,
            key=hop_key(kind, slot, self.last.sha256, seed, self.game.repeat, noise),
        )

    def accept(self, call: Call, shared: bool = False) -> Hop:
        """Takes the result of the request and returns it as a hop; anything but a result ends the game.

        Args:
            call: how the request was answered.
            shared: whether the call was made for another hop.

        Raises:
            UsageError: the game waits for another call, or for none.
        """
        request = self.next_request()
        if request is None or call.request.key != request.key:
            waits = f"step {self.step}" if request else "nothing more"
            raise UsageError(
                f"A call with key {call.request.key[:12]} came while game {self.key[:12]} waits for {waits}."
            )
        # The seeds of equal requests differ where the answer does not depend on the seed.
        hop = Hop(self.key, self.step, replace(call, request=request) if shared else call, shared)
        self.resume(self.step + 1, call.result, call.outcome)
        return hop

    def resume(self, step: int, last: Artefact | None, outcome: Outcome = Outcome.OK) -> None:
        """Puts the game where it was when hop number `step - 1` ended.

        Args:
            step: number of hops that have ended; 0 leaves the game at its prompt.
            last: result of the last of them.
            outcome: how it ended.
        """
        self.step, self._request = step, None
        if outcome is not Outcome.OK:
            self.broken = outcome
        elif step:
            assert last is not None, "a hop that went well has a result"
            self.last = last
