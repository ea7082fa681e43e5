"""What happened: the folder of a run, written so that it survives a kill at any moment, read back and checked."""

from telephone.store.export import export
from telephone.store.pictures import write_whole
from telephone.store.rows import Description, GameRow, PlayerRow, Problem, Score, Tail
from telephone.store.run import Run

__all__ = [
    "Description",
    "GameRow",
    "PlayerRow",
    "Problem",
    "Run",
    "Score",
    "Tail",
    "export",
    "write_whole",
]
