"""A battle across two processes gives the same games as in one."""

import signal
from pathlib import Path

import openai
import pytest
from serving import process, token_file

from telephone import models
from telephone.battle import Roster, begin, grid, plan, play
from telephone.core.errors import ModelError
from telephone.models import Image2Text, Text2Image
from telephone.prompts import get

pytestmark = pytest.mark.slow
TOKEN = "tok-Zx81-Spectrum-42-abcdef"


class HalfSeeds(Text2Image):
    """A player as the wire shows it: seeds go over it in 31 bits, because some services count no further."""

    def __init__(self, ref: str) -> None:
        self.inner = models.text2image(ref)
        self.name = "half-" + ref.partition("?")[0].replace("/", "-")

    def traits(self):
        return self.inner.traits()

    def generate_images(self, texts, seeds=None):
        return models.generate_images(self.inner, texts, [seed % 2**31 for seed in seeds])


def games(folder: Path, t2i: list, i2t: list) -> list[tuple]:
    """Plays and returns what was said, turn by turn, without the names of the players."""
    roster = Roster()
    drawers, describers = [roster.add(one) for one in t2i], [roster.add(one) for one in i2t]
    prompts = [prompt for prompt in get("pocket") if prompt.level == "easy"]
    said = []
    for at, lines in enumerate(grid([drawer], [describer]) for drawer in drawers for describer in describers):
        with begin(folder / str(at), plan(lines, prompts, turns=3, seed=5, models=roster)) as run:
            assert play(run, roster).done == len(prompts)
            rows = run.frame().sort_values(["prompt", "step_number"]).itertuples()
            said += [(at, row.prompt, row.step_number, row.text_after) for row in rows]
    return said


def far(url: str, model: str, kind: str) -> Text2Image | Image2Text:
    return models.load_model(f"openai/{model}?base_url={url}&kind={kind}&seed=yes&timeout=120")


def battle(tmp_path: Path, drawers: list[str], describers: list[str]) -> None:
    with process(*drawers, *describers) as (running, url):
        there = games(
            tmp_path / "there",
            [far(url, ref.partition("?")[0], "text2image") for ref in drawers],
            [far(url, ref.partition("?")[0], "image2text") for ref in describers],
        )
        assert running.poll() is None
    here = games(tmp_path / "here", [HalfSeeds(ref) for ref in drawers], [models.image2text(ref) for ref in describers])
    assert there == here
    assert len({row[-1] for row in there}) >= 3  # a renderer and a net that err little tell each prompt one thing


def test_a_battle_across_two_processes_is_the_one_of_one_process(tmp_path):
    battle(tmp_path, ["fake/painter?loss=0.2", "oracle/renderer"], ["fake/captioner"])


def test_with_a_net_at_the_far_end_too(tmp_path):
    battle(tmp_path, ["oracle/renderer"], ["pocket/blip"])


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_program_says_where_it_is_and_ends_cleanly(end, tmp_path, connect):
    words = ("mine=fake/painter", "--token-file", str(token_file(tmp_path, TOKEN)))
    with process(*words) as (running, url):
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/v1")
        assert connect(url, api_key=TOKEN).images.generate(model="mine", prompt="x").data
        with pytest.raises(openai.AuthenticationError):
            connect(url).models.list()
        running.send_signal(end)
        out, told = running.communicate(timeout=60)
        assert running.returncode == 0
    assert TOKEN not in out + told
    assert "Traceback" not in told
    assert "Closed." in told


def test_our_own_player_shows_the_token(tmp_path, monkeypatch):
    with process("fake/painter", TELEPHONE_TOKEN=TOKEN) as (_, url):
        painter = far(url, "fake/painter", "text2image")
        (lost,) = models.generate_images(painter, ["x"], [1])
        assert isinstance(lost, ModelError)
        port = url.split(":")[2].partition("/")[0]
        (tmp_path / "keys.toml").write_text(f'"127.0.0.1:{port}" = "{TOKEN}"\n')
        (tmp_path / "keys.toml").chmod(0o600)
        monkeypatch.setenv("TELEPHONE_KEYS", str(tmp_path / "keys.toml"))
        again = models.load_model(f"openai/fake/painter?base_url={url}&kind=text2image&seed=try")
        (drawn,) = models.generate_images(again, ["x"], [1])
        assert not isinstance(drawn, ModelError)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("fake/painter", "--host", "0.0.0.0"), "TELEPHONE_TOKEN"),
        (("fake/paintre",), "Did you mean fake/painter"),
        (("fake/painter", "--token-file", "gone"), "cannot be read"),
        (("fake/painter", "--host", "no-such-host.invalid", "--token-file", "token"), "cannot be bound"),
    ],
)
def test_wrong_use_is_one_sentence(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    token_file(tmp_path, TOKEN)
    with process(*words) as (running, url):
        _, told = running.communicate(timeout=60)
        assert (url, running.returncode) == ("", 2)
    assert says in told
    assert "Traceback" not in told
    assert TOKEN not in told
