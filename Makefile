# Every target makes its own virtual environment from requirements-dev.txt, and is quick when nothing changed. What
# production installs is requirements.txt, the same without what only tests and the local stack need.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Stores that are lost and put back, and releases rolled out, take minutes: `make restores`, `make drill`.
TESTS ?= tests --ignore=tests/restores --ignore=tests/releases
# Test processes side by side: one more than two cores, because tests also wait for servers to start and stop.
AT_ONCE ?= 3
# How long `make fuzz` looks, in seconds, and which requests it begins with.
FOR ?= 600
SEED ?= 1
# Every stack starts a few processes: compiled once, each of them is there a second sooner.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run test pages crowds fuzz restores drill pictures clients demo chaos check fix bench lock sbom clean

help: ## what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

install: $(STAMP) ## the virtual environment, with everything pinned
	@:

# The stamp holds what was installed: a changed file installs again, a mere touch does not. The first Python that
# actually runs is taken: being named on the PATH is not enough.
$(STAMP): requirements-dev.txt Makefile
	@wanted=$$(cksum < requirements-dev.txt); \
	if [ -x $(PYTHON) ] && [ "$$(cat $@ 2>/dev/null)" = "$$wanted" ] && $(PYTHON) -c '' 2>/dev/null; then \
	  touch $@; exit 0; \
	fi; \
	rm -f $@; \
	if ! $(PYTHON) -c 'import pip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then \
	  found=; \
	  for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	    if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then \
	      found=$$name; break; \
	    fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "Python 3.11, 3.12, 3.13 or 3.14 is needed, and none was found on the PATH." >&2; exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$($$found --version) ..."; \
	  rm -rf $(VENV); \
	  if ! $$found -m venv $(VENV); then \
	    rm -rf $(VENV); \
	    echo "$$found cannot make virtual environments: install its venv package (Debian: apt-get install python3-venv)." >&2; \
	    exit 1; \
	  fi; \
	fi; \
	echo "Installing what requirements-dev.txt pins ..."; \
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-dev.txt || exit 1; \
	echo "$$wanted" > $@

run: $(STAMP) ## everything on this machine, until Ctrl-C
	@exec $(PYTHON) dev.py

test: $(STAMP) ## every test but those of `make pages`, `make crowds`, `make restores`, `make drill`; TESTS=tests/rules for some
	@$(PYTHON) -m pytest -n $(AT_ONCE) --dist worksteal -m "not crowd and not pages" $(TESTS)

pages: $(STAMP) ## the pages in a real browser, each person's day; some nine minutes
	@$(PYTHON) -m pytest -n 2 --dist loadfile -m pages tests/web

crowds: $(STAMP) ## the tests with hundreds at once, with processes killed while they work, and those of minutes; some eight
	@$(PYTHON) -m pytest -n $(AT_ONCE) --dist worksteal -m crowd $(TESTS)

fuzz: $(STAMP) ## made-up requests to every call, as everybody who can ask; FOR=600 seconds, SEED=1
	@FUZZ_SECONDS=$(FOR) FUZZ_SEED=$(SEED) $(PYTHON) -m pytest tests/api/fuzz/for_longer.py

drill: $(STAMP) ## a next release, rolled out and back while requests go on; BEFORE=v1.0.0 rolls this one out over that
	@BEFORE=$(BEFORE) $(PYTHON) -m pytest tests/releases

restores: $(STAMP) ## the stories in which the database or the engine is lost or put back; some ten minutes
	@$(PYTHON) -m pytest tests/restores

pictures: $(STAMP) ## the pictures of docs/temporal-ui.md and docs/pages.md anew; needs Chromium
	@PICTURES=$(CURDIR)/docs/pictures NEED_CHROMIUM=1 $(PYTHON) -m pytest tests/ui tests/web/for_pictures.py

# What makes and checks the clients: Node and the generators, which the product itself needs nothing of.
CLIENTS := clients/.made
$(CLIENTS)/.installed: clients/requirements.txt clients/package-lock.json | $(STAMP)
	@rm -rf $(CLIENTS) && $(PYTHON) -m venv $(CLIENTS)/venv
	@$(CLIENTS)/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r clients/requirements.txt
	@cd clients && PATH="$$PWD/.made/venv/bin:$$PATH" npm ci --loglevel=error
	@touch $@

clients: $(CLIENTS)/.installed ## the description linted, clients made from it in Python and TypeScript, and both book; some two minutes
	@exec $(PYTHON) -m clients

demo: $(STAMP) ## one whole journey, narrated, on the movable clock
	@exec $(PYTHON) demo.py

chaos: $(STAMP) ## programs killed and wrong clicks under load, and whether every promise was kept; SHORT=1 for a little
	@exec $(PYTHON) -m chaos $(if $(SHORT),--short)

check: $(STAMP) ## format, lint, types, and the arrows between packages
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@$(VENV)/bin/lint-imports --no-cache

fix: $(STAMP) ## format, and mend what the linter can
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

bench: $(STAMP) ## how long things take
	@exec $(PYTHON) -m bench

PIN := $(PYTHON) -m uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate --quiet

lock: $(STAMP) ## the requirements files anew: two from pyproject.toml, one of the clients' tools, two of the peers in bench
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(PIN) pyproject.toml --group local --group dev --output-file requirements-dev.txt
	@$(PIN) pyproject.toml --constraint requirements-dev.txt --output-file requirements.txt
	@$(PIN) clients/requirements.in --constraint requirements-dev.txt --output-file clients/requirements.txt
	@for peer in dbos procrastinate; do $(PIN) bench/peers/$$peer/requirements.in --constraint requirements-dev.txt \
	  --output-file bench/peers/$$peer/requirements.txt; done

sbom: $(STAMP) ## the software bill of materials of what production runs on: sbom.json
	@$(PYTHON) -m ops.sbom > sbom.json.new && mv sbom.json.new sbom.json

clean: ## the virtual environments and caches; data stay
	@rm -rf $(VENV) $(CLIENTS) clients/node_modules .data/peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
