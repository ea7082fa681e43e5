"""Local models as a user has them: fetched from a hub, put on the line by the command, twice with one result."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from typer.testing import CliRunner

from telephone.cli import app

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def telephone(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def texts_of(folder):
    from telephone.store import Run

    with Run.open(folder) as run:
        frame = run.frame()
    return frame[["conversation_name", "step_number", "text_before", "text_after"]].values.tolist()


def test_a_battle_of_a_drawer_and_two_describers_ends_the_same_twice(tiny_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("models").symlink_to(tiny_model("stable-diffusion").parent)
    for kind in ("stable-diffusion", "blip", "llava"):
        tiny_model(kind)
    Path("prompts.txt").write_text("a red cat\na small blue boat\n")
    words = ["play", "--t2i", "diffusers/./models/stable-diffusion?steps=2", "--prompts", "prompts.txt", "--turns", "2"]
    words += [
        "--i2t",
        "transformers/./models/blip?max_tokens=6,transformers/./models/llava?max_tokens=6",
        "--no-report",
    ]
    for out in ("one", "two"):
        done = telephone(*words, "--out", out)
        assert done.exit_code == 0, done.output
    told = texts_of(tmp_path / "one")
    assert len(told) == 4 * 2
    assert len({row[3] for row in told}) > 4
    assert told == texts_of(tmp_path / "two")


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub as a download needs: a list of files, and the files."""

    folder: Path
    asked: list[str]
    extra: tuple[str, ...] = ()
    """Further names in the list of files."""

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path = unquote(urlparse(self.path).path)
        if path.startswith("/api/models/tiny/drawer/tree/"):
            files = [file for file in sorted(self.folder.rglob("*")) if file.is_file()]
            named = [{"type": "file", "path": name, "size": 5, "oid": "x"} for name in self.extra]
            self.send(json.dumps([*named, *(self.entry(file) for file in files)]).encode(), "application/json")
        elif path.startswith("/api/models/tiny/drawer"):
            self.send(json.dumps({"id": "tiny/drawer", "sha": COMMIT}).encode(), "application/json")
        elif path.startswith("/tiny/drawer/resolve/"):
            name = path.split("/", 5)[5]
            self.asked.append(name)
            self.send(
                b"stray" if name in self.extra else (self.folder / name).read_bytes(),
                "application/octet-stream",
                etag=name.replace("/", "-"),
            )
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def entry(self, file):
        name = str(file.relative_to(self.folder))
        return {"type": "file", "path": name, "size": file.stat().st_size, "oid": name.replace("/", "-")}

    def send(self, body, kind, etag=""):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        if etag:
            self.send_header("ETag", f'"{etag}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def hub(tiny_model, tmp_path) -> Iterator[tuple[str, type[Hub]]]:
    """The address of a hub that has one model, and its handler, which knows the files that were asked for."""
    import shutil

    folder = shutil.copytree(tiny_model("stable-diffusion"), tmp_path / "served")
    (folder / "v1-pruned.safetensors").write_bytes(b"not needed")
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"not wanted")
    handler = type("TinyHub", (Hub,), {"folder": folder, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(hub, home, *refs):
    env = {
        **os.environ,
        "HF_ENDPOINT": hub,
        "HF_HUB_CACHE": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
    }
    command = [sys.executable, "-m", "telephone", "fetch", *refs]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_a_model_is_fetched_with_what_it_needs_and_then_draws(hub, tmp_path, monkeypatch):
    address, asked = hub[0], hub[1].asked
    done = fetch(address, tmp_path / "cache", "diffusers/tiny/drawer")
    assert done.returncode == 0, done.stderr
    assert COMMIT in done.stdout
    assert "unet/diffusion_pytorch_model.safetensors" in asked
    assert not {"v1-pruned.safetensors", "unet/diffusion_pytorch_model.bin"} & set(asked)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    from telephone.models import text2image

    assert text2image("diffusers/tiny/drawer?steps=2").generate_image("a cat", 1).size == (16, 16)


def test_what_the_hub_does_not_have_is_told(hub, tmp_path):
    done = fetch(hub[0], tmp_path / "cache", "transformers/no/such")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The hub has no accessible model no/such" in done.stderr
    assert fetch(hub[0], tmp_path / "cache", "fake/painter").returncode == 2


@pytest.mark.parametrize("name", ["../../../stray.json", "/stray.json", "unet/../../../../stray.json", "a\x00b.json"])
def test_names_that_lead_out_of_the_folder_are_refused_in_a_sentence(hub, tmp_path, name):
    hub[1].extra = (name,)
    done = fetch(hub[0], tmp_path / "a" / "b" / "cache", "transformers/tiny/drawer")
    assert done.returncode == 1
    assert "tiny/drawer" in done.stderr
    assert "Traceback" not in done.stderr
    assert "should not" not in done.stderr
    assert not [
        path for path in tmp_path.rglob("stray*") if path.read_bytes() == b"stray" and "cache" not in path.parts
    ]
    assert not Path("/stray.json").exists()


def test_a_folder_that_leads_out_in_the_index_is_refused(hub, tmp_path):
    index = hub[1].folder / "model_index.json"
    index.write_text(
        json.dumps({**json.loads(index.read_text()), "../../x": ["diffusers", "UNet2DModel"], "empty": []})
    )
    done = fetch(hub[0], tmp_path / "cache", "diffusers/tiny/drawer")
    assert done.returncode == 1
    assert "names the folder '../../x', which is refused" in " ".join(done.stderr.split())
