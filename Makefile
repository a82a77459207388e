# Everything runs from a virtual environment in .venv, made on first use and again when
# pyproject.toml or constraints.txt change. PYTHON=... chooses the interpreter.

ifndef PYTHON
PYTHON := $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
  $(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(name))) python3)
endif
PY := .venv/bin/python
STAMP := .venv/.made
HARM := benchmarks/fuzz.py benchmarks/kills.py
LONG := benchmarks/losses.py

.DEFAULT_GOAL := help
.PHONY: help demo test check app screenshots bench harm losses venv clean

help:
	@echo 'make demo   probe the shipped pixelfaces GAN: runs/demo/report.html'
	@echo 'make test   lint, types and tests'
	@echo 'make app    the explorer, in a browser'
	@echo 'make screenshots   the pictures in apps/README.md, with a Chromium'
	@echo 'make bench  speed beside named peers'
	@echo 'make harm   10,000 hostile files, 200 killed runs'
	@echo 'make losses   all losses beside each other, three seeds: many hours, resumable'
	@echo 'make venv   only the environment in .venv'

demo: venv
	@$(PY) -m ganlens demo --out runs/demo

test: check
	@$(PY) -m pytest $(TESTS)

check: venv
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

app: venv
	@$(PY) -m ganlens explore

screenshots: venv
	@GANLENS_SCREENSHOTS=1 $(PY) -m pytest -n0 -q tests/apps/test_screenshots.py

bench: venv
	@for script in $(filter-out $(HARM) $(LONG),$(wildcard benchmarks/*.py)); do $(PY) "$$script" || exit 1; done

harm: venv
	@for script in $(HARM); do $(PY) "$$script" || exit 1; done

losses: venv
	@$(PY) $(LONG)

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'ganlens needs Python 3.11 or newer: install it, or name it as in "make PYTHON=python3.12 $(or $(MAKECMDGOALS),venv)"' >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo 'Python has no venv and pip: on Debian run "apt-get install python3-venv", then make again' >&2; exit 2; }
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo 'installing into .venv (several minutes the first time) ...'
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
