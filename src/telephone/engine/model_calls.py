"""One call of a model for a batch of requests; whatever goes wrong becomes a call with a reason."""

import os
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from telephone.core.errors import KeyRejected, ModelError, ModelRefused, ModelUnavailable, UsageError, WeightsError
from telephone.core.images import decode, encode_rgb
from telephone.core.records import Artefact, Call, Outcome, Request
from telephone.core.redaction import redact
from telephone.models import (
    Edit,
    Image2Text,
    ImageEditor,
    Model,
    ModelOutput,
    Text2Image,
    edit_outputs,
    generate_image_outputs,
    generate_text_outputs,
)

REASON = 300
"""Characters of a reason."""
RAW = 2000
"""Characters that are kept of what a provider returns beside its result, and of the end of a traceback."""
DECODED_BYTES = 2 * 2**20
"""Bytes of pixels that are kept between the call that makes an image and the one that takes it."""
_IMAGE_WORK = threading.BoundedSemaphore(min(4, os.cpu_count() or 1))
"""Held to decode or encode an image: a hundred calls that come back at once would slow each other down."""


class DecodedImages:
    """Images that were decoded or made lately, by content hash; safe in several threads."""

    def __init__(self, most: int = DECODED_BYTES) -> None:
        """`most`: bytes of pixels to keep."""
        self._most, self._size = most, 0
        self._images: OrderedDict[str, Image.Image] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, artefact: Artefact) -> Image.Image:
        """Returns the image of an artefact, a copy that the caller may change.

        Raises:
            ModelError: the bytes cannot be decoded.
        """
        sha = artefact.sha256
        with self._lock:
            found = self._images.get(sha)
            if found is not None:
                self._images.move_to_end(sha)
        if found is None:
            with _IMAGE_WORK:
                found = decode(artefact.data)
            self.put(sha, found)
        return found.copy()

    def put(self, sha: str, image: Image.Image) -> None:
        """Keeps an image until there is no room for it; the caller does not change it afterwards."""
        with self._lock:
            if sha in self._images:
                return
            self._images[sha] = image
            self._size += _size(image)
            while self._size > self._most:
                _, oldest = self._images.popitem(last=False)
                self._size -= _size(oldest)


def _size(image: Image.Image) -> int:
    return image.width * image.height * 3


@dataclass(frozen=True)
class Reply:
    """What one call gave for one request."""

    call: Call
    """As if it ended the request: with the attempts and the cost of this call alone."""
    unavailable: ModelUnavailable | None = None
    """Why the request may be sent again; None if this is the model's answer, good or bad."""
    error: BaseException | None = None
    """What the model raised, if it failed."""


@dataclass(frozen=True)
class _RawResult:
    """What a call gave for one request, before it is a `Call`."""

    result: Artefact | ModelError
    cost: float | None = None
    raw: str = ""
    tokens_cut: int = 0


def answer(
    model: Model, requests: Sequence[Request], price: float | None, images: DecodedImages | None = None
) -> list[Reply]:
    """Returns one reply for each request; a batch that fails as a whole is repeated item by item.

    A model that is unavailable is not called again here: the dispatcher decides whether and when.

    Args:
        model: all requests are for it.
        requests: with different keys, all of one task.
        price: US dollars an item where the model does not report its cost, None if unknown.
        images: where decoded images are looked up and kept.

    Raises:
        WeightsError: the model's weights are missing or wrong; every other call would fail as well.
        UsageError: the model is incomplete or wrongly used, or its key is not accepted.
    """
    images = images or DecodedImages()
    try:
        return _attempt(model, requests, price, images)
    except (WeightsError, UsageError):
        raise
    except KeyRejected as error:
        raise UsageError(redact(str(error))) from None
    except ModelUnavailable as error:
        return [_failure(request, error, price) for request in requests]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a model may raise anything; only its own job may fail
        if len(requests) == 1:
            return [_failure(requests[0], error, price)]
    return [_with_batch(reply, price) for request in requests for reply in answer(model, [request], price, images)]


def unanswered(request: Request, reason: str, price: float | None, retry: bool) -> Reply:
    """Returns the reply of a call that took too long; its cost is unknown unless the model is free.

    Args:
        request: what was sent.
        reason: one sentence.
        price: US dollars an item, None if unknown.
        retry: whether another call may help.
    """
    error = ModelUnavailable(reason)
    call = Call(request, Outcome.FAILED, None, reason, cost=0.0 if price == 0 else None)
    return Reply(call, error if retry else None, error)


