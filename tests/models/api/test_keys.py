"""API keys: two sources, one server each, and no key in any written file, log or message."""

import logging
from pathlib import Path

import pytest
from misbehaving import Server
from typer.testing import CliRunner

from telephone import models
from telephone.cli import app
from telephone.core.errors import ModelError, UsageError
from telephone.core.redaction import redact
from telephone.models import barcode
from telephone.models.api import Key, find_key, key_names
from telephone.models.api.sanitize import provider_message

KEY = "sk-test-4f8a91c2d7e6b305"
"""Looks like a real one, so that it is looked for everywhere."""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(f'openai = "{KEY}"\n"api.example.com" = "another-key-123"\n"gpu-box:8000" = "box-key-12345"\n')
    path.chmod(0o600)
    monkeypatch.setenv("TELEPHONE_KEYS", str(path))
    return path


def test_a_key_does_not_show_itself(file):
    key = find_key("openai")
    assert key is not None
    assert key.reveal() == KEY
    assert KEY not in f"{key} {key!r} {[key]}"
    assert "openai" in str(key)


def test_the_environment_comes_first_and_nothing_is_no_key(file, monkeypatch):
    assert find_key("replicate") is None
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment-1")
    key = find_key("openai")
    assert isinstance(key, Key)
    assert (key.reveal(), key.source) == ("from-the-environment-1", "OPENAI_API_KEY")


def test_a_key_belongs_to_one_machine(file, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert find_key("openai", "evil.example") is None
    assert find_key("openai", "api.example.com:443").reveal() == "another-key-123"
    assert find_key("openai", "gpu-box") is None
    assert find_key("openai", "gpu-box:8000").reveal() == "box-key-12345"
    monkeypatch.setenv("TELEPHONE_KEY_GPU_BOX", "for-the-box-1")
    assert find_key("openai", "gpu-box:8000").reveal() == "for-the-box-1"
    assert key_names("openai", "gpu-box:8000") == ("TELEPHONE_KEY_GPU_BOX", "TELEPHONE_KEY_GPU_BOX_8000")


def test_the_key_of_the_provider_is_not_sent_to_another_server(server, remote_model, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    remote_model("openai/m").generate_images(["a"])
    assert KEY not in str(server.requests)
    monkeypatch.setenv("TELEPHONE_KEY_127_0_0_1", "for-this-server-1")
    remote_model("openai/m", quality="low").generate_images(["a"])
    assert server.requests[-1]["headers"]["authorization"] == "Bearer for-this-server-1"


def test_what_the_client_finds_in_the_environment_is_not_sent_to_another_server(server, remote_model, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret-1")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "admin-secret-1")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://evil.example/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: custom-secret-1\nAuthorization: Bearer other-secret-1")
    remote_model("openai/m").generate_images(["a"])
    assert len(server.requests) == 1
    assert "secret" not in str(server.requests)
    assert "authorization" not in {name.lower() for name in server.requests[0]["headers"]}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(file, mode):
    file.chmod(mode)
    with pytest.raises(UsageError, match="chmod 600"):
        find_key("openai")


@pytest.mark.parametrize(
    "text", [f'openai = "{KEY}', f"{KEY}", f"openai = {KEY}", f'openai = "{KEY}"\nopenai = "{KEY}"']
)
def test_a_file_that_is_not_toml_is_told_without_its_lines(file, text):
    file.write_text(text)
    with pytest.raises(UsageError, match="not TOML") as raised:
        find_key("openai")
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "wrong", ['"short"', '"with a space inside"', '"line\\nbreak-123456"', "12345678901", '"schlüssel-123456"']
)
def test_what_cannot_be_a_key_is_refused(file, wrong):
    file.write_text(f"openai = {wrong}\n")
    with pytest.raises(UsageError, match="is invalid") as raised:
        find_key("openai")
    assert wrong.strip('"') not in str(raised.value)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TELEPHONE_KEYS", str(tmp_path))
    with pytest.raises(UsageError, match="key file"):
        find_key("openai")


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-a1b2c3d4e5f6",
        "sk-ab***********9xyz",
        "r8_0123456789abcdef",
        "hf_AbCdEfGhIjKl",
        "Bearer abcdef0123456789",
    ],
)
def test_what_looks_like_a_key_is_struck_out(text):
    assert text not in redact(f"You said {text}, which is wrong.")
    assert "[key]" in redact(f"({text})")


def test_ordinary_words_stay():
    words = "A task-oriented bearer of good tidings; sk-learn, asks for hf_ab and risk-taking."
    assert redact(words) == words


def test_a_provider_that_quotes_the_key_is_not_repeated(file):
    find_key("openai", "api.example.com")
    assert "another-key-123" not in provider_message("Incorrect API key provided: another-key-123.")


@pytest.mark.parametrize("fault", ["401", "500", "400", "moderated", "half", "empty"])
def test_no_error_carries_the_key_not_even_in_its_causes(server, remote_model, monkeypatch, fault):
    monkeypatch.setenv("TELEPHONE_KEY_127_0_0_1", KEY)
    server.token = "something-else" if fault == "401" else ""
    server.script.append(fault)
    (made,) = remote_model("openai/m").generate_images(["a"])
    error = made if isinstance(made, ModelError) else made.value
    seen = []
    while error is not None:
        seen.append(f"{error} {error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert KEY not in " ".join(seen)


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.slow
def test_after_a_battle_with_failing_calls_no_file_and_no_line_holds_the_key(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TELEPHONE_KEY_127_0_0_1", KEY)
    (folder / "prompts.txt").write_text("A red kite.\nTwo grey boats.\nA hat.\n")
    with Server(rate=0.25, faults=("400", "moderated", "empty", "noise", "refused")) as server:
        server.script.extend(["leak", "ok", "ok", "leak"])
        address = f"openai/m?base_url={server.url}&timeout=5&price=0&kind="
        words = ["--t2i", f"{address}text2image", "--i2t", f"{address}image2text", "--prompts", "prompts.txt"]
        done = CliRunner().invoke(app, ["play", *words, "--turns", "3", "--embedder", "fake/embedder"])
        assert server.requests, done.output
        assert server.requests[0]["headers"]["authorization"] == f"Bearer {KEY}"
        assert server.fault_counts["leak"] == 2
    found = written(folder)
    assert b"[key]" in found  # the server's answer with the key in it has been kept, without the key
    assert len(found) > 10_000
    for text in (found, done.output.encode(), caplog.text.encode()):
        assert KEY.encode() not in text
        assert KEY[3:-3].encode() not in text


def test_a_server_that_sends_the_key_back_does_not_get_it_into_a_text(server, monkeypatch):
    monkeypatch.setenv("TELEPHONE_KEY_127_0_0_1", KEY)
    captioner = models.load_model(f"openai/m?kind=image2text&base_url={server.url}&timeout=5")
    (made,) = captioner.generate_texts([barcode.draw(f"Your key is {KEY}!".encode())])
    assert made.value == "Your key is [key]!"


def test_a_line_break_after_a_key_is_no_part_of_it(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", " key-of-a-test\r\n")
    assert find_key("openai").reveal() == "key-of-a-test"
    monkeypatch.setenv("OPENAI_API_KEY", "key-of\na-test")
    with pytest.raises(UsageError, match="without spaces"):
        find_key("openai")
