"""The folder of a run: written so that it survives a kill at any moment, read back and verified."""

from telephone._moved import renamed
from telephone.core.output_files import write_whole
from telephone.core.records import Spending
from telephone.store.records import (
    EmbedderRow,
    GameProgress,
    GameRow,
    Problem,
    Score,
    ScoreColumn,
    ScorerKind,
    ScorerRow,
    floor_scorer,
)
from telephone.store.run import Run, another
from telephone.store.spec import ModelSpec, RunExtension, RunSpec, opening
from telephone.store.table_files import export

__getattr__ = renamed(__name__)

__all__ = [
    "EmbedderRow",
    "GameProgress",
    "GameRow",
    "ModelSpec",
    "Problem",
    "Run",
    "RunExtension",
    "RunSpec",
    "Score",
    "ScoreColumn",
    "ScorerKind",
    "ScorerRow",
    "Spending",
    "another",
    "export",
    "floor_scorer",
    "opening",
    "write_whole",
]
