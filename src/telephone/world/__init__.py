"""The pocket world: scene graphs, captions and their parser, the renderer, the sampler, and scene comparison."""

from telephone._moved import renamed
from telephone.world.comparison import SceneComparison, compare
from telephone.world.grammar import WORDINGS, caption
from telephone.world.parser import ParseResult, parse, read
from telephone.world.renderer import render, render_array
from telephone.world.sampler import Split, sample, sample_any
from telephone.world.scene import Atom, Relation, Scene, Thing, atoms, held_out, level_of

__getattr__ = renamed(__name__)

__all__ = [
    "WORDINGS",
    "Atom",
    "SceneComparison",
    "ParseResult",
    "Relation",
    "Scene",
    "Split",
    "Thing",
    "atoms",
    "caption",
    "compare",
    "held_out",
    "level_of",
    "parse",
    "read",
    "render",
    "render_array",
    "sample",
    "sample_any",
]
