"""Queries: words, pictures, what is not wanted, filters, colours, pages, several encoders, queries without answer."""

import numpy as np
import pytest
from PIL import Image
from search_libraries import PAINTS, BrightnessSight, ColourSight, coloured_library, load, paint

from telephone.core.errors import ModelError, UsageError
from telephone.search.exact import nearest
from telephone.search.query import MOST, Query, Searcher
from telephone.search.query_parts import QueryEncoders, QueryPart, file_part, text_parts


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("painted"))


@pytest.fixture(scope="module")
def searcher(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("libraries") / "library"
    with coloured_library(folder, pictures, captions={b"grey-0.png": "an elephant at night"}) as library:
        yield Searcher(library, QueryEncoders(load))


def names(result):
    return [hit.path.stem for hit in result.hits]


def colours(result):
    return [name.split("-")[0] for name in names(result)]


def ask(searcher, text="", **options):
    return searcher.search(Query(tuple(text_parts(text)), keywords=options.pop("keywords", False), **options))


@pytest.mark.parametrize("colour", [name for name in PAINTS if name != "grey"])
def test_words_find_what_they_name(searcher, colour):
    result = ask(searcher, colour, k=6)
    assert set(colours(result)) == {colour}
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5, 6]
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)


def test_the_order_is_that_of_the_exact_scan(searcher):
    encoder = searcher.library.encoders[0]
    direction = ColourSight().embed_texts(["blue"])
    exact = nearest(searcher.library.blocks(encoder), direction, 12)
    assert [hit.id for hit in ask(searcher, "blue", k=12).hits] == exact.ids[0].tolist()


def test_what_is_not_wanted_comes_last_and_does_not_turn_the_query_round(searcher):
    plain = ask(searcher, "red | yellow", k=18)
    without = ask(searcher, "red | yellow --not yellow", k=6)
    assert "yellow" in colours(plain)
    assert set(colours(without)) == {"red"}


def test_a_picture_finds_its_like_and_not_itself_if_it_is_of_the_library(searcher, pictures):
    upload = searcher.search(Query((file_part(pictures / "green-0.png"),), k=6))
    assert set(colours(upload)) == {"green"} and "green-0" in names(upload)
    (known,) = [hit for hit in upload.hits if hit.path.stem == "green-0"]
    own = searcher.search(Query((QueryPart(id=known.id),), k=5))
    assert set(colours(own)) == {"green"} and "green-0" not in names(own)
    assert not own.verdict.calibrated  # pictures have no threshold, and it says so


def test_words_and_a_picture_together_find_what_is_between_them(searcher):
    both = (QueryPart(image=Image.new("RGB", (9, 9), PAINTS["red"])), *text_parts("blue"))
    assert set(colours(searcher.search(Query(both, k=6, keywords=False)))) == {"purple"}


def test_filters_hold_before_ranking_and_with_pages(searcher):
    first = ask(searcher, "red", where="orientation=landscape", k=2)
    second = ask(searcher, "red", where="orientation=landscape", k=2, offset=2)
    assert all(hit.properties["width"] > hit.properties["height"] for hit in first.hits + second.hits)
    assert set(colours(first)) == {"red"} and set(names(first)).isdisjoint(names(second))
    assert [hit.rank for hit in second.hits] == [3, 4]
    assert names(ask(searcher, "red", where="orientation=landscape", k=4)) == names(first) + names(second)
    nothing = ask(searcher, "red", where="width>=5000")
    assert not nothing.matched and nothing.hits == () and "filter" in nothing.verdict.reason


def test_a_filter_alone_lists_what_passes_by_the_share_of_the_colour(searcher):
    result = ask(searcher, where="colour(#DC1414)>=20%", k=20)
    assert set(colours(result)) == {"red"} and result.total == 6
    shares = [dict(hit.explanation.colours)["#DC1414"] for hit in result.hits]
    assert shares == sorted(shares, reverse=True) and min(shares) >= 0.2
    assert names(ask(searcher, where="colour(红色)>=90%", k=20)) != []


def test_words_that_the_encoder_does_not_know_have_no_answer_unless_a_caption_has_them(searcher):
    unknown = ask(searcher, "a giraffe on a bicycle")
    assert not unknown.matched and unknown.hits == () and "giraffe" in unknown.verdict.reason
    by_words = ask(searcher, "elephant", keywords=True)
    assert by_words.matched and names(by_words) == ["grey-0"]
    assert by_words.hits[0].explanation.words == ("elephant",)


def test_keywords_and_content_are_fused(searcher):
    result = ask(searcher, "red elephant", keywords=True, k=12)
    assert "grey-0" in names(result)[:8]  # by its caption; pictures of red are found by content and by name
    assert colours(result)[:8].count("red") == 6
    assert "grey-0" not in names(ask(searcher, "red", k=12))