def _attempt(model: Model, requests: Sequence[Request], price: float | None, images: DecodedImages) -> list[Reply]:
    started, clock = time.time(), time.perf_counter()
    made = _call(model, requests, images)
    seconds = (time.perf_counter() - clock) / len(requests)
    rejected = [one.result for one in made if isinstance(one.result, KeyRejected)]
    if len(rejected) == len(made):  # the other results of the batch may have been paid for, and are kept
        raise rejected[0]
    return [_reply(request, one, price, (started, seconds)) for request, one in zip(requests, made, strict=True)]


def _call(model: Model, requests: Sequence[Request], images: DecodedImages) -> list[_RawResult]:
    if isinstance(model, ImageEditor):
        edits = [_edit(request, images) for request in requests]
        made = edit_outputs(model, edits, [request.seed for request in requests])
        return [_pack(output, images) for output in made]
    if any(request.options for request in requests):
        raise UsageError(f"{requests[0].model} takes no options for a single call: put them into its address.")
    seeds = [request.seed for request in requests]
    if isinstance(model, Text2Image):
        texts = [request.parent.text for request in requests]
        cut = [model.count_cut(text) for text in texts]
        outputs = generate_image_outputs(model, texts, seeds)
        return [replace(_pack(made, images), tokens_cut=tokens) for made, tokens in zip(outputs, cut, strict=True)]
    assert isinstance(model, Image2Text)
    shown = [images.get(request.parent) for request in requests]
    return [_pack(made, images) for made in generate_text_outputs(model, shown, seeds)]


def _edit(request: Request, images: DecodedImages) -> Edit:
    """Returns what an editor is asked for: the parents in the order of the option `inputs`, and the strength."""
    inputs = dict(zip(request.options.get("inputs", "image,text").split(","), request.parents, strict=True))
    mask, reference = inputs.get("mask"), inputs.get("reference")
    strength = request.options.get("strength")
    return Edit(
        images.get(inputs["image"]),
        inputs["text"].text if "text" in inputs else "",
        images.get(mask) if mask is not None else None,
        float(strength) if strength is not None else None,
        images.get(reference) if reference is not None else None,
    )


def _pack(output: ModelOutput, images: DecodedImages) -> _RawResult:
    return _RawResult(_artefact(output.value, images), output.cost, output.raw[:RAW])


def _artefact(made: Any, images: DecodedImages) -> Artefact | ModelError:
    if isinstance(made, ModelError):
        return made
    if isinstance(made, str):
        return Artefact("text", made.encode())
    with _IMAGE_WORK:
        artefact = Artefact("image", encode_rgb(made))
    images.put(artefact.sha256, made)
    return artefact


def _reply(request: Request, made: _RawResult, price: float | None, when: tuple[float, float]) -> Reply:
    started, seconds = when
    if isinstance(made.result, ModelError):
        reply = _failure(request, made.result, price)
        cost = reply.call.cost if made.cost is None else made.cost
        raw = made.raw or reply.call.raw
        return replace(reply, call=replace(reply.call, started=started, seconds=seconds, raw=raw, cost=cost))
    cost = price if made.cost is None else made.cost
    call = Call(
        request, Outcome.OK, made.result, raw=made.raw, started=started, seconds=seconds, cost=cost,
        tokens_cut=made.tokens_cut,
    )  # fmt: skip
    return Reply(call)


def _failure(request: Request, error: BaseException, price: float | None) -> Reply:
    outcome = Outcome.REFUSED if isinstance(error, ModelRefused) else Outcome.FAILED
    message = " ".join(redact(str(error)).split())
    reason = message if isinstance(error, ModelError) and message else f"{type(error).__name__}: {message}".rstrip(": ")
    raw = redact("".join(traceback.format_exception(error)))[-RAW:]
    unavailable = error if isinstance(error, ModelUnavailable) else None
    # Whether a call without an answer is billed is unknown, unless the provider says so or the model is free.
    cost = 0.0 if price == 0 else unavailable.cost if unavailable else None
    call = Call(request, outcome, None, reason[:REASON], raw, started=time.time(), cost=cost)
    return Reply(call, unavailable, error)


def _with_batch(reply: Reply, price: float | None) -> Reply:
    """Counts the call of the whole batch as well."""
    call = reply.call
    unpriced = call.unpriced + (price != 0 and call.cost is not None)
    return replace(reply, call=replace(call, attempts=call.attempts + 1, unpriced=unpriced))
