"""The commands that need no run: players, prompts, draw, tell, world, learn."""

import json

import pytest
from PIL import Image, ImageChops, ImageStat


def test_players_lists_the_fakes(cli):
    told = cli("players").stdout
    assert "fake/painter" in told
    assert "fake/captioner" in told


def test_players_of_one_kind_as_json(cli):
    found = json.loads(cli("players", "--kind", "image2text", "--json").stdout)
    assert {card["kind"] for card in found["players"]} == {"image2text"}
    assert "fake/captioner" in {card["ref"] for card in found["players"]}


def test_prompt_sets(cli):
    assert "pocket-100" in cli("prompts").stdout
    assert {
        key: value for key, value in json.loads(cli("prompts", "--json").stdout)["sets"][-1].items() if key != "summary"
    } == {"name": "article", "size": 10}


def test_prompts_of_a_set_and_a_file(cli, tmp_path):
    found = json.loads(cli("prompts", "pocket:hard", "--json").stdout)["prompts"]
    assert [each["level"] for each in found] == ["hard"] * 3
    (tmp_path / "mine.txt").write_text("hard\tA [red] boat.\n")
    assert "A [red] boat." in cli("prompts", "mine.txt").stdout


def test_a_prompt_file_with_a_mistake(cli, tmp_path):
    (tmp_path / "mine.csv").write_text("text,level\na boat,easy\na tree,hrad\n")
    done = cli("prompts", "mine.csv")
    assert done.exit_code == 2
    assert "mine.csv, line 3, column level: 'hrad'" in done.stderr


def test_draw_then_tell(cli, tmp_path):
    assert cli("draw", "fake/painter", "A red boat.").stdout == "a-red-boat.png: 64 x 64 pixels\n"
    assert cli("tell", "fake/captioner", "a-red-boat.png").stdout == "A red boat.\n"
    assert "a-red-boat-2.png" in cli("draw", "fake/painter", "A red boat.").stdout
    assert cli("draw", "fake/painter", "x", "-o", "sub/there.png").exit_code == 0
    assert (tmp_path / "sub" / "there.png").exists()


def test_draw_what_cannot_be(cli):
    assert "write what to draw" in cli("draw", "fake/painter", " ").stderr
    assert "end in .png" in cli("draw", "fake/painter", "x", "-o", "x.jpg").stderr
    wrong = cli("draw", "fake/captioner", "x")
    assert (wrong.exit_code, "not a text-to-image model" in wrong.stderr) == (2, True)


def test_draw_a_film_that_ends_with_the_image(cli, tmp_path):
    address = "pocket/vqgan-clip?steps=3&views=1"
    done = cli("draw", address, "a red boat", "--film", "boat.gif", "--seed", "4")
    assert done.stdout == "boat.gif: 384 x 384 pixels\n"
    cli("draw", address, "a red boat", "-o", "boat.png", "--seed", "4")
    with Image.open(tmp_path / "boat.gif") as film, Image.open(tmp_path / "boat.png") as image:
        assert film.n_frames == 4
        film.seek(3)
        apart = ImageChops.difference(film.convert("RGB"), image.resize((384, 384), Image.Resampling.NEAREST))
        assert ImageStat.Stat(apart).mean < [12, 12, 12]  # 256 colours


def test_draw_a_film_that_cannot_be(cli):
    for given, words in (
        (("fake/painter", "x", "--film", "x.gif"), "fake/painter has no film"),
        (("pocket/vqgan-clip", "x", "--film", "x.gif"), "A film needs an optimisation"),
        (("pocket/vqgan-clip?steps=1", "x", "--film", "x.png"), "ends in .webp, .gif or .mp4"),
        (("pocket/vqgan-clip?steps=1", " ", "--film", "x.gif"), "write what to draw"),
        (("pocket/vqgan-clip?steps=1", "x", "--film", "x.gif", "-o", "x.png"), "leave out --output"),
    ):
        done = cli("draw", *given)
        assert (done.exit_code, words in done.stderr) == (2, True)


def test_draw_says_when_a_player_declines(cli):
    done = cli("draw", "fake/painter?refuse=1", "x")
    assert (done.exit_code, "set to refuse" in done.stderr) == (1, True)


def test_draw_into_a_folder_that_is_a_file(cli, tmp_path):
    (tmp_path / "taken").write_text("")
    done = cli("draw", "fake/painter", "x", "-o", "taken/x.png")
    assert (done.exit_code, "could not be written" in done.stderr) == (1, True)


def test_tell_what_is_no_picture(cli, tmp_path):
    (tmp_path / "no.png").write_text("words")
    for name, words in ("no.png", "cannot be used as a picture"), ("gone.png", "cannot be read"):
        done = cli("tell", "fake/captioner", name)
        assert (done.exit_code, words in done.stderr) == (2, True)


def test_world_draws_a_sentence(cli, tmp_path):
    done = cli("world", "a red apple and a walrus on a beach", "--size", "96", "-o", "x.png")
    assert "x.png: 3 facts, easy" in done.stdout
    assert "walrus" in done.stderr
    with Image.open(tmp_path / "x.png") as image:
        assert image.size == (96, 96)


def test_world_does_not_know_these_words(cli):
    done = cli("world", "quarterly revenue")
    assert (done.exit_code, "No word of 'quarterly revenue' is known" in done.stderr) == (2, True)


def test_world_sheet_is_the_same_every_time(cli, tmp_path):
    first = cli("world", "--sample", "4", "--level", "easy", "--seed", "3", "-o", "a.png")
    assert first.stdout == "a.png: 4 scenes\n"
    cli("world", "--sample", "4", "--level", "easy", "--seed", "3", "-o", "b.png")
    cli("world", "--sample", "4", "--level", "easy", "--seed", "4", "-o", "c.png")
    one, same, other = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert one == same != other


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--wording", "shouted"), "There is no wording 'shouted'"),
        (("--level", "hrad"), "'hrad' is no level"),
        (("--sample", "0"), "--sample"),
        (("--lang", "fr"), "--lang"),
    ],
)
def test_world_wrong_use(cli, words, told):
    done = cli("world", *words)
    assert done.exit_code == 2
    assert told in done.stderr


def test_learn_an_unknown_recipe(cli):
    done = cli("learn", "blib")
    assert done.exit_code == 2
    assert "There is no recipe 'blib'. Did you mean blip" in done.stderr


@pytest.mark.parametrize("ref", ["fake/painter", "diffusers/./folder", "diffusers/~/folder"])
def test_fetch_what_is_nothing_to_download(cli, ref):
    done = cli("fetch", ref)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "cannot be downloaded: give diffusers/ORG/MODEL" in done.stderr
