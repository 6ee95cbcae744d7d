# make demo | test | fast | storm | lock | schemas | picture | bench
PYTHON ?= python3.11
SECONDS ?= 0
ROUNDS ?= 0
FROM ?= 0
SEED ?=
JOB ?=
PEERS ?=
EVENTS ?=
WARM_UP ?=
AGAINST ?=
ARGUMENTS ?=
VENV = .venv
BIN = $(VENV)/bin
# Cargo may be installed and not on the PATH. Without it, everything runs in Python alone.
CARGO := $(shell command -v cargo || ls $(HOME)/.cargo/bin/cargo 2>/dev/null)
NATIVE = $(if $(CARGO),$(VENV)/.native)
PACKAGES = tests/browser/node_modules
QUIX = tests/benchmarks/peers/quix-requirements

.PHONY: demo test fast storm bench lock schemas picture clean

$(VENV)/.runtime: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "$(PYTHON) was not found: install Python 3.11 or newer, or name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "making $(VENV) (a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.native: $(VENV)/.runtime requirements-native.lock $(wildcard processor/native/*.* processor/native/src/*.rs)
	@echo "building native code (half a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-native.lock
	@if PATH="$(CURDIR)/$(BIN):$(dir $(CARGO)):$$PATH" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall ./processor/native; \
	then touch $@; else echo "native code was not built: the source stage runs in Python, which takes longer" >&2; fi

$(VENV)/.test: $(VENV)/.runtime requirements-test.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements-test.lock
	@touch $@

$(PACKAGES)/.package-lock.json: $(wildcard tests/browser/package*.json)
	@if command -v npm >/dev/null 2>&1 && npm --prefix tests/browser ci --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null; \
	then touch $@; else echo "without npm packages the tests of a page in a browser are skipped" >&2; fi

demo: $(VENV)/.runtime $(NATIVE)  ## the ecommerce tutorial with live traffic; SECONDS=60 ends by itself
	@$(BIN)/processor demo --seconds $(SECONDS)

test: $(VENV)/.test $(NATIVE) $(PACKAGES)/.package-lock.json  ## every test and check, on a real broker
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --reruns 2 --reruns-delay 5 --max-suite-reruns 10 --rerun-show-tracebacks

fast: $(VENV)/.test $(NATIVE)  ## the tests that need no broker
	@$(BIN)/python -m pytest -m "not broker and not storm" -n 2

storm: $(VENV)/.test $(NATIVE)  ## kills, zombies, rebalances; SECONDS=600 FROM=600 goes on with the last one; ROUNDS=3
	@$(BIN)/python -m tests.storm --seconds $(or $(filter-out 0,$(SECONDS)),180) --rounds $(ROUNDS) --from $(FROM) $(if $(SEED),--seed $(SEED)) $(ARGUMENTS)

bench: $(VENV)/.test $(NATIVE)  ## ours and the peers in turns, into docs/benchmarks.md; JOB=a ROUNDS=3 PEERS='ours,quix' AGAINST=DIRECTORY
	@$(BIN)/python -m tests.benchmarks.bench --rounds $(or $(filter-out 0,$(ROUNDS)),3) $(if $(JOB),--jobs $(JOB)) $(if $(PEERS),--systems '$(PEERS)') $(if $(EVENTS),--events $(EVENTS)) $(if $(WARM_UP),--warm-up $(WARM_UP)) $(if $(AGAINST),--against $(AGAINST)) $(ARGUMENTS)

schemas: $(VENV)/.runtime  ## write the generated files under schemas/ anew
	@$(BIN)/python -m definitions.schemas schemas
	@$(BIN)/python -m processor.api.document schemas/api.json

picture: $(VENV)/.runtime  ## draw docs/demo.svg anew, from a run of the demo
	@$(BIN)/python -m tests.demo_picture docs/demo.svg

lock:  ## pin every dependency anew, with hashes and without addresses
	@test -x .lock/bin/uv || { $(PYTHON) -m venv .lock && .lock/bin/pip install --quiet uv; }
	@.lock/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements.lock
	@.lock/bin/uv pip compile pyproject.toml --extra test -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements-test.lock
	@.lock/bin/uv pip compile $(QUIX).in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o $(QUIX).txt
	@.lock/bin/uv pip compile processor/native/pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements-native.lock

clean:
	@rm -rf $(VENV) $(PACKAGES) processor/native/target .lock build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
