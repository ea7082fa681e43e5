import json
from datetime import date

import pytest

from telephone.core.errors import UsageError, WeightsError
from telephone.models import kind_of, load_model
from telephone.models.rosters import ModelRoster, RosterEntry, list_rosters, load_roster

ENTRIES = [(found.name, member) for found in list_rosters() for member in found.members]


def test_the_shipped_rosters_are_there_and_dated():
    assert [found.name for found in list_rosters()] == ["api-2026", "article-2023", "open-local", "pocket"]
    assert all(date.fromisoformat(found.checked) and found.summary for found in list_rosters())


@pytest.mark.parametrize(("roster", "member"), ENTRIES, ids=lambda value: getattr(value, "ref", value))
def test_every_entry_names_a_player_of_its_kind(roster, member):
    for ref in filter(None, (member.ref, member.stand_in)):
        try:
            found = load_model(ref)
        except WeightsError:
            continue  # its files are not on this machine
        assert kind_of(found) == member.kind
        assert found.ref == ref, "write the options in the order of the alphabet"


def test_the_article_s_twelve_lines():
    article = load_roster("article-2023")
    assert len(article.refs("text2image", stand_ins=True)) * len(article.refs("image2text")) == 12
    (gone,) = [member for member in article.members if member.retired]
    assert (gone.ref.partition("?")[0], gone.retired) == ("openai/dall-e-2", "2026-05-12")
    with pytest.raises(UsageError, match="is retired since 2026-05-12: add --stand-ins to play with"):
        article.refs("text2image")
    assert gone.stand_in in article.refs("text2image", stand_ins=True)


def test_nobody_stands_in():
    alone = ModelRoster("old", "", (RosterEntry("x/y", "image2text", "y", retired="2020-01-01"),))
    with pytest.raises(UsageError, match="has no stand-in: name the other models with --t2i and --i2t"):
        alone.refs("image2text", stand_ins=True)


def test_an_unknown_roster_is_told():
    with pytest.raises(UsageError, match="'artikle-2023'. Did you mean article-2023. The rosters are: api-2026"):
        load_roster("artikle-2023")


def test_a_roster_of_one_s_own(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"players": [{"ref": "fake/painter", "kind": "text2image"}]}))
    assert load_roster(str(path)) == ModelRoster(
        "mine", "", (RosterEntry("fake/painter", "text2image", "fake/painter"),)
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "cannot be used"),
        ("[]", "it is not an object"),
        ("{}", "models is missing"),
        ('{"models": [3]}', "a model is not an object"),
        ('{"models": [{"kind": "text2image"}]}', "ref is missing"),
        ('{"models": [{"ref": " ", "kind": "text2image"}]}', "ref is not a text"),
        ('{"models": [{"ref": "a/b", "kind": "embedder"}]}', "'embedder' is neither"),
        ('{"models": [{"ref": "a/b", "kind": "text2image", "standin": "x"}]}', "the unknown key 'standin'"),
        ('{"models": [{"ref": "a/b", "kind": "text2image", "needs": "x"}]}', "needs is not a list"),
        ('{"name": 7, "models": []}', "name is not a text"),
    ],
)
def test_a_file_that_is_no_roster_is_told(tmp_path, text, says):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        load_roster(str(path))
    with pytest.raises(UsageError, match="cannot be read"):
        load_roster(str(tmp_path / "none.json"))
