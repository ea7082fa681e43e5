"""Data frames: turns and games with their scores, leaderboards, drift, comparisons of runs."""
