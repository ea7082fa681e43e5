"""What happened: the folder of a run, written so that it survives a kill at any moment, read back and checked."""

from telephone.core.records import Spending
from telephone.store.export import export
from telephone.store.pictures import write_whole
from telephone.store.rows import GameProgress, GameRow, ModelSpec, Problem, RunExtension, RunSpec, Score
from telephone.store.run import Run, another

__all__ = [
    "RunSpec",
    "GameRow",
    "RunExtension",
    "ModelSpec",
    "Problem",
    "Run",
    "Score",
    "Spending",
    "GameProgress",
    "another",
    "export",
    "write_whole",
]
