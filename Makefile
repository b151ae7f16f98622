# The two commands are `make run` and `make test`; `make` lists the others.
# Everything is reached by relative paths and `python -m`, so that the checkout may be moved and its path may hold spaces.

PYTHON ?= python3
python := .venv/bin/python
runtime := .venv/runtime.txt
tools := .venv/tools.txt
# Checks load the settings, which make secrets in the data folder: not in the one that is being served.
aside := CALLBOARD_DATA=.mypy_cache/callboard CALLBOARD_PRODUCTION=off DATABASE_URL=
pytest := $(python) -m pytest -n auto --maxprocesses 4 --cov --cov-append
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check install lint format types imports migrations bench pins example

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 20

run: $(runtime) ## set up what is missing and serve on http://127.0.0.1:8081
	@exec $(python) -m config.serve

test: install ## all tests, on SQLite and on a PostgreSQL of their own; ARGS="-k name" is passed on
	@$(python) -m coverage erase
	@status=0; \
	echo "== Tests on SQLite"; \
	DATABASE_URL= $(pytest) --cov-report= $(ARGS) || status=$$?; \
	echo "== Tests on PostgreSQL"; \
	$(python) -m tests.postgres $(pytest) --cov-report=term:skip-covered $(ARGS) || status=$$?; \
	exit $$status

check: lint types imports migrations ## lint, types, import contracts, missing migrations

install: $(tools) ## set up everything for run, test and check
	@flock .setup.lock $(python) -m tests.clients.npm install
	@flock .setup.lock $(python) -m tests.browser.chromium install

lint: $(tools) ## style and suspicious code
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .

format: $(tools) ## mend what ruff can mend
	@$(python) -m ruff check --fix .
	@$(python) -m ruff format .

types: $(tools) ## mypy, strict
	@$(aside) $(python) -m mypy .

imports: $(tools) ## who may import whom
	@$(python) -c 'import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True))'

migrations: $(tools) ## a model change without its migration
	@$(aside) $(python) manage.py makemigrations --check --dry-run

bench: $(runtime) ## measure the server; ARGS are passed on
	@$(python) -m bench $(ARGS)

pins := $(python) -m uv pip compile --quiet --upgrade --universal --no-strip-extras --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

pins: $(tools) ## renew requirements.txt and requirements-dev.txt
	@$(pins) requirements.in -o requirements.txt
	@$(pins) requirements-dev.in -o requirements-dev.txt

example: $(tools) ## renew .env.example after a change to the table of settings
	@{ sed '/^# DATABASE_URL=/q' .env.example; echo; $(aside) $(python) -c \
		'from config import environment, settings; print(environment.example(settings.TABLE), end="")'; } > .env.example.new
	@mv .env.example.new .env.example

# $(call packages,requirements file,stamp): the stamp is a copy of what was installed. Of two set-ups at once the second
# waits and then finds nothing to do.
define packages
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	|| { echo "Callboard needs Python 3.11 or newer as $(PYTHON); name another one with: make PYTHON=..." >&2; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	|| { echo "Callboard needs Python's venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
@flock .setup.lock sh -euc ' \
	if cmp -s "$$1" "$$2"; then touch "$$2"; exit 0; fi; \
	echo "Setting up .venv from $$1 ..." >&2; \
	$(python) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv; \
	$(python) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$$1"; \
	cp "$$1" "$$2"' - $(1) $(2)
endef

$(runtime): requirements.txt
	$(call packages,requirements.txt,$@)

$(tools): requirements-dev.txt $(runtime)
	$(call packages,requirements-dev.txt,$@)
