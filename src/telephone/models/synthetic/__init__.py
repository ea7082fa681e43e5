"""Models without weights: exact renderer and reader, fakes for tests, and control models."""
