"""From a client's request to a player and back: finds the player, asks its lane, says what came of it."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from telephone.core.errors import ModelError, TelephoneError
from telephone.core.seeds import derive
from telephone.models import ModelKind, parse_ref
from telephone.models.provider import suggestion
from telephone.serve.batching import Lane, QueuedCall
from telephone.serve.error_responses import Fault, from_player, wrong
from telephone.serve.served_models import Guest

_DOES: dict[ModelKind, str] = {
    "text2image": "draws: ask /v1/images/generations",
    "image2text": "describes pictures: ask /v1/chat/completions",
    "embedder": "embeds texts: ask /v1/embeddings",
}


class Desk:
    """All players of a server and their lanes; lives in one event loop."""

    def __init__(self, guests: Mapping[str, Guest]) -> None:
        """Opens a lane for each device.

        Args:
            guests: the players by name.
        """
        self.guests = guests
        self._lanes: dict[str, Lane] = {}
        for guest in guests.values():
            workers = guest.traits.concurrency if guest.traits.device == "remote" else 1
            self._lanes.setdefault(guest.lane, Lane(workers))

    def find(self, model: str, kind: ModelKind | None = None) -> Guest:
        """Returns the player that a client calls by its name, or by its address with options.

        Raises:
            Fault: there is none, or it is of another kind.
        """
        guest = self.guests.get(model) or next((one for one in self.guests.values() if _same(one.ref, model)), None)
        if guest is None:
            known = ", ".join(self.guests)
            hint = suggestion(model, self.guests)
            raise Fault(
                404, f"There is no model {model[:100]!r} here.{hint} The models are: {known}.", "model_not_found"
            )
        if kind is not None and guest.kind != kind:
            raise wrong(f"{guest.name} {_DOES[guest.kind]}.", "wrong_endpoint")
        return guest

    async def ask(self, guest: Guest, items: Sequence[Any], seeds: Sequence[int], task: str = "") -> list[Any]:
        """Returns one result an item.

        Raises:
            Fault: the player failed on one of them.
        """
        try:
            made = await self._lanes[guest.lane].ask(QueuedCall(guest, items, seeds, task))
        except ModelError as error:
            raise _told(guest, error) from error
        except TelephoneError as error:
            # Such a sentence is for whoever runs the server, and may name its folders.
            _note(guest, error)
            raise Fault(
                500, f"{guest.name} cannot play now; the server's own log says why.", "player_broken"
            ) from error
        except Exception as error:  # noqa: BLE001 - a player may raise anything, and the others go on
            _note(guest, error)
            raise Fault(422, f"{guest.name} failed ({type(error).__name__}).", "player_failed") from error
        for result in made:
            if isinstance(result, ModelError):
                raise _told(guest, result)
        return made

    def close(self) -> None:
        """Starts no call any more."""
        for lane in self._lanes.values():
            lane.close()


def seeds_for(seed: int | None, count: int, *given: object) -> list[int]:
    """Returns one seed an item: the client's own first, further ones made from it.

    Without one it is made from what is asked, so that the same request has the same answer.
    """
    first = derive("serve", *given) if seed is None else seed
    return [first, *(derive("serve next", first, number) for number in range(1, count))]


def _told(guest: Guest, error: ModelError) -> Fault:
    fault = from_player(guest.name, error)
    if fault.status != 400:
        _note(guest, error)
    return fault


def _note(guest: Guest, error: BaseException) -> None:
    from telephone.core.redaction import redact

    said = "".join(sign if sign.isprintable() else " " for sign in redact(str(error)))[:500]
    print(f"{guest.name}: {type(error).__name__}: {said}", file=sys.stderr, flush=True)


def _same(ref: str, model: str) -> bool:
    try:
        return str(parse_ref(model)) == ref
    except TelephoneError:
        return False
