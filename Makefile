# `make fuzz` and `make test` do all set-up in .venv; they need Python 3.11 or later and nothing else.

PYTHON ?= python3
RELEASE ?= unfixed
TIME ?= 60
CORPUS ?=
BIN := .venv/bin

# Three processes for two cores, as a third of the tests wait for what hangs, dies or is far away.
WORKERS := $(shell n=$$(nproc 2>/dev/null || echo 2); n=$$((n + n / 2)); echo $$((n < 8 ? n : 8)))
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --durations 10

# The tests start hundreds of processes: without compiled modules each takes twice the time to begin.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup fuzz test test-slow test-kernel test-kernel-short test-all coverage replay lint libzpool kernel bench clean

help:
	@echo "make fuzz       a minute of fuzzing, from nothing to a minimized failure"
	@echo "make test       every kind of test, on all cores: some five minutes on two"
	@echo "make test-all   the slow ones, too: minutes of comparison, proofs, gigabytes"
	@echo "make setup      what those do first: .venv, and the real libraries where they can be fetched"
	@echo "make replay     every reproducer and finding, on everything that it speaks of"
	@echo "make libzpool   OpenZFS's own code in user space, from Debian's packages, into .cache"
	@echo "make kernel     a guest with a real kernel module; make test-kernel runs what needs it"
	@echo "make lint       format, style and types; make coverage the model's branches"
	@echo "make bench      everything measured: hours; make clean removes .venv and .cache"

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "zapfuzz needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Say PYTHON=..."; exit 2; }
	@echo "set-up: .venv, with what pyproject.toml asks for (a minute)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[fuzz,threads,test]'
	@touch $@

setup: .venv/installed libzpool

# Fuzz the release that has the bug this project began with, from an empty corpus, for a minute.
fuzz: .venv/installed
	$(BIN)/zapfuzz fuzz --engine atheris --release $(RELEASE) --time $(TIME) $(if $(CORPUS),--corpus $(CORPUS))

# Every kind of test. With the real library at hand they compare the model to it; `make libzpool` fetches it.
test: setup
	$(PYTEST) --dist worksteal

# What takes minutes or gigabytes, in folders named `slow` or marked so. Tests of a group do not run beside each
# other. What waits for killed processes and full disks may fail where others keep the processors busy: what has
# failed runs once more, with nothing beside it.
test-slow: setup
	$(PYTEST) --dist loadgroup -m slow || $(BIN)/python -m pytest -m slow --last-failed --last-failed-no-failures none

# A guest with a real kernel module: what takes a compiled module and an emulated machine, one after the other.
test-kernel: setup kernel
	$(BIN)/python -m pytest -m kernel tests/kernel

# What CI runs of it: a boot, a program, a panic that is caught, and a soft lockup that a finding makes.
test-kernel-short: setup kernel
	$(BIN)/python -m pytest -m kernel tests/kernel/test_guest.py

test-all: test test-slow test-kernel

# Branch coverage of the model by the tests of the model and the corpus; fails under 95 %. What is left is, in
# this order: fail(...) of assertions that hold whatever a program does (the tests damage a live block to reach
# the others); where two threads meet in the instant before a lock is taken; clean-up after errors that only
# failing hardware gives; what pads the file of a damaged pool (zapcore/verify).
coverage: setup
	mkdir -p .cache
	$(PYTEST) --cov --cov-report=term $(addprefix tests/,zapcore judge corpus threads evidence real)

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
	@$(BIN)/zapfuzz fetch || [ "$$CI" != true ]

# A guest with a real kernel module: QEMU, a kernel, OpenZFS's source and tools from Debian's packages, into
# .cache, and the modules compiled (some 6 minutes of CPU time each). No root, and nothing is installed.
KERNELS ?= 2.3.2
kernel: .venv/installed
	@$(BIN)/python -m fuzz.targets.packages.fetch_kernel_guest $(KERNELS)

bench: .venv/installed
	$(BIN)/zapfuzz bench

clean:
	rm -rf .venv .cache build dist *.egg-info
