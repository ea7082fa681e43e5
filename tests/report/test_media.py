import dataclasses
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import report_frames
from PIL import Image

from telephone.core import images
from telephone.core.errors import StoreError, UsageError
from telephone.core.output_files import write_output
from telephone.report import FrameTiming, StripStyle, animate, animate_grid, best_format, film_strip, games_of
from telephone.report.html.embedded_images import EmbeddedImages
from telephone.report.media.animation import film_frames
from telephone.report.media.canvas import ImageCache, fit_square, tile
from telephone.report.media.grid import grid_frames


@pytest.fixture
def game(tmp_path):
    return games_of(report_frames.frame(tmp_path, turns=3))[0]


def test_strip_is_as_wide_as_its_columns_and_wraps_into_rows(game):
    style = StripStyle(columns=2, tile=64, gap=10, margin=20)
    wide = film_strip(game, dataclasses.replace(style, columns=3))
    narrow = film_strip(game, style)
    assert wide.width == 2 * 20 + 3 * 64 + 2 * 10
    assert narrow.width == 2 * 20 + 2 * 64 + 10
    assert narrow.height > wide.height
    assert narrow.mode == "RGB"


def test_rows_are_of_about_the_same_length():
    style = StripStyle(columns=5)
    assert [style.in_row(turns) for turns in (1, 5, 6, 7, 10, 11, 16)] == [1, 5, 3, 4, 5, 4, 4]


def test_other_words_give_other_pixels(game):
    plain = film_strip(game).tobytes()
    turn = dataclasses.replace(game.turns[1], after="Something else altogether.")
    other = dataclasses.replace(game, turns=(game.turns[0], turn, game.turns[2]))
    assert film_strip(game).tobytes() == plain
    assert film_strip(other).tobytes() != plain
    assert film_strip(dataclasses.replace(game, prompt="Another sentence.")).tobytes() != plain


def test_strip_writes_in_red_and_green(game):
    colours = {colour for _, colour in film_strip(game).getcolors(2**24)}
    assert {(0xB3, 0x26, 0x1E), (0x14, 0x71, 0x3F)} <= colours


def test_small_images_keep_sharp_pixels():
    small = Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(64, 64, 3))
    big = np.asarray(fit_square(small, 256))
    np.testing.assert_array_equal(big[::4, ::4], np.asarray(small))
    np.testing.assert_array_equal(big[3::4, 3::4], np.asarray(small))


@pytest.mark.parametrize("size", [(640, 320), (320, 640), (300, 300), (1, 500), (100, 90)])
def test_images_of_any_shape_become_squares(size):
    assert fit_square(Image.new("RGB", size, "red"), 128).size == (128, 128)


def test_failed_and_missing_images_have_a_placeholder(tmp_path, game):
    turn = game.turns[0]
    failed = dataclasses.replace(turn, image=None, outcome="failed", reason="out of memory")
    gone = dataclasses.replace(turn, image=tmp_path / "gone.png")
    (tmp_path / "bad.png").write_bytes(b"no picture at all")
    bad = dataclasses.replace(turn, image=tmp_path / "bad.png")
    pixels = {tile(each, 200, ImageCache()).tobytes() for each in (turn, failed, gone)}
    assert len(pixels) == 3
    assert tile(bad, 200, ImageCache()).tobytes() == tile(gone, 200, ImageCache()).tobytes()
    assert film_strip(dataclasses.replace(game, turns=(failed,))).size[0] > 0


def test_a_refused_description_is_shown_below_its_image(game):
    turn = dataclasses.replace(game.turns[0], after=None, outcome="refused", reason="not allowed")
    quiet = dataclasses.replace(turn, outcome="ok", reason="")
    refused, missing = (film_strip(dataclasses.replace(game, turns=(each,))) for each in (turn, quiet))
    assert refused.height > missing.height


@pytest.mark.parametrize("name", ["game.webp", "game.gif"])
def test_film_has_a_title_two_frames_a_turn_and_holds_the_last(tmp_path, game, name):
    short = dataclasses.replace(game, turns=game.turns[:2])
    path = animate(short, tmp_path / "deep" / name, FrameTiming(title=500, drawing=300, description=400, last=2000))
    with Image.open(path) as movie:
        assert movie.n_frames == 5
        times = []
        for frame in range(5):
            movie.seek(frame)
            movie.load()
            times.append(movie.info["duration"])
    assert times == [500, 300, 400, 300, 2000]


def test_frames_are_of_one_even_size_and_all_different(game):
    frames, times = film_frames(game, FrameTiming())
    assert len(frames) == len(times) == 7
    assert len({frame.size for frame in frames}) == 1
    assert all(side % 2 == 0 for side in frames[0].size)
    assert len({frame.tobytes() for frame in frames}) == 7


