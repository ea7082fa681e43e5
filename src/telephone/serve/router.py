"""Routes a client's request to a model: finds the model, queues the call, maps failures to error responses."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from telephone.core.errors import ModelError, TelephoneError
from telephone.core.seeds import derive
from telephone.models import ModelKind, parse_ref
from telephone.models.provider import suggestion
from telephone.serve.batching import BatchQueue, QueuedCall
from telephone.serve.error_responses import ApiError, bad_request, from_model_error
from telephone.serve.served_models import ServedModel

_DOES: dict[ModelKind, str] = {
    "text2image": "draws: use /v1/images/generations",
    "image2text": "describes images: use /v1/chat/completions",
    "embedder": "embeds texts: use /v1/embeddings",
    "image_editor": "edits images, which this server does not offer",
}


class Router:
    """All models of a server and their queues; belongs to one event loop."""

    def __init__(self, served: Mapping[str, ServedModel]) -> None:
        """Creates a queue for each device.

        Args:
            served: models by name.
        """
        self.served = served
        self._queues: dict[str, BatchQueue] = {}
        for target in served.values():
            workers = target.traits.concurrency if target.traits.device == "remote" else 1
            self._queues.setdefault(target.queue, BatchQueue(workers))

    def find(self, model: str, kind: ModelKind | None = None) -> ServedModel:
        """Returns the model with a name, or with an address including options.

        Raises:
            ApiError: there is no such model, or it is of another kind.
        """
        target = self.served.get(model) or next(
            (one for one in self.served.values() if _same_address(one.ref, model)), None
        )
        if target is None:
            known = ", ".join(self.served)
            hint = suggestion(model, self.served)
            raise ApiError(
                404, f"There is no model {model[:100]!r} here.{hint} The models are: {known}.", "model_not_found"
            )
        if kind is not None and target.kind != kind:
            raise bad_request(f"{target.name} {_DOES[target.kind]}.", "wrong_endpoint")
        return target

    async def call(self, target: ServedModel, items: Sequence[Any], seeds: Sequence[int], task: str = "") -> list[Any]:
        """Returns one result per item.

        Raises:
            ApiError: the model failed on one of them.
        """
        try:
            made = await self._queues[target.queue].call(QueuedCall(target, items, seeds, task))
        except ModelError as error:
            raise _api_error(target, error) from error
        except TelephoneError as error:
            # The message is for the operator of the server and may contain its paths.
            _log(target, error)
            raise ApiError(
                500, f"{target.name} is not available; the server's log gives the reason.", "model_broken"
            ) from error
        except Exception as error:  # noqa: BLE001 - a model may raise anything, and other requests go on
            _log(target, error)
            raise ApiError(422, f"{target.name} failed ({type(error).__name__}).", "model_failed") from error
        for result in made:
            if isinstance(result, ModelError):
                raise _api_error(target, result)
        return made

    def close(self) -> None:
        """Starts no further calls."""
        for queue in self._queues.values():
            queue.close()


def seeds_for(seed: int | None, count: int, *given: object) -> list[int]:
    """Returns one seed per item: the client's seed first, further ones derived from it.

    Without a seed it is derived from the request, so that equal requests have equal results.
    """
    first = derive("serve", *given) if seed is None else seed
    return [first, *(derive("serve next", first, number) for number in range(1, count))]


def _api_error(target: ServedModel, error: ModelError) -> ApiError:
    response = from_model_error(target.name, error)
    if response.status != 400 or response.message != str(error):
        _log(target, error)
    return response


def _log(target: ServedModel, error: BaseException) -> None:
    from telephone.core.redaction import redact

    message = "".join(char if char.isprintable() else " " for char in redact(str(error)))[:500]
    print(f"{target.name}: {type(error).__name__}: {message}", file=sys.stderr, flush=True)


def _same_address(ref: str, model: str) -> bool:
    try:
        return str(parse_ref(model)) == ref
    except TelephoneError:
        return False
