"""How the pocket weights are trained: one recipe a net, read from top to bottom; each can be stopped and resumed.

A recipe is a module with `STAGES`, the table of its stages with their default numbers of optimiser steps, and
`main(recipe)`, which trains and writes the weight file. `common` holds what recipes share. Which recipe trains which
net is part of the net's declaration in `telephone.models.pocket`.
"""

from telephone.models.pocket.catalogue import RECIPES

__all__ = ["RECIPES"]
