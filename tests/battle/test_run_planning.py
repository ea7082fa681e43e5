from dataclasses import replace
from pathlib import Path

import pytest

from telephone.battle import Roster, begin, commit, game_of, games, grid, plan, versions
from telephone.core.errors import ModelError, PromptError, UnknownModel, UsageError
from telephone.core.images import encode_png
from telephone.core.records import Prompt
from telephone.models import Text2Image, load_model, text2image

LINES = grid(["fake/painter", "fake/painter?loss=0.1"], ["fake/captioner"])
PROMPTS = [Prompt("An apple on a table.", "easy"), Prompt("A cat in a hat.", "hard", id="cat")]


class Own(Text2Image):
    def __init__(self, name="mine"):
        self.name = name

    def generate_image(self, text):
        raise NotImplementedError


def test_a_plan_is_resolved_and_the_same_every_time():
    spec = plan(LINES, PROMPTS, turns=4, repeats=2, seed=9)
    assert spec == plan(LINES, PROMPTS, turns=4, repeats=2, seed=9)
    assert [row.ref for row in spec.models] == ["fake/painter", "fake/painter?loss=0.1", "fake/captioner"]
    assert spec.models[0].fingerprint == load_model("fake/painter").traits().fingerprint
    assert spec.models[0].price == 0.0
    assert spec.versions["python"].startswith("3.")
    assert "torch" in spec.versions


def test_every_pair_plays_every_prompt_with_one_seed_a_repeat():
    rows = games(plan(LINES, PROMPTS, repeats=3))
    assert len(rows) == 2 * 2 * 3
    assert len({row.key for row in rows}) == len({row.conversation for row in rows}) == len(rows)
    seeds = {(row.prompt_id, row.repeat): set() for row in rows}
    for row in rows:
        seeds[row.prompt_id, row.repeat].add(row.seed)
    assert all(len(each) == 1 for each in seeds.values())
    assert len({next(iter(each)) for each in seeds.values()}) == 6


def test_more_repeats_begin_with_the_same_games():
    assert games(plan(LINES, PROMPTS, repeats=3))[:4] == games(plan(LINES, PROMPTS))
    assert games(plan(LINES, PROMPTS, turns=3)) == games(plan(LINES, PROMPTS, turns=8))


def test_short_names_are_the_article_s_and_unique():
    import hashlib

    many = [Prompt(f"Prompt number {n}.") for n in range(3000)]
    rows = games(plan(LINES, many))
    names = [row.conversation for row in rows]
    assert len(set(names)) == len(names)
    text = f"fake/painter_fake/captioner{many[0].text}"
    assert names[0] == hashlib.md5(text.encode()).hexdigest()[:6]


def test_the_key_of_a_row_is_the_key_of_its_game():
    spec = plan(LINES, PROMPTS)
    for row in games(spec):
        prompt = next(prompt for prompt in spec.prompts if prompt.id == row.prompt_id)
        assert game_of(spec, row, prompt).key == row.key


def test_a_prompt_s_picture_is_stripped():
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    secret = PngInfo()
    secret.add_text("Description", "the answer is a cat")
    import io

    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(buffer, format="PNG", pnginfo=secret)
    (prompt,) = plan(LINES, [Prompt("label", image=buffer.getvalue())]).prompts
    assert b"the answer" in buffer.getvalue()
    assert prompt.image == encode_png(Image.new("RGB", (4, 4), "red"))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"lines": []}, UsageError, "There is no model to play"),
        ({"lines": [("fake/captioner", "fake/painter")]}, UsageError, "fake/captioner is not a text-to-image model"),
        ({"lines": [("fake/painter", "fake/embedder")]}, UsageError, "fake/embedder is not an image-to-text model"),
        ({"lines": [("fake/paintr", "fake/captioner")]}, UnknownModel, "Did you mean fake/painter"),
        ({"lines": LINES[:1] * 2}, UsageError, "is there twice: name each model once"),
        ({"prompts": []}, PromptError, "There is no prompt: give"),
        ({"prompts": [Prompt("  ", id="blank")]}, PromptError, "The prompt 'blank' is empty"),
        ({"prompts": [Prompt("half \ud83d", id="half")]}, PromptError, "The prompt 'half' is not valid Unicode"),
        ({"prompts": [PROMPTS[0], PROMPTS[0]]}, PromptError, "is there more than once"),
        ({"prompts": [Prompt("x", image=b"no picture")]}, ModelError, "10 bytes are not a picture"),
        ({"turns": 0}, UsageError, "0 turns and 1 repeats cannot be played"),
        ({"repeats": -1}, UsageError, "10 turns and -1 repeats"),
    ],
)
def test_what_cannot_be_played_is_refused(change, error, message):
    given = {"lines": LINES, "prompts": PROMPTS} | change
    with pytest.raises(error, match=message):
        plan(given.pop("lines"), given.pop("prompts"), **given)


def test_models_of_one_name_are_named_by_their_addresses():
    roster = Roster()
    refs = [roster.add(Own("twin")), roster.add("fake/painter")]
    roster._own["own/other"] = Own("twin")
    spec = plan(grid([*refs, "own/other"], ["fake/captioner"]), PROMPTS, models=roster)
    assert [row.name for row in spec.models] == ["own/twin", "fake/painter", "own/other", "fake/captioner"]


def test_a_roster_knows_objects_and_addresses():
    roster = Roster()
    mine = Own()
    assert roster.add(mine) == roster.add(mine) == "own/mine"
    assert roster("own/mine") is mine
    assert roster.add("fake/painter?size=32&loss=0.1") == "fake/painter?loss=0.1&size=32"
    assert roster.add(text2image("fake/painter")) == "fake/painter"
    with pytest.raises(UsageError, match="Two models are called 'mine'"):
        roster.add(Own())
    with pytest.raises(UsageError, match="is not a model"):
        roster.add(3)


def test_a_run_begins_and_is_found_again(tmp_path: Path):
    spec = plan(LINES, PROMPTS)
    begin(tmp_path / "run", spec).close()
    with begin(tmp_path / "run", replace(spec, versions={})) as again:
        assert again.games() == games(spec)
        assert again.spec == spec


def test_the_commit_is_that_of_this_checkout():
    assert versions()["ai-telephone"]
    assert commit() == "" or len(commit().removesuffix("-dirty")) == 40
