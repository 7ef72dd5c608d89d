# Everything runs in .venv, which the targets make for themselves. Needed: Python >= 3.10 with venv, make, git.
#   make test PYTHON=python3.12 VENV=.venv-3.12     another interpreter, in an environment of its own
#   make test ARGS="-k device_code -x"              arguments for pytest

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-consumers test-matrix test-node check bench docs lock clean

VENV    ?= .venv
PY      := $(VENV)/bin/python
STAMP   := $(VENV)/installed
WORKERS ?= 2
ARGS    ?=
# basedpyright looks for packages in the environment of whichever python comes first.
ACTIVE   = PATH="$$(cd $(VENV)/bin && pwd):$$PATH"
PYTHON  ?=
# Newest first, except that 3.14 is declared and less travelled.
PYTHONS := python3.13 python3.12 python3.11 python3.10 python3.14 python3 python
UV      ?= uv

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Another environment's paths and plugins are not ours.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTEST_ADDOPTS PYTEST_PLUGINS
# The many programs that tests start would each compile every package anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

demo: $(STAMP) ## The real h2oGPTe clients on tokens that are renewed under them, against the emulator; under a minute
	@$(PY) -m entra_tokens.emulator.demo

test: $(STAMP) ## All tests
	$(PY) -m pytest -n $(WORKERS) $(ARGS)

test-consumers: $(STAMP) ## The packages that take a provider as it is, each group in an environment of its own; some minutes
	$(PY) tests/consumers/run.py $(ARGS)

test-matrix: $(STAMP) ## The tests of the h2oGPTe plug on the older versions of h2ogpte, each in an environment of its own
	$(PY) tests/h2ogpte/matrix.py $(ARGS)

test-node: $(STAMP) ## Node's Azure library on exec --serve; needs node >= 20 and npm
	sh tests/node/install.sh
	$(PY) -m pytest tests/node

check: $(STAMP) ## Lint, format, types (mypy --strict, pyright --verifytypes), import directions
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(ACTIVE) basedpyright
	$(ACTIVE) basedpyright --verifytypes entra_tokens --ignoreexternal
	$(PY) -m pytest -q tests/test_architecture.py

bench: $(STAMP) ## Measure ours and its peers in one run; to the screen and to bench/results.json
	@$(PY) bench/run.py

docs: $(STAMP) ## Check the documents' links and snippets
	$(PY) -m pytest tests/docs

lock: ## Compile requirements/py3.*.txt again (needs uv)
	@for v in 3.10 3.11 3.12 3.13 3.14; do \
	  echo "==> requirements/py$$v.txt"; \
	  $(UV) pip compile --no-config --quiet --upgrade --python-version $$v pyproject.toml --group dev --all-extras \
	    --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements/py$$v.new || exit 1; \
	  { echo "# Made by 'make lock' from pyproject.toml: Linux and macOS, Python $$v."; \
	    cat requirements/py$$v.new; } > requirements/py$$v.txt; \
	  rm requirements/py$$v.new; \
	done

clean: ## Remove the environment and everything made by tools
	rm -rf $(VENV) .consumers .matrix dist build htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests bench samples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# --- the environment -------------------------------------------------------------------------------------------------

# An interpreter counts if it runs (a pyenv shim may not) and can make an environment.
$(PY):
	@for python in $(or $(PYTHON),$(PYTHONS)); do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then \
	    echo "==> $(VENV) with $$($$python --version), $$(command -v $$python)"; \
	    exec $$python -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "No usable Python: tried '$(or $(PYTHON),$(PYTHONS))'. Needed is 3.10 to 3.14 with its venv module" >&2; \
	echo "(on Debian and Ubuntu: apt-get install python3-venv), or name one: make test PYTHON=/path/to/python3.12" >&2; \
	exit 1

# The lock is whole, hence --no-deps: asked for `name[extra]`, pip would take a newer release than the locked one.
$(STAMP): $(PY) pyproject.toml $(wildcard requirements/py3.*.txt)
	@set -e; \
	lock=requirements/py$$($(PY) -c 'import sys; print("%d.%d" % sys.version_info[:2])').txt; \
	echo "==> installing the $$(grep -c == $$lock) packages of $$lock (pip takes about a minute, uv some seconds)"; \
	if $(UV) --version >/dev/null 2>&1 && \
	   $(UV) pip install --quiet --compile-bytecode --python $(PY) --no-deps --require-hashes -r $$lock; \
	then :; else $(PY) -m pip install --quiet --no-deps --require-hashes -r $$lock; fi; \
	echo "==> installing entra-tokens, editable"; \
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .; \
	touch $@
