"""The paths of the server and what each answers."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from telephone.core.images import content_hash, encode_png
from telephone.core.seeds import digest
from telephone.serve.access import Terms
from telephone.serve.error_responses import Fault, wrong
from telephone.serve.middleware import RequestGuard
from telephone.serve.request_schema import ChatAsk, PicturesAsk, VectorsAsk, explain, read_picture
from telephone.serve.router import Desk, seeds_for
from telephone.serve.served_models import Guest


def make_app(guests: Mapping[str, Guest], terms: Terms) -> RequestGuard:
    """Returns the ASGI application that serves these players.

    Args:
        guests: the players by name.
        terms: who may ask, and how much.
    """
    desk = Desk(guests)
    app = FastAPI(title="telephone", docs_url=None, redoc_url=None, openapi_url=None)
    _faults(app)
    _lists(app, desk)
    _pictures(app, desk)
    _chat(app, desk)
    _vectors(app, desk)
    return RequestGuard(app, terms)


def _lists(app: FastAPI, desk: Desk) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_card(guest) for guest in desk.guests.values()]}

    @app.get("/v1/models/{model:path}")
    async def model(model: str) -> dict[str, Any]:
        return _card(desk.find(model))


def _pictures(app: FastAPI, desk: Desk) -> None:
    @app.post("/v1/images/generations")
    async def pictures(ask: PicturesAsk) -> dict[str, Any]:
        guest = desk.find(ask.model, "text2image")
        count = ask.n or 1
        seeds = seeds_for(ask.seed, count, guest.name, ask.prompt)
        drawn = await desk.ask(guest, [ask.prompt] * count, seeds)
        size = f"{drawn[0].width}x{drawn[0].height}"
        if ask.size not in (None, "auto", size):
            raise wrong(f"{guest.name} draws {size}; ask for that, or for no size.", "invalid_size")
        files = [await asyncio.to_thread(encode_png, picture) for picture in drawn]
        data = [{"b64_json": base64.b64encode(file).decode()} for file in files]
        return {"created": int(time.time()), "output_format": "png", "size": size, "data": data}


def _chat(app: FastAPI, desk: Desk) -> None:
    @app.post("/v1/chat/completions")
    async def chat(ask: ChatAsk) -> Response:
        guest = desk.find(ask.model, "image2text")
        picture = await asyncio.to_thread(read_picture, ask.address)
        (seed,) = seeds_for(ask.seed, 1, guest.name, content_hash(encode_png(picture)), ask.task)
        (text,) = await desk.ask(guest, [picture], [seed], ask.task)
        head = {
            "id": f"chatcmpl-{digest(guest.name, seed, text)[:24]}",
            "created": int(time.time()),
            "model": ask.model,
        }
        message = {"role": "assistant", "content": text}
        if not ask.stream:
            choice = {"index": 0, "message": {**message, "refusal": None}, "finish_reason": "stop", "logprobs": None}
            return JSONResponse({**head, "object": "chat.completion", "choices": [choice]})
        return Response(_stream(head, message), media_type="text/event-stream")


def _vectors(app: FastAPI, desk: Desk) -> None:
    @app.post("/v1/embeddings")
    async def vectors(ask: VectorsAsk) -> dict[str, Any]:
        guest = desk.find(ask.model, "embedder")
        texts = ask.texts
        rows = await desk.ask(guest, texts, [0] * len(texts))
        width = len(rows[0])
        if ask.dimensions not in (None, width):
            raise wrong(f"{guest.name} makes vectors of {width} numbers; ask for that, or leave dimensions out.")
        write = _base64 if ask.encoding_format == "base64" else _numbers
        data = [{"object": "embedding", "index": at, "embedding": write(row)} for at, row in enumerate(rows)]
        return {"object": "list", "model": ask.model, "data": data}


def _faults(app: FastAPI) -> None:
    @app.exception_handler(Fault)
    async def fault(request: Request, error: Fault) -> JSONResponse:
        return JSONResponse(error.document, error.status, error.headers)

    @app.exception_handler(RequestValidationError)
    async def misread(request: Request, error: RequestValidationError) -> JSONResponse:
        return await fault(request, explain(list(error.errors())))

    @app.exception_handler(HTTPException)
    async def nowhere(request: Request, error: HTTPException) -> JSONResponse:
        told = f"{request.method} {request.url.path[:100]}: {error.detail}; docs/serve.md lists what can be asked."
        return await fault(request, Fault(error.status_code, told, "unknown_url"))


def _card(guest: Guest) -> dict[str, Any]:
    return {"id": guest.name, "object": "model", "created": 0, "owned_by": guest.provider, "kind": guest.kind}


def _stream(head: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """The whole text in one piece, then the end: what streams is read by the same clients, only not sooner."""
    pieces = [({**message}, None), ({}, "stop")]
    chunks = [
        {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        for delta, end in pieces
    ]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _numbers(row: Any) -> list[float]:
    return [float(value) for value in row]


def _base64(row: Any) -> str:
    return base64.b64encode(np.asarray(row, dtype="<f4").tobytes()).decode()
