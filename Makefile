# `make train` and `make test` do all set-up on a fresh machine.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONFIG ?= configs/base.yaml

.PHONY: install check test quick browser fix train ui

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: install
	$(BIN)/python -m pytest -n 2 --dist loadfile

# All but the slow tests.
quick: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow and not browser'

# The MLflow UI and the HTML report in headless Chromium (apt-get install chromium).
browser: install
	$(BIN)/pip install --quiet -c constraints.txt -e '.[browser]'
	$(BIN)/python -m pytest -m browser tests/browser

fix: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: install
	$(BIN)/clfnews train $(CONFIG)

ui: install
	$(BIN)/clfnews ui
