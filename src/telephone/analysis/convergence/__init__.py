"""Fixed points, cycles and attractors: whether and where games settle."""