def test_an_encoder_without_words_takes_part_in_queries_by_picture(pictures, tmp_path):
    with coloured_library(tmp_path / "two", pictures, (ColourSight(), BrightnessSight())) as library:
        assert [row.reads for row in library.encoders] == ["image,text", "image"]
        both = Searcher(library, QueryEncoders(load))
        hit = both.search(Query((file_part(pictures / "blue-1.png"),), k=3)).hits[0]
        assert hit.path.stem == "blue-1"
        assert [each.encoder for each in hit.explanation.parts] == ["own/colour-sight", "own/brightness-sight"]
        words = ask(both, "blue", k=1).hits[0]
        assert [each.encoder for each in words.explanation.parts] == ["own/colour-sight"]
        alone = ask(both, "blue", encoders=("own/brightness-sight",))
        assert not alone.matched
        with pytest.raises(UsageError, match="has no vectors of own/other"):
            ask(both, "blue", encoders=("own/other",))


def test_vectors_of_another_version_are_not_compared(searcher):
    changed = Searcher(searcher.library, QueryEncoders(lambda ref: ColourSight("colour sight 2")))
    with pytest.raises(UsageError, match="another version"):
        ask(changed, "red")


def test_new_and_deleted_pictures_are_seen_by_an_open_searcher(pictures, tmp_path):
    copy = paint(tmp_path / "own", each=2)
    with coloured_library(tmp_path / "library", copy) as library:
        reader = Searcher(library, QueryEncoders(load))
        best = ask(reader, "red", k=1).hits[0]
        library.remove([best.id])
        reader.refresh()
        assert best.id not in [hit.id for hit in ask(reader, "red", k=12).hits]
        library.seal()
        reader.refresh()
        assert len(ask(reader, "red", k=50).hits) == 11


def test_near_duplicates_are_folded_and_results_made_diverse(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    coarse = np.random.default_rng(0).integers(0, 255, (4, 4, 3)).astype(np.uint8)
    source = np.asarray(Image.fromarray(coarse).resize((32, 32)))
    Image.fromarray(source).save(folder / "one.png")
    Image.fromarray(source).resize((64, 64)).save(folder / "larger.png")
    Image.fromarray(source[::-1]).save(folder / "turned.png")
    with coloured_library(tmp_path / "library", folder) as library:
        reader = Searcher(library, QueryEncoders(load))
        query = (file_part(folder / "one.png"),)
        folded = reader.search(Query(query, fold=True))
        assert len(folded.hits) == 2 and len(folded.hits[0].duplicates) == 1
        assert len(reader.search(Query(query)).hits) == 3
    with coloured_library(tmp_path / "colours", paint(tmp_path / "painted")) as library:
        reader = Searcher(library, QueryEncoders(load))
        assert len(set(colours(ask(reader, "red", k=4)))) == 1
        assert len(set(colours(ask(reader, "red", k=4, diversity=0.7)))) > 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query(), "empty"),
        (Query((QueryPart(text="red"),), k=0), "between 1 and"),
        (Query((QueryPart(text="red"),), k=1, offset=MOST), "between 1 and"),
        (Query((QueryPart(text="red", weight=-1.0),)), "only what is not wanted"),
        (Query((QueryPart(text="red"),), diversity=2.0), "from 0 to 1"),
        (Query((QueryPart(text="red"),), where="colour=red"), "colour"),
        (Query((QueryPart(text="red"),), where="wdith>=3"), "Did you mean width"),
        (Query((QueryPart(id=99999),)), "no picture 99999"),
        (Query((QueryPart(text="red"), QueryPart(text="red", weight=-1.0))), "cancel each other"),
    ],
)
def test_queries_that_cannot_be_answered_say_what_to_change(searcher, query, message):
    with pytest.raises(UsageError, match=message):
        searcher.search(query)


def test_files_that_are_no_pictures_say_so(tmp_path):
    with pytest.raises(UsageError, match="no picture"):
        file_part(tmp_path / "missing.png")
    (tmp_path / "words.png").write_text("words")
    with pytest.raises(ModelError):
        file_part(tmp_path / "words.png")


def test_a_result_is_a_table_and_json(searcher):
    result = ask(searcher, "red", k=3)
    table = result.table()
    assert table.num_rows == 3 and table.column("path").to_pylist() == [str(hit.path) for hit in result.hits]
    assert result.as_dict()["hits"][0]["why"][0].startswith("own/colour-sight: like 'red'")
    assert result.hits[0].thumbnail(16)[:4] == b"\x89PNG"
