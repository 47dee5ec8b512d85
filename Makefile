# `make fuzz` and `make test` do all set-up in .venv; they need Python 3.11 or later and nothing else.

PYTHON ?= python3
RELEASE ?= unfixed
TIME ?= 60
CORPUS ?=
BIN := .venv/bin

.PHONY: fuzz test coverage replay lint libzpool bench clean

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "zapfuzz needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Say PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[fuzz,threads,test]'
	@touch $@

# Fuzz the release that has the bug this project began with, from an empty corpus, for a minute.
fuzz: .venv/installed
	$(BIN)/zapfuzz fuzz --engine atheris --release $(RELEASE) --time $(TIME) $(if $(CORPUS),--corpus $(CORPUS))

# The tests. With the real library at hand they compare the model to it; `make libzpool` fetches it.
test: .venv/installed libzpool
	$(BIN)/python -m pytest

# Branch coverage of the model by the tests of the model and the corpus; fails under 95 %. What is left is, in
# this order: fail(...) of assertions that hold whatever a program does (the tests damage a live block to reach
# the others); where two threads meet in the instant before a lock is taken; clean-up after errors that only
# failing hardware gives; what pads the file of a damaged pool (fatcheck, microcheck).
coverage: .venv/installed libzpool
	mkdir -p .cache
	$(BIN)/python -m pytest --cov --cov-report=term $(addprefix tests/,zapcore judge corpus threads evidence real)

# Every reproducer and finding, on everything that it speaks of.
replay: .venv/installed
	$(BIN)/zapfuzz replay

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# OpenZFS's own code in user space and its headers, from Debian's packages, into .cache; changes nothing else.
# Where there is none to fetch this says so in one line, and what needs it is skipped (in CI: fails).
libzpool: .venv/installed
	@$(BIN)/python -m fuzz.targets.packages.libzpool || [ "$$CI" != true ]
	@$(BIN)/python -m fuzz.targets.packages.headers || [ "$$CI" != true ]

bench: .venv/installed
	$(BIN)/zapfuzz bench

clean:
	rm -rf .venv .cache build dist *.egg-info
