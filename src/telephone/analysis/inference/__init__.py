"""Statistics: intervals, tests, variance decompositions and the sentences that rest on them."""
