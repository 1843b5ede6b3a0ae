# Two commands matter: `make test` (the framework's own tests, no cluster) and `make trial` (the acceptance run);
# `make nightly` is the acceptance run with all that takes minutes.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.complete

.PHONY: env test trial nightly chaos-sigkill e2e check bench format lock clean
.DELETE_ON_ERROR:

env: $(STAMP)

# The environment is made from hashes, whole or not at all: the stamp is written last.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) images/env/check.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

test: env
	$(BIN)/pytest tests -n auto --dist loadfile

# The framework on a second system and on a second image supply; needs the cluster, and as root Debian's docker-registry.
e2e: env
	$(BIN)/pytest tests/e2e

trial: env
	$(BIN)/pytest features $(if $(OVERLAY),--overlay $(OVERLAY))

# Everything, the experiments that take minutes, too.
nightly: env
	$(BIN)/pytest features --nightly $(if $(OVERLAY),--overlay $(OVERLAY))

# Kills TIMES runners of experiments at random moments; each time all must be healed. Needs the cluster with the system on it.
chaos-sigkill: env
	$(BIN)/python -m seatrial.chaos.sigkill_trial --times $(or $(TIMES),20) --seed $(or $(SEED),1) $(if $(EXPERIMENTS),--experiments $(EXPERIMENTS))

check: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m seatrial.lint features steps
	$(BIN)/python -m seatrial.chaos.lint experiments
	$(BIN)/pytest tests -n auto --dist loadfile

bench: env
	$(BIN)/python -m seatrial.bench

format: env
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Resolve anew; needs uv. The lock names no index, so that any mirror serves it.
lock:
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --extra dev --python-version 3.11 pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache reports/allure-results reports/allure-report reports/evidence
