# `make demo`: install, encode a photograph, decode it, print the numbers.   `make test`: install and run the tests.
# All installing happens in .venv, with the pinned versions of constraints.txt; PYTHON chooses the interpreter (3.11 or newer).

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
EXE := .exe
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --constraint constraints.txt --editable

.PHONY: demo test test-all test-cuda check coverage lint types dist dist-check uncache clean

demo: $(VENV)/.runtime
	mkdir -p out
	$(BIN)/splatc encode --force --cr 100 tests/images/kodim03.png out/kodim03.splat2d
	$(BIN)/splatc decode --force out/kodim03.splat2d out/kodim03.png
	$(BIN)/splatc info out/kodim03.splat2d

ifneq ($(filter check,$(MAKECMDGOALS)),)
test: coverage  # `make check test` runs them once
else
test: $(VENV)/.develop
	$(BIN)/python -m pytest -m "not slow and not cuda"
endif

test-all: $(VENV)/.develop
	$(BIN)/python -m pytest -m "not cuda"

# On a machine with an NVIDIA GPU: what the other tests can only try on the host.
test-cuda: $(VENV)/.develop
	$(BIN)/python -m pytest -m cuda

check: lint types coverage

# All tests but the slow ones; fails unless they run every line and branch of the decoder (pyproject.toml says of which files).
coverage: $(VENV)/.develop
	$(BIN)/python -m coverage run -m pytest -m "not slow and not cuda"
	$(BIN)/python -m coverage report

lint: $(VENV)/.develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.develop
	$(BIN)/mypy

# The wheel and the sdist, and what shows that they are complete: each is installed into an empty environment, and codes a picture there.
dist: $(VENV)/.develop
	rm -rf build dist
	$(PIP) install --constraint constraints.txt build
	$(BIN)/python -m build --outdir dist .

dist-check: dist
	$(BIN)/python tools/check_dist.py dist

# Numba's cache notices a change in a kernel's own file, not in what the kernel calls in another: after such a change, begin anew.
uncache:
	find splatc tests tools -name '*.nb[ic]' -delete

clean:
	rm -rf $(VENV) out build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find splatc tests tools -name __pycache__ -prune -exec rm -rf {} +

# Stamps: an installation is repeated only when what it is made from has changed.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(INSTALL) .
	touch $@

$(VENV)/.develop: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(INSTALL) ".[test,lint]"
	touch $@ $(VENV)/.runtime

$(BIN)/python$(EXE):
	$(PYTHON) -m venv $(VENV)
