"""The official client against the OpenAI-compatible server of transformers, which serves a tiny chat model."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from telephone import models
from telephone.core.errors import ModelError

PATIENCE = 300
"""Seconds for the server to come up on a busy machine; a few on an idle one."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_model: Callable[[str], Path]) -> Iterator[tuple[str, Path]]:
    """The base address of `transformers serve` and the folder of the model that it serves."""
    pytest.importorskip("uvicorn")
    folder = tmp_path_factory.mktemp("served")
    model = tiny_model("llava")
    (folder / "home" / "hub").mkdir(parents=True)
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    port = free_port()
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--host", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        words = [*command, "--port", str(port), "--device", "cpu", "--dtype", "float32"]
        process = subprocess.Popen(words, env=env, stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "log")
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(log.read_text()[-3000:])


@pytest.mark.slow
def test_a_tiny_model_describes_through_the_server(served: tuple[str, Path]) -> None:
    url, model = served
    captioner = models.image2text(f"openai/{model}?kind=image2text&base_url={url}&max_tokens=8&timeout=120")
    shown = [Image.new("RGB", (32, 32), colour) for colour in ("red", "navy", "red")]
    answers = captioner.generate_texts(shown)
    assert not [answer for answer in answers if isinstance(answer, ModelError)]
    red, blue, again = (answer.value for answer in answers)
    assert red == again != blue
    assert json.loads(answers[0].raw)["usage"]["completion_tokens"] <= 8
    assert answers[0].cost is None
    assert isinstance(captioner.generate_text(shown[0]), str)


@pytest.mark.slow
def test_a_route_that_the_server_lacks_is_an_error(served: tuple[str, Path]) -> None:
    url, model = served
    generator = models.text2image(f"openai/{model}?kind=text2image&base_url={url}&timeout=120")
    (made,) = generator.generate_images(["a red kite"])
    assert type(made) is ModelError
    assert "404" in str(made)
