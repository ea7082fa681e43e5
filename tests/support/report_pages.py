"""Report data from a small table, and a parser that checks that the tags of a page are balanced."""

from html.parser import HTMLParser

import pandas as pd

from telephone import prompts
from telephone.battle import begin, grid, plan, play
from telephone.judge import score
from telephone.report import AnswerText, Count, ReportData, games_of, leaderboard_table

PAINTERS = ("fake/painter", "fake/painter?loss=0.5")
CAPTIONERS = ("fake/captioner", "fake/captioner?loss=0.3")
VOID = {"meta", "link", "br", "hr", "img", "input", "use", "path", "rect", "image"}


class Strict(HTMLParser):
    """Checks that tags close in order, and collects what is asked of it."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if tag not in VOID or self.open[-1:] == ["defs"]:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if self.open[-1:] == [tag]:
            self.open.pop()
        elif tag not in VOID:
            raise AssertionError(f"</{tag}> closes {self.open[-3:]}")

    def handle_data(self, data):
        self.words.append(data)


def parse(html: str) -> Strict:
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def tables(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    keys = ["level", "t2i_model", "i2t_model", "step_number"]
    table = frame.groupby(keys)[value].mean().rename("mean").reset_index()
    return table.assign(low=table["mean"] - 0.1, high=table["mean"] + 0.1, n=1)


def data_of(frame: pd.DataFrame, **other) -> ReportData:
    drift = tables(frame, "text_after_dist")
    last = drift[drift["step_number"] == drift["step_number"].max()]
    boards = [
        leaderboard_table("Text-to-image", "final distance",
                          last.groupby(["level", "t2i_model"])["mean"].mean().reset_index(), ("t2i_model",)),
        leaderboard_table("Pairs", "final distance", last, ("t2i_model", "i2t_model")),
    ]  # fmt: skip
    fields = {
        "title": "A small battle", "subtitle": "Two draw, three describe.", "counts": (Count(12, "games planned"),),
        "answers": (AnswerText("Which model keeps most of the meaning?", "Nothing is known.", settled=False),),
        "measure": "cosine distance", "leaderboards": tuple(boards),
        "figures": {"drift": drift, "facts": tables(frame, "facts_recall"), "heatmap": last},
        "games": tuple(games_of(frame)), "settings": (("Turns", "4"),),
    }  # fmt: skip
    return ReportData(**(fields | other))


def played(folder, painters=PAINTERS, captioners=CAPTIONERS, *, level="easy", turns=3, judged=True):
    wanted = [*prompts.get(f"pocket:{level}"), *prompts.get(f"pocket-images:{level}")[:1]]
    run = begin(folder, plan(grid(painters, captioners), wanted, turns=turns))
    play(run)
    if judged:
        score(run, "fake/embedder")
    return run
