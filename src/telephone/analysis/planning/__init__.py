"""Power analysis: how large a battle must be to show a difference."""
