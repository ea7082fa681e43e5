"""Games as images and films: film strips, animations, grids."""
