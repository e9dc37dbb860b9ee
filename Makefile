# One way to run everything. `make run` and `make test` need only python3 with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
READY := $(VENV)/ready
READY_DEV := $(VENV)/ready-dev
# Else each of the thousand processes that tests start would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-slow coverage bench bench-scale check docs format lock cities clean

run: $(READY)
	@$(BIN)/synctl run prayer

$(READY): requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once) …"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(READY_DEV): $(READY) requirements-dev.txt
	@echo "Installing the tools for development (once) …"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

test: $(READY_DEV)
	@$(BIN)/python -m pytest -m "not slow" -n 2 $(ARGS)

# The same tests, and which lines they do not reach. Takes twice as long: the processes they start are watched, too.
coverage: $(READY_DEV)
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest -m "not slow" -n 2 $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-slow: $(READY_DEV)
	@$(BIN)/python -m pytest -m slow $(ARGS)

# Measures with real parts; prints, asserts nothing about time.
bench: $(READY_DEV)
	@$(BIN)/python -m tests.bench.startup
	@$(BIN)/python -m tests.bench.throughput
	@$(BIN)/python -m tests.bench.throughput --latency 0.05
	@$(BIN)/python -m tests.bench.throughput --latency 0.05 --connections 32
	@test -z "$$SYNCTL_TEST_POSTGRES" || $(BIN)/python -m tests.bench.throughput --peer postgresql
	@$(BIN)/python -m tests.bench.default_run
	@$(BIN)/python -m tests.bench.live
	@$(BIN)/python -m tests.bench.clients
	@$(BIN)/python -m tests.bench.control $(ARGS)

# Whether costs are flat as runs grow. Takes a quarter of an hour.
bench-scale: $(READY_DEV)
	@$(BIN)/python -m tests.bench.scale $(ARGS)

check: $(READY_DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

format: $(READY_DEV)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Makes docs/commands.md anew.
docs: $(READY_DEV)
	@COLUMNS=100 $(BIN)/python -m tools.build_commands

# Pins every package with its hashes, without naming a registry. Needs uv.
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links
lock:
	$(COMPILE) --group pyproject.toml:build --output-file requirements.txt
	$(COMPILE) --group pyproject.toml:build --group pyproject.toml:dev --constraint requirements.txt \
		--output-file requirements-dev.txt

# Makes synctl/data anew.
cities: $(READY_DEV)
	$(BIN)/python tools/build_cities.py

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
