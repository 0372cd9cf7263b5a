# `make train` and `make test` do all set-up on a fresh machine.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONFIG ?= configs/base.yaml
# pip prints what it downloads and installs; PIP=--quiet for silence.
PIP ?= --disable-pip-version-check --progress-bar on

.PHONY: install check test quick browser fix train ui dist clean

install: $(VENV)/installed-dev

$(BIN)/pip:
	@echo 'making the environment $(VENV)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/pip
	@echo 'installing what training needs into $(VENV): a minute or two'
	$(BIN)/pip install $(PIP) -c constraints.txt -e .
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo 'installing what training and tests need into $(VENV): some minutes'
	$(BIN)/pip install $(PIP) -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/installed

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
	@echo 'installing playwright into $(VENV)'
	$(BIN)/pip install $(PIP) -c constraints.txt -e '.[browser]'
	$(BIN)/python -m pytest -m browser tests/browser

fix: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: $(VENV)/installed
	$(BIN)/clfnews train $(CONFIG)

ui: $(VENV)/installed
	$(BIN)/clfnews ui

# Wheel and sdist, in dist/, with a filter that works after pip install. It is trained on configs/base.yaml in a store of its
# own; WCXB=FOLDER also learns from that benchmark (configs/web.yaml); MODEL=FOLDER takes a filter that is there already.
dist: export MLFLOW_TRACKING_URI = sqlite:///$(CURDIR)/build/store/mlflow.db
dist: install
	rm -rf build
ifdef MODEL
	$(BIN)/python .ci/bundle.py '$(MODEL)' build
else ifdef WCXB
	$(BIN)/clfnews data import wcxb '$(WCXB)' -o wcxb.jsonl
	$(BIN)/clfnews train configs/web.yaml
	$(BIN)/python .ci/bundle.py models:/clfnews@champion build
else
	$(BIN)/clfnews train configs/base.yaml
	$(BIN)/python .ci/bundle.py models:/clfnews@champion build
endif
	rm -rf dist
	$(BIN)/python -m build --no-isolation

# The environment, build products and caches. Stores (mlflow.db, mlruns/) and results stay.
clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find .ci benchmarks clfnews experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'kept: mlflow.db, mlruns/ and what the commands have written'
