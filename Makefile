# `make demo` shows what the program does, `make test` checks all of it; both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More processes than processors: many tests wait, for servers, the disk and what they kill.
WORKERS ?= $(shell expr $$(nproc) + 2)
# Tests start hundreds of processes: compiled files are kept, even where the environment is set to keep none.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest

.PHONY: help demo test test-real lint types unit bench containers locks soak clean

help:
	@echo "make demo       convert real sample files into demo/, draw a picture"
	@echo "make test       lint, types, tests"
	@echo "make test-real  tests against software of the operating system"
	@echo "make bench      speed and memory beside other programs"
	@echo "make containers build and test every image that can be made here"
	@echo "make locks      renew the locks of the images"
	@echo "make soak       the long form of the randomised tests"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The stamps are renewed when the dependencies change; installing is the slow part of every target.
$(VENV)/.all: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/.all

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@

demo: $(VENV)/.all
	$(BIN)/antares-legacy demo -o demo

test: lint types unit

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

unit: $(VENV)/.test
	$(PYTEST) -m 'not real and not postgresql' -n $(WORKERS) --dist loadgroup

# Each script makes sure that one piece of software is there, and runs what follows it.
test-real: $(VENV)/.test
	tests/real/xrootd.sh tests/real/cwl.sh tests/real/slurm.sh tests/real/apptainer.sh \
	  $(BIN)/pytest -m real -n auto --dist loadgroup
	tests/real/postgresql.sh $(BIN)/pytest -m 'server or postgresql' -n auto --dist loadgroup

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.i3 ../shared/data/icetray-i3/oscNext_genie_level7_v02_first_5_frames.i3.gz
	$(BIN)/python -m benchmarks.ingest
	tests/real/postgresql.sh $(BIN)/python -m benchmarks.dbdump
	$(BIN)/python -m benchmarks.dbdump_oracle

# Every image that can be made here, built anew where its inputs changed, tested and reported on.
TIER_A := base io convert dbdump db-image ingest
containers: $(VENV)/.all
	$(BIN)/antares-legacy --quiet containers doctor >/dev/null || $(BIN)/antares-legacy containers doctor --install
	for name in $(TIER_A); do $(BIN)/antares-legacy containers build $$name || exit 1; done
	for name in $(TIER_A); do $(BIN)/antares-legacy containers report $$name --save containers/reports || exit 1; done

locks: $(VENV)/.test
	$(BIN)/python -m containers.locks

soak: $(VENV)/.test
	ANTARES_LEGACY_SOAK=1 $(PYTEST) -m 'not real and not postgresql' -n $(WORKERS) --dist loadgroup

clean:
	rm -rf $(VENV) demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
