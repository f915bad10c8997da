# Every task of the project. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
JOBS   ?= 4
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help env run test check format bench torture fuzz audit lock clean

help:  ## list the tasks
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP)  ## make the environment in .venv from the lock file

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Lictor needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Name another one: make PYTHON=python3.12")'
	@echo "making the environment in $(VENV): about a minute, once"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q core config server agent dns connect_proxy client
	@touch $@

run: $(STAMP)  ## start a registry, DNS and mesh in one process, in the foreground (ARGS="-http-port 8501")
	@trap 'asked=1' INT TERM; $(BIN)/lictor agent -dev $(ARGS) || [ -n "$$asked" ]

test: $(STAMP)  ## run all tests that this machine can run
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q $(ARGS)

check: $(STAMP)  ## format, lint, types, import contracts, documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --warnings
	$(BIN)/lint-imports
	$(BIN)/python -m tests.support.documents

format: $(STAMP)  ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## time Lictor beside its peers and print ratios
	$(BIN)/python -m lictor_bench $(ARGS)

torture: $(STAMP)  ## ten minutes of faults against clusters of real servers (ARGS="--seed 7")
	$(BIN)/python -m lictor_jepsen torture --seconds 600 $(ARGS)

fuzz: $(STAMP)  ## twenty seconds of hostile bytes for each decoder (ARGS="dns --seconds 600")
	$(BIN)/python -m tests.fuzz $(ARGS)

audit: $(STAMP)  ## known weaknesses of what is in requirements.lock, where an index can be reached
	$(BIN)/python -m tests.support.audit

lock: $(STAMP)  ## write the lock files anew from pyproject.toml, and docs/LICENSES.md (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --group dev --output-file requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --group audit --output-file audit.lock
	$(BIN)/python -m tests.support.licences

clean:  ## remove what the tasks made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
