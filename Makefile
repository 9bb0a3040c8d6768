# `make run` and `make test` are all a newcomer needs; each makes .venv from the lock first.
PYTHON ?= python3
BIN := .venv/bin
UV := uv==0.13.8
# Every job starts Python anew, in half the time if compiled modules are kept. Many containers say not to keep them.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run real test validity lint bench gpu snakemake-report
run: .venv/made
	$(BIN)/snakemake --cores all

# Real neurons: macaque V4, trained networks and one trained on the neurons, in three minutes (config/v4.yaml).
real: .venv/made
	$(BIN)/snakemake --cores all --configfile config/v4.yaml

test: .venv/made
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

# Simulations with known truth at ten times their size: coverage of intervals, ceilings, choices, rankings.
validity: .venv/made
	VENTRAL_VALIDITY_SCALE=10 $(BIN)/python -m pytest tests/validity --numprocesses 2

lint: .venv/made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint

bench: .venv/made
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.readouts
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.choices
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.sharing
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.extraction
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.rdms
	$(BIN)/python -m benchmarks.hmo
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.rasters simulated

# What a GPU must do right, the same twice, and fast: six minutes (docs/gpu.md).
gpu: .venv/made
	$(BIN)/python -m benchmarks.gpu --output results/gpu.json

# UV_FIND_LINKS: uv does not read pip's own variable for a folder of local wheels.
.venv/made: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $(UV)
	UV_FIND_LINKS="$$PIP_FIND_LINKS" $(BIN)/uv pip install --python $(BIN)/python --requirement requirements.lock
	touch $@

# Snakemake's own report of the default study: its jobs, their code and how long they took, beside tables and figures.
snakemake-report: .venv/made
	$(BIN)/snakemake --report results/snakemake-report.html
