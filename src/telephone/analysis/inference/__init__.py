"""Statistical inference: intervals, tests, variance decompositions and the sentences built from them."""
