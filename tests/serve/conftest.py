"""A server of fake models, shared by the tests of a module, and the official client."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import serving


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TELEPHONE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TELEPHONE_KEYS", str(tmp_path / "none" / "keys.toml"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    refs = [
        "fake/painter?loss=0.4", "fake/captioner", "fake/embedder", "oracle/renderer",
        "rude=fake/painter?refuse=1", "frail=fake/painter?fail=1", "rude-reader=fake/captioner?refuse=1",
    ]  # fmt: skip
    with serving(refs) as url:
        yield url


@pytest.fixture
def connect() -> Iterator[Callable[..., openai.OpenAI]]:
    with_ends: list[openai.OpenAI] = []

    def made(url: str, **options: Any) -> openai.OpenAI:
        with_ends.append(openai.OpenAI(base_url=url, **{"api_key": "none", "max_retries": 0, **options}))
        return with_ends[-1]

    yield made
    for each in with_ends:
        each.close()


@pytest.fixture
def client(address: str, connect: Callable[..., openai.OpenAI]) -> openai.OpenAI:
    return connect(address)
