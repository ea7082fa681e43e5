"""What happened: the folder of a run, written so that it survives a kill at any moment, read back and checked."""

from telephone.store.export import export
from telephone.store.pictures import write_whole
from telephone.store.rows import Description, GameRow, Growth, PlayerRow, Problem, Score, Spending, Tail
from telephone.store.run import Run, another

__all__ = [
    "Description",
    "GameRow",
    "Growth",
    "PlayerRow",
    "Problem",
    "Run",
    "Score",
    "Spending",
    "Tail",
    "another",
    "export",
    "write_whole",
]
