"""Pictures and films of games: film strips, animations, grids."""
