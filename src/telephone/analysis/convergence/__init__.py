"""Convergence of games: fixed points, cycles and attractors."""
