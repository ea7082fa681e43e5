"""The sets of the package: their sizes, their exact content, and that they are what they say of themselves."""

import json
from pathlib import Path
from statistics import mean

import pytest

from telephone import prompts, world
from telephone.core.errors import PromptError
from telephone.core.images import content_hash
from telephone.core.records import LEVELS
from telephone.prompts import generate
from telephone.prompts.builtin import DATA
from telephone.prompts.candidates import WORDINGS

HASHES = {
    "article.jsonl": "5ff014c9f821cf4f8a834514befceb5839e20766f59a281ccba4e5e9d933f08b",
    "pocket.jsonl": "6bb9c5e8e7705978e79d45596af9ed94f9ab6d6645d8d1c6d13bcf86c39f0668",
    "pocket-100.jsonl": "a94c2cacd8de7ddd6fdf735d83030cd7d49aeac927e11da543c7a81c1a9fa1c9",
    "pocket-images.jsonl": "a658e171b46489d4f6a206d36c25f9a5020d7a05875849117240216a0ecbe920",
}
PICTURES = "f59a91166e9b7ffe6e56e71ba1ff2880a78e201761b6d3f44eb7664fe1158d1f"
"""A prompt that changes makes old and new runs incomparable: this test must be changed with it, on purpose."""


def lines(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def levels(name: str) -> list[int]:
    found = [prompt.level for prompt in prompts.get(name)]
    return [found.count(level) for level in ("easy", "medium", "hard", "impossible")]


def test_sizes_and_levels() -> None:
    assert {each.name: len(prompts.get(each.name)) for each in prompts.SETS} == {
        each.name: each.size for each in prompts.SETS
    }
    assert levels("pocket") == levels("article") == levels("pocket-images") == [3, 3, 3, 1]
    assert levels("pocket-100") == [25, 25, 25, 25]


@pytest.mark.parametrize("name", HASHES)
def test_data_has_not_changed(name: str) -> None:
    assert content_hash((DATA / name).read_bytes()) == HASHES[name]


@pytest.mark.parametrize("name", ["pocket", "pocket-100", "pocket-images"])
def test_texts_are_exactly_understood(name: str) -> None:
    for prompt, line in zip(prompts.get(name), lines(name), strict=True):
        reading = world.read(prompt.text)
        assert reading.unknown == ()
        assert reading.scene == generate.scene_of(line)


@pytest.mark.parametrize("name", ["pocket", "pocket-100"])
def test_every_prompt_is_kept_from_training(name: str) -> None:
    for line in lines(name):
        assert any(world.held_out(thing.kind, thing.colour) for thing in generate.scene_of(line).things)


@pytest.mark.parametrize("measured", ["loss", "loss_confirmed"])
def test_levels_are_ordered_by_measured_loss(measured: str) -> None:
    scenes = lines("pocket-scenes")
    for name in ("pocket", "pocket-100"):
        losses = [
            [each[measured] for each in scenes if (each["set"], each["level"]) == (name, level)] for level in LEVELS
        ]
        means = [mean(own) for own in losses]
        assert means == sorted(means)
        assert means[0] > 0.04  # easy prompts lose something
        assert means[-1] < 0.8  # and impossible ones keep something


def test_pocket_100_is_varied() -> None:
    found = lines("pocket-100")
    assert len({line["text"] for line in found} | {line["text"] for line in lines("pocket")}) == 110
    for level in LEVELS:
        own = [line for line in found if line["level"] == level]
        assert len({line["category"] for line in own}) >= 4
        assert {line["wording"] for line in own} == set(WORDINGS)
        kinds = {thing.kind for line in own for thing in generate.scene_of(line).things}
        assert len(kinds) >= 20


def test_data_can_be_made_again(tmp_path: Path) -> None:
    generate.write(tmp_path)
    for name in ("pocket.jsonl", "pocket-100.jsonl", "pocket-images.jsonl"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()
    assert len(list((tmp_path / "pocket-images").iterdir())) == 10


def test_pictures_have_not_changed() -> None:
    found = [content_hash((DATA / str(line["image"])).read_bytes()) for line in lines("pocket-images")]
    assert content_hash(" ".join(found).encode()) == PICTURES


def test_pictures_are_small_and_distinct() -> None:
    found = prompts.get("pocket-images")
    assert all(prompt.first == "image" for prompt in found)
    assert len({prompt.image for prompt in found}) == 10
    assert [prompt.text for prompt in found] == [prompt.text for prompt in prompts.get("pocket")]


def test_get() -> None:
    assert prompts.get_prompts() == prompts.get("pocket") == prompts.get(" Pocket ")
    assert [prompt.id for prompt in prompts.get("pocket:easy")] == ["red-bell", "three-balloons", "rainy-car"]
    assert {prompt.source for prompt in prompts.get("article")} == {"article"}
    assert prompts.get(DATA / "article.jsonl")[0].text == prompts.get("article")[0].text


def test_get_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.txt").write_text("A cat\n")
    monkeypatch.chdir(tmp_path)
    assert prompts.get("mine.txt")[0].text == prompts.get(str(tmp_path / "mine.txt"))[0].text == "A cat"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("poket", "There is no prompt set 'poket'. Did you mean pocket"),
        ("zzz", "There is no prompt set 'zzz'. Use one of pocket, pocket-100, pocket-images, article"),
        ("", "There is no prompt set ''"),
        ("pocket:hrad", "'hrad' is not a level: write pocket:LEVEL"),
        ("gone.txt", "There is no file gone.txt"),
        ("a\0b", "There is no prompt set"),
    ],
)
def test_unknown(name: str, message: str) -> None:
    with pytest.raises(PromptError) as caught:
        prompts.get(name)
    assert message in str(caught.value)