def test_a_broken_game_can_be_filmed(tmp_path):
    table = report_frames.broken(report_frames.frame(tmp_path, turns=3), 0, 1, "out of memory")
    game = next(game for game in games_of(table) if game.outcome == "failed")
    assert len(film_frames(game, FrameTiming())[0]) == 4


def test_unknown_endings_and_missing_encoders_are_errors(tmp_path, game, monkeypatch):
    with pytest.raises(UsageError, match=r"ends in \.webp, \.gif or \.mp4"):
        animate(game, tmp_path / "game.avi")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="imageio-ffmpeg"):
        animate(game, tmp_path / "game.mp4")
    assert not list(tmp_path.glob("game.*"))


def test_mp4_where_the_encoder_is_there(tmp_path, game):
    if best_format() != "mp4":
        pytest.skip("there is no encoder")
    path = animate(game, tmp_path / "game.mp4")
    assert path.read_bytes()[4:8] == b"ftyp"


def test_a_failing_encoder_is_an_error_and_leaves_no_file(tmp_path, game, monkeypatch):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'no such codec' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    assert best_format() == "mp4"
    with pytest.raises(StoreError, match=r"could not be encoded \(no such codec\)"):
        animate(game, tmp_path / "game.mp4")
    assert [path.name for path in tmp_path.glob("*.mp4")] == []


def test_grid_has_a_cell_for_each_pair_and_two_frames_a_turn(tmp_path):
    games = [game for game in games_of(report_frames.frame(tmp_path, turns=2)) if game.level == "easy"]
    frames, times = grid_frames(games, FrameTiming(title=1, drawing=2, description=3, last=4))
    assert times == [1, 2, 3, 2, 4]
    assert len({frame.size for frame in frames}) == 1 and all(side % 2 == 0 for side in frames[0].size)
    assert frames[0].width > 3 * 192  # three describe, two draw
    assert len({frame.tobytes() for frame in frames}) == 5
    colours = {colour for _, colour in frames[-1].getcolors(2**24)}
    assert {(0xB3, 0x26, 0x1E), (0x14, 0x71, 0x3F)} <= colours
    without_green = {colour for _, colour in frames[1].getcolors(2**24)}
    assert (0x14, 0x71, 0x3F) not in without_green


def test_a_broken_game_stays_at_its_last_turn_in_the_grid(tmp_path):
    table = report_frames.broken(report_frames.frame(tmp_path, turns=3), 0, 0, "out of memory")
    games = [game for game in games_of(table) if game.level == "easy"]
    assert "failed" in [game.outcome for game in games]
    path = animate_grid(games, tmp_path / "grid.webp")
    with Image.open(path) as movie:
        assert movie.n_frames == 7


def test_a_grid_is_of_one_prompt(tmp_path):
    games = games_of(report_frames.frame(tmp_path, turns=1))
    for wrong in (games, []):
        with pytest.raises(UsageError, match="games of one prompt"):
            animate_grid(wrong, tmp_path / "grid.webp")


def test_a_path_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="could not be written"):
        write_output(Path(tmp_path / "file" / "report.html"), b"")


def test_an_image_is_decoded_once_for_page_strip_and_film(tmp_path, game, monkeypatch):
    decoded = []
    decode = images.decode
    monkeypatch.setattr(images, "decode", lambda data: decoded.append(data) or decode(data))
    cache = ImageCache()
    paths = [turn.image for turn in game.turns]
    EmbeddedImages([*paths, *paths], budget=9_000, cache=cache)
    film_strip(game, cache=cache)
    film_frames(game, FrameTiming(), cache)
    grid_frames([game], FrameTiming(), cache)
    assert len(decoded) == len(set(paths)) == 3


def test_a_full_cache_drops_the_least_recently_used_image(game, monkeypatch):
    loaded = []
    decode = images.decode
    monkeypatch.setattr(images, "decode", lambda data: loaded.append(data) or decode(data))
    first, second, third = (turn.image for turn in game.turns)
    cache = ImageCache(max_bytes=2 * 3 * 64 * 64)
    for path in (first, second, first, third, first, second):
        assert cache.load(path) is not None
    assert len(loaded) == 4


def test_exchanged_image_files_are_not_shown_under_the_wrong_texts(tmp_path, game):
    first, second = game.turns[0].image, game.turns[1].image
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    cache = ImageCache()
    assert cache.load(first) is None is cache.load(second)
    assert cache.load(game.turns[2].image) is not None


def test_large_images_are_kept_small_and_what_is_no_file_is_missing(tmp_path):
    Image.new("RGB", (2000, 500), "red").save(tmp_path / "wide.png")
    os.mkfifo(tmp_path / "pipe.png")
    cache = ImageCache()
    assert cache.load(tmp_path / "wide.png").size == (512, 128)
    assert cache.load(tmp_path / "pipe.png") is None
