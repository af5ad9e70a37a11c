# Two commands matter: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
NLU ?= model
export RASA_TELEMETRY_ENABLED := false

.PHONY: help
help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(VENV)/.runs: locks/app.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (apt install python3.11, or python.org)"; exit 2; }
	@echo "app: making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes locks/app.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(VENV)/.tests: $(VENV)/.runs locks/dev.txt
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes locks/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.PHONY: setup
setup: $(VENV)/.runs ## Make the environments that everything else needs
	@if [ "$(NLU)" = model ]; then $(BIN)/python nlu/prepare.py env >/dev/null; fi

.PHONY: train
train: $(VENV)/.runs ## Train the Rasa model, unless this very model was trained before
	@$(BIN)/python nlu/prepare.py train

.PHONY: run
run: $(VENV)/.runs ## Start everything on this machine: web chat, console, Rasa (NLU=rules: without Rasa; SIMULATE=all: channels)
	@if [ "$(NLU)" = model ]; then $(BIN)/python nlu/prepare.py train >/dev/null || \
		{ echo "To run on the rule floor alone: make run NLU=rules"; exit 2; }; fi
	@GYEOT_NLU=$(NLU) exec $(BIN)/gyeot demo $(if $(SIMULATE),--simulate $(SIMULATE))

.PHONY: check
check: $(VENV)/.tests ## Format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: browser
browser: ## Chromium and a Korean font for the browser tests (Debian)
	@if ! command -v chromium >/dev/null || [ -z "$$(fc-list :lang=ko 2>/dev/null)" ]; then \
		echo "browser: installing chromium and a Korean font"; \
		apt-get update -qq && apt-get install -y -qq chromium fonts-nanum >/dev/null; fi

.PHONY: test
test: check browser train ## Set up what is needed and run every test
	$(BIN)/pytest -n 2 --dist loadfile tests

.PHONY: bench
bench: $(VENV)/.tests train ## Measure Gyeot beside plain Rasa; writes docs/performance.*
	$(BIN)/python -m bench

.PHONY: lock
lock: $(VENV)/.tests ## Resolve the lock files anew
	@for set in "app" "dev --group dev"; do set -- $$set; name=$$1; shift; \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate pyproject.toml "$$@" -o locks/$$name.txt; done

.PHONY: clean
clean: ## Remove the environment and what tools left behind (never ./var, never the cache)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build
