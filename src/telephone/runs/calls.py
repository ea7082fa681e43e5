"""One call of a player for the asks of several games: whatever goes wrong becomes a hop that says so."""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from telephone.errors import PlayerError, PlayerRefused, UsageError, WeightsError
from telephone.images import decode, encode_png
from telephone.players import Image2Text, Player, Text2Image, describe, draw
from telephone.records import Artefact, Ask, Hop, Outcome

REASON = 300
"""Characters of a reason."""
RAW = 2000
"""Characters of a traceback, its end."""


@dataclass(frozen=True)
class _Made:
    """What a call gave for one ask."""

    result: Artefact | PlayerError
    tokens_cut: int = 0


def answer(player: Player, asks: Sequence[Ask], price: float | None) -> list[Hop]:
    """Returns one hop for each ask; a batch that fails as a whole is asked again item by item.

    Args:
        player: who is asked; all asks are for it.
        asks: with different keys.
        price: US dollars an item, None if unknown.

    Raises:
        WeightsError: the player's weights are missing or wrong; no game can go on with it.
        UsageError: the player is not finished or wrongly used; no game can go on with it.
    """
    try:
        return _attempt(player, asks, price)
    except (WeightsError, UsageError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a player may raise anything; it must end one game only
        if len(asks) == 1:
            return [_failure(asks[0], error, price)]
    return [replace(hop, attempts=2, cost=_cost(price, 2)) for ask in asks for hop in answer(player, [ask], price)]


def failed(ask: Ask, reason: str) -> Hop:
    """Returns the hop of a call that gave no answer at all."""
    return Hop(ask, Outcome.FAILED, None, reason)


def shared(hop: Hop, ask: Ask) -> Hop:
    """Returns the hop of an ask that an equal one has answered: no call was made for it."""
    return replace(hop, ask=ask, seconds=0.0, attempts=0, cost=0.0)


def _attempt(player: Player, asks: Sequence[Ask], price: float | None) -> list[Hop]:
    started, clock = time.time(), time.perf_counter()
    made = _call(player, asks)
    seconds = (time.perf_counter() - clock) / len(asks)
    return [_hop(ask, one, price, (started, seconds)) for ask, one in zip(asks, made, strict=True)]


def _call(player: Player, asks: Sequence[Ask]) -> list[_Made]:
    seeds = [ask.seed for ask in asks]
    if isinstance(player, Text2Image):
        texts = [ask.parent.text for ask in asks]
        cut = [player.count_cut(text) for text in texts]
        return [_Made(_pack(made), tokens) for made, tokens in zip(draw(player, texts, seeds), cut, strict=True)]
    assert isinstance(player, Image2Text)
    return [_Made(_pack(made)) for made in describe(player, [decode(ask.parent.data) for ask in asks], seeds)]


def _pack(made: Image.Image | str | PlayerError) -> Artefact | PlayerError:
    if isinstance(made, PlayerError):
        return made
    return Artefact("text", made.encode()) if isinstance(made, str) else Artefact("image", encode_png(made))


def _hop(ask: Ask, made: _Made, price: float | None, when: tuple[float, float]) -> Hop:
    started, seconds = when
    if isinstance(made.result, PlayerError):
        return replace(_failure(ask, made.result, price), started=started, seconds=seconds)
    return Hop(
        ask,
        Outcome.OK,
        made.result,
        started=started,
        seconds=seconds,
        cost=_cost(price, 1),
        tokens_cut=made.tokens_cut,
    )


def _failure(ask: Ask, error: BaseException, price: float | None) -> Hop:
    outcome = Outcome.REFUSED if isinstance(error, PlayerRefused) else Outcome.FAILED
    said = " ".join(str(error).split())
    reason = said if isinstance(error, PlayerError) and said else f"{type(error).__name__}: {said}".rstrip(": ")
    raw = "".join(traceback.format_exception(error))[-RAW:]
    return Hop(ask, outcome, None, reason[:REASON], raw, started=time.time(), cost=_cost(price, 1))


def _cost(price: float | None, attempts: int) -> float | None:
    return None if price is None else price * attempts
