# One command each; every one of them sets up what it needs first. Needs only make and Python 3.11 or newer.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
ARGS ?=
export PYTHONDONTWRITEBYTECODE :=  # tests start the program hundreds of times, which would be compiled anew each time

help:  ## what there is to run
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/.ready: constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "threadbridge needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3"; exit 1; }
	@echo "==> making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "could not make a virtual environment: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	@echo "==> installing the pinned libraries (constraints.txt, about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement constraints.txt
	@echo "==> installing threadbridge itself"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: help setup demo test test-openclaw thorough check format gallery bench chaos chaos-cluster constraints clean

setup: $(VENV)/.ready  ## the virtual environment, ready to use

demo: $(VENV)/.ready  ## a simulated Slack, a demo agent and the real bridge: try it without any token (ARGS="--say hello")
	@$(BIN)/threadbridge demo $(ARGS)

test: $(VENV)/.ready  ## all tests (ARGS="-k name" for some)
	@echo "==> running all tests: pure functions, contracts, journeys"
	@$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

test-openclaw: $(VENV)/.ready  ## the journeys against a real OpenClaw, which it installs with npm (several minutes, 860 MB; ARGS="-k name")
	@$(BIN)/python -m tests.openclaw $(ARGS)

thorough: $(VENV)/.ready  ## every property with 10,000 examples (an hour or more; ARGS="-k name" for some)
	@$(BIN)/python -m pytest -n 4 --dist worksteal -m hypothesis --hypothesis-profile=thorough --timeout=0 $(ARGS)

check: $(VENV)/.ready  ## formatting, lint, types, import contracts
	@echo "==> ruff format"; $(BIN)/ruff format --check .
	@echo "==> ruff check"; $(BIN)/ruff check .
	@echo "==> mypy --strict"; $(BIN)/mypy
	@echo "==> pyright strict"; $(BIN)/pyright
	@echo "==> import contracts"; $(BIN)/lint-imports

format: $(VENV)/.ready  ## put the code into shape
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

gallery: $(VENV)/.ready  ## write anew what the answers in tests/gallery look like; then read the diff
	@$(BIN)/python -m pytest tests/test_gallery.py --update-gallery --quiet
	@git diff --stat -- tests/gallery

bench: $(VENV)/.ready  ## speed and memory against a bot written by hand (several minutes)
	@$(BIN)/python -m bench $(ARGS)

chaos: $(VENV)/.ready  ## 10,000 messages, 500 kills: counts what is lost or done twice (about 30 minutes; writes docs/reliability.md)
	@$(BIN)/python -m tests.chaos $(ARGS)

chaos-cluster: $(VENV)/.ready  ## three processes on PostgreSQL: 3,000 messages, 180 faults of processes, networks and database (about 20 minutes)
	@$(BIN)/python -m tests.chaos --cluster $(ARGS)

constraints: $(VENV)/.ready  ## pin the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-emit-index-url --no-header --upgrade --quiet --output-file constraints.txt

clean:  ## remove what was made here
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
