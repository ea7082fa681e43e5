# One word each: `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install play test quick test-wheels check images format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with the package and what the checks need

$(STAMP): pyproject.toml weights/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make install PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet -c constraints.txt --group dev -e . -e weights
	@touch $(STAMP)

play: $(STAMP) ## play the pocket battle, print the leaderboard and the path of report.html
	$(BIN)/telephone play

test: $(STAMP) ## the whole test suite, on all cores
	$(BIN)/python -m pytest -n auto --dist worksteal

quick: $(STAMP) ## the tests without the slow ones
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not wheels"

test-wheels: $(STAMP) ## build both wheels, install them alone into a fresh environment, play
	$(BIN)/python -m pytest -m wheels tests/packaging

check: $(STAMP) ## lint, types, import contracts, no large binaries, pictures of the docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_binaries.py
	$(BIN)/python docs/make_images.py --check

images: $(STAMP) ## make the pictures of docs/images again, from the shipped weights (minutes)
	$(BIN)/python docs/make_images.py

format: $(STAMP) ## lay out the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
