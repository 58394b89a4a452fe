# `make demo`: install, encode a photograph, decode it, print the numbers.   `make test`: install and run the tests.
# All installing happens in .venv, with the pinned versions of constraints.txt; PYTHON chooses the interpreter (3.11 or newer).

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
EXE := .exe
LIBRARY := splatc/core/splatc_core.dll
else
BIN := $(VENV)/bin
LIBRARY := splatc/core/splatc_core$(if $(filter Darwin,$(shell uname)),.dylib,.so)
endif
CORE := $(wildcard splatc/core/*.[ch] splatc/core/*/*.[ch]) splatc/core/sources.py tools/core_build.py
TARGETS := linux-x86_64 linux-aarch64 macos-x86_64 macos-arm64 windows-x86_64
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --constraint constraints.txt --editable

.PHONY: demo test test-all test-cuda check coverage lint types core sanitize-build sanitize fuzz mutants wasm web docs dist dist-check clean

demo: $(VENV)/.runtime $(LIBRARY)
	mkdir -p out
	$(BIN)/splatc encode --force --cr 100 tests/images/kodim03.png out/kodim03.splat2d
	$(BIN)/splatc decode --force out/kodim03.splat2d out/kodim03.png
	$(BIN)/splatc info out/kodim03.splat2d

ifneq ($(filter check,$(MAKECMDGOALS)),)
test: coverage  # `make check test` runs them once
else
test: $(VENV)/.develop $(LIBRARY)
	$(BIN)/python -m pytest -m "not slow and not cuda"
endif

test-all: $(VENV)/.develop $(LIBRARY)
	$(BIN)/python -m pytest -m "not cuda"

# On a machine with an NVIDIA GPU: what the other tests can only try on the host.
test-cuda: $(VENV)/.develop $(LIBRARY)
	$(BIN)/python -m pytest -m cuda

check: lint types coverage

# All tests but the slow ones; fails unless they run every line and branch of the decoder (pyproject.toml says of which files).
coverage: $(VENV)/.develop $(LIBRARY)
	$(BIN)/python -m coverage run -m pytest -m "not slow and not cuda"
	$(BIN)/python -m coverage report

lint: $(VENV)/.develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/core_build.py --strict --output out/strict
	$(BIN)/python tools/core_build.py --strict --output out/strict --target windows-x86_64 # by clang, which warns of other things

types: $(VENV)/.develop
	$(BIN)/mypy

# The compiled core, in place: after a change of its sources, nothing else has to be installed again.
core: | $(BIN)/python$(EXE)
	for package in $$($(BIN)/python tools/core_build.py --required); do $(PIP) install $$package || exit 1; done
	$(BIN)/python tools/core_build.py

# The same with AddressSanitizer and UBSan, by the system's compiler.
sanitize-build: | $(BIN)/python$(EXE)
	$(BIN)/python tools/core_build.py --sanitize --output out/sanitize

# Tests against it at every instruction set, and the pool under ThreadSanitizer: some ten minutes.
sanitize: $(VENV)/.develop $(LIBRARY)
	$(BIN)/python tools/core_sanitize.py

# The entries of the core under libFuzzer, SECONDS each, two at a time; takes clang.
SECONDS ?= 1800
fuzz: $(VENV)/.develop $(LIBRARY)
	$(BIN)/python tools/core_fuzz.py --seconds $(SECONDS)

# Takes the core's checks away one by one: is there a test that notices?
mutants: $(VENV)/.develop $(LIBRARY)
	$(BIN)/python tools/core_mutation.py

# The core for the browser. It is committed: the pinned zig makes the same bytes everywhere.
wasm: $(VENV)/.build
	$(BIN)/python tools/core_build.py --wasm

# The script of viewer.html. It is committed, too.
web: $(VENV)/.develop
	$(BIN)/python tools/web_build.py

# The pages of the Python interface, in out/docs; fails on a name that no page has and on a link that leads nowhere.
docs: $(VENV)/.develop $(LIBRARY)
	$(BIN)/python tools/api_pages.py out/docs

# The sdist, and a wheel for every system, all compiled here. Each without the build/ of another.
dist: $(VENV)/.build
	rm -rf build dist
	$(BIN)/python -m build --no-isolation --outdir dist --sdist .
	for target in $(TARGETS); do \
	  $(BIN)/python -m build --no-isolation --outdir dist --wheel --config-setting target=$$target . && rm -rf build || exit 1; \
	done

# What shows that they are complete: the libraries are looked at, sdist and the wheel of this system code a picture in an empty environment.
dist-check: dist
	$(BIN)/python tools/check_dist.py dist

clean:
	rm -rf $(VENV) out build dist $(LIBRARY) *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find splatc tests tools -name __pycache__ -prune -exec rm -rf {} +

# Stamps: an installation is repeated only when what it is made from has changed.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(INSTALL) .
	touch $@

$(VENV)/.develop: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(INSTALL) ".[all]"
	touch $@ $(VENV)/.runtime

$(VENV)/.build: constraints.txt | $(BIN)/python$(EXE)
	$(PIP) install --constraint constraints.txt build "setuptools>=77" ziglang
	touch $@

# An installation has compiled it; this is for what changed since.
$(LIBRARY): $(CORE)
	$(MAKE) core

$(BIN)/python$(EXE):
	$(PYTHON) -m venv $(VENV)
