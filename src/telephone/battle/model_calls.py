"""One call of a player for the asks of several games: whatever goes wrong becomes a hop that says so."""

import os
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from telephone.core.errors import KeyRejected, ModelError, ModelRefused, ModelUnavailable, UsageError, WeightsError
from telephone.core.images import decode, encode_png
from telephone.core.records import Artefact, Hop, Outcome, Request
from telephone.core.redaction import redact
from telephone.models import Image2Text, Model, ModelOutput, Text2Image, describe_answers, draw_answers

REASON = 300
"""Characters of a reason."""
RAW = 2000
"""Characters of what a provider says beside its answer, and of a traceback's end."""
_WORK = threading.BoundedSemaphore(min(4, os.cpu_count() or 1))
"""Held to decode or encode a picture. A hundred calls that come back at once would take the interpreter from each
other in the middle of it, again and again, and none of them would be done soon."""


@dataclass(frozen=True)
class Reply:
    """What came of one ask in one call."""

    hop: Hop
    """As if it were the last word: with the attempts and the cost of this call alone."""
    unavailable: ModelUnavailable | None = None
    """Why the player may be asked again; None if this is its answer, good or bad."""


@dataclass(frozen=True)
class _Made:
    """What a call gave for one ask."""

    result: Artefact | ModelError
    cost: float | None = None
    raw: str = ""
    tokens_cut: int = 0


def answer(player: Model, asks: Sequence[Request], price: float | None) -> list[Reply]:
    """Returns one reply for each ask; a batch that breaks as a whole is asked again item by item.

    A player that is unavailable is not asked again here: when, and whether, is for one place alone (`retry`).

    Args:
        player: who is asked; all asks are for it.
        asks: with different keys.
        price: US dollars an item where the player does not tell its cost, None if unknown.

    Raises:
        WeightsError: the player's weights are missing or wrong; no game can go on with it.
        UsageError: the player is not finished or wrongly used, or its key is not accepted; no game can go on with it.
    """
    try:
        return _attempt(player, asks, price)
    except (WeightsError, UsageError):
        raise
    except KeyRejected as error:
        raise UsageError(redact(str(error))) from None
    except ModelUnavailable as error:
        return [_failure(ask, error, price) for ask in asks]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a player may raise anything; it must end one game only
        if len(asks) == 1:
            return [_failure(asks[0], error, price)]
    return [_twice(reply, price) for ask in asks for reply in answer(player, [ask], price)]


def silent(ask: Request, reason: str, again: bool) -> Reply:
    """Returns the reply of a call that was given up; its cost is unknown. `again`: whether another one may help."""
    return Reply(Hop(ask, Outcome.FAILED, None, reason), ModelUnavailable(reason) if again else None)


def shared(hop: Hop, ask: Request) -> Hop:
    """Returns the hop of an ask that an equal one has answered: no call was made for it."""
    return replace(hop, ask=ask, seconds=0.0, attempts=0, cost=0.0)


def _attempt(player: Model, asks: Sequence[Request], price: float | None) -> list[Reply]:
    started, clock = time.time(), time.perf_counter()
    made = _call(player, asks)
    seconds = (time.perf_counter() - clock) / len(asks)
    rejected = [one.result for one in made if isinstance(one.result, KeyRejected)]
    if len(rejected) == len(made):  # what else came back may have been paid for, and is kept
        raise rejected[0]
    return [_reply(ask, one, price, (started, seconds)) for ask, one in zip(asks, made, strict=True)]


def _call(player: Model, asks: Sequence[Request]) -> list[_Made]:
    seeds = [ask.seed for ask in asks]
    if isinstance(player, Text2Image):
        texts = [ask.parent.text for ask in asks]
        cut = [player.count_cut(text) for text in texts]
        answers = draw_answers(player, texts, seeds)
        return [replace(_pack(made), tokens_cut=tokens) for made, tokens in zip(answers, cut, strict=True)]
    assert isinstance(player, Image2Text)
    with _WORK:
        pictures = [decode(ask.parent.data) for ask in asks]
    return [_pack(made) for made in describe_answers(player, pictures, seeds)]


def _pack(answer: ModelOutput) -> _Made:
    return _Made(_artefact(answer.made), answer.cost, answer.raw[:RAW])


def _artefact(made: Any) -> Artefact | ModelError:
    if isinstance(made, ModelError):
        return made
    if isinstance(made, str):
        return Artefact("text", made.encode())
    with _WORK:
        return Artefact("image", encode_png(made))


def _reply(ask: Request, made: _Made, price: float | None, when: tuple[float, float]) -> Reply:
    started, seconds = when
    cost = price if made.cost is None else made.cost
    if isinstance(made.result, ModelError):
        reply = _failure(ask, made.result, price)
        told = reply.hop.cost if made.cost is None else made.cost
        raw = made.raw or reply.hop.raw
        return replace(reply, hop=replace(reply.hop, started=started, seconds=seconds, raw=raw, cost=told))
    hop = Hop(ask, Outcome.OK, made.result, "", made.raw, started, seconds, 1, cost, made.tokens_cut)
    return Reply(hop)


def _failure(ask: Request, error: BaseException, price: float | None) -> Reply:
    outcome = Outcome.REFUSED if isinstance(error, ModelRefused) else Outcome.FAILED
    said = " ".join(redact(str(error)).split())
    reason = said if isinstance(error, ModelError) and said else f"{type(error).__name__}: {said}".rstrip(": ")
    raw = redact("".join(traceback.format_exception(error)))[-RAW:]
    # Whether a call without an answer was billed, nobody knows unless the player says so, or never costs anything.
    cost = 0.0 if price == 0 else None
    hop = Hop(ask, outcome, None, reason[:REASON], raw, started=time.time(), cost=cost)
    return Reply(hop, error if isinstance(error, ModelUnavailable) else None)


def _twice(reply: Reply, price: float | None) -> Reply:
    """Counts the call of the whole batch as well."""
    cost = reply.hop.cost if price == 0 else None
    return replace(reply, hop=replace(reply.hop, attempts=reply.hop.attempts + 1, cost=cost))
