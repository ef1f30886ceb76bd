# Verso: two commands matter. `make demo` shows it, `make test` proves it.
VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := $(abspath $(VENV))/bin
export PATH := $(BIN):$(PATH)
S ?=

.DEFAULT_GOAL := help
.PHONY: help base dev demo test story check fix worker beat docs bench lock roles screenshots messages

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

base:
	@test -n "$(PYTHON)" || { echo "Verso needs Python 3.11 or later; none was found."; exit 1; }
	@$(PYTHON) tools/bootstrap.py $(VENV) base

dev:
	@test -n "$(PYTHON)" || { echo "Verso needs Python 3.11 or later; none was found."; exit 1; }
	@$(PYTHON) tools/bootstrap.py $(VENV) dev

demo: base ## run the demo: web, worker and beat on an embedded database (PORT=8000, VERSO_DATA_DIR=var)
	@exec $(BIN)/python -m verso.operations.demo

test: dev ## run the whole suite on PostgreSQL, Redis and SQLite, started here when not given
	@$(BIN)/python -m tools.test

story: dev ## run the stories whose name matches: make story S=confirm
	@test -n "$(S)" || { echo "Which stories? make story S=confirm runs those whose name holds that word."; exit 2; }
	@$(BIN)/python -m pytest -q -k "$(S)"

check: dev ## format, lint, types, floor plan, templates, secrets, advisories, deploy checks
	@$(BIN)/python -m tools.check

fix: dev ## format and repair what can be repaired by machine
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

worker: base ## a Celery worker on the configured broker
	@exec $(BIN)/celery --app verso worker --loglevel WARNING

beat: base ## the Celery clock
	@exec $(BIN)/celery --app verso beat --loglevel WARNING --pidfile=

docs: dev ## check that every link between the documents leads somewhere
	@$(BIN)/python -m tools.docs

bench: dev ## measure the ratios of the contract against a floor on this machine
	@$(BIN)/python -m verso.operations.bench

lock: dev ## resolve requirements/*.in into hashed, pinned locks
	@$(BIN)/python -m tools.lock

roles: base ## create and verify the PostgreSQL roles of migrations and web; AS=URL of a login that may create roles
	@$(BIN)/python manage.py database_roles --create $(if $(AS),--as $(AS))

screenshots: dev ## take the pictures shown in the README
	@$(BIN)/python -m tools.screenshots

messages: dev ## collect the words to translate and compile the translations
	@$(BIN)/python -m tools.messages
