# make demo | test | fast | lock | schemas | bench
PYTHON ?= python3.11
SECONDS ?= 0
VENV = .venv
BIN = $(VENV)/bin
PACKAGES = tests/browser/node_modules

.PHONY: demo test fast bench lock schemas clean

$(VENV)/.runtime: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "$(PYTHON) was not found: install Python 3.11 or newer, or name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "making $(VENV) (a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: $(VENV)/.runtime requirements-test.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements-test.lock
	@touch $@

$(PACKAGES)/.package-lock.json: $(wildcard tests/browser/package*.json)
	@if command -v npm >/dev/null 2>&1 && npm --prefix tests/browser ci --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null; \
	then touch $@; else echo "without npm packages the tests of a page in a browser are skipped" >&2; fi

demo: $(VENV)/.runtime  ## the ecommerce tutorial with live traffic; SECONDS=60 ends by itself
	@$(BIN)/processor demo --seconds $(SECONDS)

test: $(VENV)/.test $(PACKAGES)/.package-lock.json  ## every test and check, on a real broker
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

fast: $(VENV)/.test  ## the tests that need no broker
	@$(BIN)/python -m pytest -m "not broker and not storm" -n 2

schemas: $(VENV)/.runtime  ## write the generated files under schemas/ anew
	@$(BIN)/python -m definitions.schemas schemas
	@$(BIN)/python -m processor.api.document schemas/api.json

lock:  ## pin every dependency anew, with hashes and without addresses
	@test -x .lock/bin/uv || { $(PYTHON) -m venv .lock && .lock/bin/pip install --quiet uv; }
	@.lock/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements.lock
	@.lock/bin/uv pip compile pyproject.toml --extra test -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements-test.lock

clean:
	@rm -rf $(VENV) $(PACKAGES) .lock build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
