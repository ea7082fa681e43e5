"""A local provider with faults on request, and an environment without keys."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from misbehaving import Server

from telephone import models


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "REPLICATE_API_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TELEPHONE_KEYS", str(tmp_path / "none" / "keys.toml"))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(delay=1.0) as running:
        yield running


@pytest.fixture
def remote_model(server: Server) -> Callable[..., Any]:
    """Returns a function from an address to its model on the local provider."""

    def make(ref: str, kind: str = "text2image", **options: object) -> Any:
        chosen = {"kind": kind, "base_url": server.url, "timeout": 10, **options}
        query = "&".join(f"{name}={value}" for name, value in chosen.items())
        return models.load_model(f"{ref}?{query}")

    return make
