"""Pairwise votes: blind pairs, votes of a model, votes of a person through the page, and what they check."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from telephone import battle, image2text
from telephone.analysis.inference.votes import vote_agreement
from telephone.analysis.tables.score_frames import scored_frame
from telephone.core.errors import UsageError
from telephone.core.images import decode
from telephone.core.records import Prompt
from telephone.judge import collect_votes, import_votes, score, vote_pairs, write_vote_page
from telephone.judge.opinions import fact_probabilities
from telephone.judge.question_generation import generate_questions
from telephone.models.yes_no import YesNoModel
from telephone.report.html import tables
from telephone.store import Run, ScorerKind

PROMPTS = [
    Prompt(f"A red {one} and a blue {two}.", "easy", one)
    for one, two in (("boat", "cat"), ("key", "dog"), ("hat", "cup"), ("car", "tree"), ("bell", "book"))
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("votes") / "run"
    lines = battle.grid(["fake/sketcher", "fake/sketcher?drop=0.5"], ["fake/teller"])
    with battle.begin(folder, battle.plan(lines, PROMPTS, turns=2, seed=2)) as run:
        battle.play(run, battle.Roster())
        score(run, None, full=True)
        yield run


def test_pairs_are_blind_and_spread_over_prompts(run: Run) -> None:
    pairs = vote_pairs(run.turns())
    assert all(pair.first != pair.second and pair.first_models != pair.second_models for pair in pairs)
    assert len({pair.prompt_id for pair in pairs}) == len(pairs)  # two pairs of models: one comparison a prompt
    assert {pair.first_models for pair in pairs} == {pair.second_models for pair in pairs}, "sides are mixed"
    assert vote_pairs(run.turns(), most=2) == pairs[:2]
    assert vote_pairs(run.turns().sample(frac=1, random_state=1)) == pairs


def test_a_model_votes_for_the_image_of_which_it_affirms_more(run: Run) -> None:
    done = collect_votes(run, "pocket/blip")
    assert (done.new, done.unscored) == (done.cases, 0)
    assert collect_votes(run, "pocket/blip").new == 0
    model = image2text("pocket/blip")
    assert isinstance(model, YesNoModel)
    prompts = {prompt.id: prompt.text for prompt in PROMPTS}
    (scorer,) = [each for each in run.scorers(ScorerKind.VOTE) if each.model == "pocket/blip"]
    for vote in run.scores(scorer):
        questions = generate_questions(prompts[vote.detail["prompt_id"]])
        shares = []
        for sha in (vote.subject, vote.reference):
            image = decode(run.artefact(sha).data)
            answers = model.yes_probabilities([image] * len(questions), [each.text for each in questions])
            shares.append(sum(fact_probabilities(questions, answers)))
        assert vote.value == float(shares[0] > shares[1])


def test_measures_are_compared_with_votes(run: Run, tmp_path: Path) -> None:
    frame = scored_frame(run)
    last = frame[frame["step_number"] == 1].set_index("image_sha256")["image_facts_recall"].groupby(level=0).mean()
    votes = []
    for pair in vote_pairs(run.turns()):
        gap = last[pair.first] - last[pair.second]
        choice = "tie" if gap == 0 else "first" if gap > 0 else "second"
        votes.append({"first": pair.first, "second": pair.second, "choice": choice})
    saved = tmp_path / "votes.json"
    for voter, chosen in (("by facts", votes), ("against facts", _reversed(votes))):
        saved.write_text(json.dumps({"voter": voter, "votes": chosen}), encoding="utf-8")
        import_votes(run, saved)
    found = vote_agreement(run, frame).set_index(["voter", "measure"])
    for voter, share in (("by facts", 1.0), ("against facts", 0.0)):
        row = found.loc[(f"votes of {voter}", "facts of the image")]
        decided = sum(vote["choice"] != "tie" for vote in votes)
        assert (row["votes"], row["ties"]) == (decided, len(votes) - decided)
        assert row["agreement"] == share
        assert row["low"] <= share <= row["high"]
        assert row["high"] - row["low"] > 0.2
    assert ("votes of by facts", "facts of the image") in {row[:2] for row in tables.votes(found.reset_index()).rows}


def _reversed(votes: list[dict[str, str]]) -> list[dict[str, str]]:
    other = {"first": "second", "second": "first", "tie": "tie"}
    return [vote | {"choice": other[vote["choice"]]} for vote in votes]


def test_a_person_votes_on_the_page(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "votes.html"
    assert write_vote_page(run, page) == len(vote_pairs(run.turns()))
    text = page.read_text(encoding="utf-8")
    data = json.loads(text.split("const data = ")[1].split(";\n")[0])
    assert [tuple(pair[:2]) for pair in data["pairs"]] == [pair.key for pair in vote_pairs(run.turns())]
    assert "sketcher" not in text and "teller" not in text, "voters must not see which models made the images"
    assert "http" not in text
    votes = [{"first": first, "second": second, "choice": "second"} for first, second, _ in data["pairs"]]
    saved = tmp_path / "votes.json"
    saved.write_text(json.dumps({"voter": "Ann", "votes": votes}), encoding="utf-8")
    assert import_votes(run, saved).new == len(votes)
    assert import_votes(run, saved).new == 0
    scorer = next(each for each in run.scorers(ScorerKind.VOTE) if each.name == "votes of Ann")
    assert {vote.value for vote in run.scores(scorer)} == {0.0}


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"voter": "x"}', '{"voter": "", "votes": []}', '{"voter": "x", "votes": [1]}',
     '{"voter": "x", "votes": [{"first": "a", "second": "b", "choice": "maybe"}]}', "[" * 100_000],
)  # fmt: skip
def test_other_files_are_refused(run: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "votes.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="no file of votes"):
        import_votes(run, path)
    path.write_text('{"voter": "x", "votes": [{"first": "a", "second": "b", "choice": "tie"}]}', encoding="utf-8")
    with pytest.raises(UsageError, match="no pair of this run"):
        import_votes(run, path)
    with pytest.raises(UsageError, match="cannot be read"):
        import_votes(run, tmp_path / "missing.json")


def test_prompts_are_data_in_the_page(tmp_path: Path) -> None:
    prompts = [Prompt("</script><script>alert(1)</script> a red boat", "easy", "x")]
    lines = battle.grid(["fake/painter", "fake/painter?loss=0.5"], ["fake/captioner"])
    with battle.begin(tmp_path / "run", battle.plan(lines, prompts, turns=1)) as run:
        battle.play(run, battle.Roster())
        write_vote_page(run, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("<script>") == 1
