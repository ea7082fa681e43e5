"""The routes of the server."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from PIL import Image
from starlette.exceptions import HTTPException

from telephone.core.images import content_hash, encode_png
from telephone.core.seeds import digest
from telephone.serve.access import AccessPolicy
from telephone.serve.error_responses import ApiError, bad_request
from telephone.serve.middleware import RequestGuard
from telephone.serve.request_body import parse_body
from telephone.serve.request_schema import (
    ChatRequest,
    EmbeddingRequest,
    ImageRequest,
    read_image,
)
from telephone.serve.router import Router, seeds_for
from telephone.serve.served_models import ServedModel

Result = TypeVar("Result")

_WORKERS = ThreadPoolExecutor(4, thread_name_prefix="telephone-requests")
"""Parse bodies, decode and encode images; few, because a decoded image takes up to 48 MB."""


def make_app(served: Mapping[str, ServedModel], policy: AccessPolicy) -> RequestGuard:
    """Returns the ASGI application that serves these models.

    Args:
        served: models by name.
        policy: access policy.
    """
    router = Router(served)
    app = FastAPI(title="telephone", docs_url=None, redoc_url=None, openapi_url=None)
    _error_handlers(app)
    _model_routes(app, router)
    _image_routes(app, router)
    _chat_routes(app, router)
    _embedding_routes(app, router)
    return RequestGuard(app, policy)


def _model_routes(app: FastAPI, router: Router) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_card(target) for target in router.served.values()]}

    @app.get("/v1/models/{model:path}")
    async def model(model: str) -> dict[str, Any]:
        return _card(router.find(model))


def _image_routes(app: FastAPI, router: Router) -> None:
    @app.post("/v1/images/generations")
    async def images(http: Request) -> Response:
        request = await offload(parse_body, await http.body(), ImageRequest)
        target = router.find(request.model, "text2image")
        count = request.n or 1
        seeds = seeds_for(request.seed, count, target.name, request.prompt)
        drawn = await router.call(target, [request.prompt] * count, seeds)
        size = f"{drawn[0].width}x{drawn[0].height}"
        if request.size not in (None, "auto", size):
            raise bad_request(f"{target.name} draws {size}; request that size, or leave size out.", "invalid_size")
        data = [{"b64_json": await offload(_base64_png, image)} for image in drawn]
        return JSONResponse({"created": int(time.time()), "output_format": "png", "size": size, "data": data})


def _chat_routes(app: FastAPI, router: Router) -> None:
    @app.post("/v1/chat/completions")
    async def chat(http: Request) -> Response:
        request = await offload(parse_body, await http.body(), ChatRequest)
        target = router.find(request.model, "image2text")
        image = await offload(read_image, request.address)
        shown = "" if request.seed is not None else await offload(_image_hash, image)
        (seed,) = seeds_for(request.seed, 1, target.name, shown, request.task)
        (text,) = await router.call(target, [image], [seed], request.task)
        head = {
            "id": f"chatcmpl-{digest(target.name, seed, text)[:24]}",
            "created": int(time.time()),
            "model": request.model,
        }
        message = {"role": "assistant", "content": text}
        if not request.stream:
            choice = {"index": 0, "message": {**message, "refusal": None}, "finish_reason": "stop", "logprobs": None}
            return JSONResponse({**head, "object": "chat.completion", "choices": [choice]})
        return Response(_stream(head, message), media_type="text/event-stream")


def _embedding_routes(app: FastAPI, router: Router) -> None:
    @app.post("/v1/embeddings")
    async def embeddings(http: Request) -> Response:
        request = await offload(parse_body, await http.body(), EmbeddingRequest)
        target = router.find(request.model, "embedder")
        texts = request.texts
        rows = await router.call(target, texts, [0] * len(texts))
        width = len(rows[0])
        if request.dimensions not in (None, width):
            raise bad_request(
                f"{target.name} returns vectors of {width} dimensions; request that number, or leave dimensions out."
            )
        body = await offload(_embedding_json, rows, request.model, request.encoding_format == "base64")
        return Response(body, media_type="application/json")


def _error_handlers(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def api_error(request: Request, error: ApiError) -> JSONResponse:
        return JSONResponse(error.document, error.status, error.headers)

    @app.exception_handler(HTTPException)
    async def not_found(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path[:100]}: {error.detail}; docs/serve.md lists the routes."
        return await api_error(request, ApiError(error.status_code, message, "unknown_url"))


def _card(target: ServedModel) -> dict[str, Any]:
    return {"id": target.name, "object": "model", "created": 0, "owned_by": target.provider, "kind": target.kind}


def _stream(head: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """Returns the text as one chunk and an end chunk: streaming clients can read it, though not earlier."""
    pieces = [({**message}, None), ({}, "stop")]
    chunks = [
        {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        for delta, end in pieces
    ]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


async def offload(function: Callable[..., Result], *given: Any) -> Result:
    """Returns the result of a function that is called in a worker thread, so that the event loop stays responsive."""
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, function, *given)


def _base64_png(image: Image.Image) -> str:
    return base64.b64encode(encode_png(image)).decode()


def _image_hash(image: Image.Image) -> str:
    return content_hash(encode_png(image))


def _embedding_json(rows: Sequence[Any], model: str, as_base64: bool) -> bytes:
    """Writes the response row by row: one call of the library for all rows would stop all threads for its duration."""
    write = _base64_numbers if as_base64 else _numbers
    items = [
        json.dumps({"object": "embedding", "index": at, "embedding": write(row)}, allow_nan=False)
        for at, row in enumerate(rows)
    ]
    return f'{{"object": "list", "model": {json.dumps(model)}, "data": [{", ".join(items)}]}}'.encode()


def _numbers(row: Any) -> list[float]:
    return [float(value) for value in row]


def _base64_numbers(row: Any) -> str:
    return base64.b64encode(np.asarray(row, dtype="<f4").tobytes()).decode()
