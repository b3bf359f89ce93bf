# Neo's commands. Everything is installed into this folder; nothing needs to be active before.

PORT ?=
S ?=
DATA ?=
T ?=
MAKEFLAGS += --no-print-directory
# Tests outside of tests/faults that carry a fault's number.
FAULTS_ELSEWHERE = $(shell grep -roE 'def test_f[0-9]+_\w+' tests --include='test_*.py' | grep -v '^tests/faults/' \
	| sed 's/:def /::/')
# Tests mostly wait. tests/support/side_by_side.py shares them out, in the order that it gives them.
SIDE_BY_SIDE = -n 3 --no-loadscope-reorder
LAUNCH = exec .venv/bin/python scripts/launch.py

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## Install Neo, locked, into this folder; quick when nothing is to do
	@scripts/setup

run: setup ## Start everything: engines, API, worker (PORT=8600, DATA=.neo); Ctrl-C stops it
	@$(LAUNCH) serve $(if $(PORT),--port $(PORT)) $(if $(DATA),--data $(DATA))

chat: setup ## Talk to the running server (PORT, DATA as for run)
	@$(LAUNCH) chat $(if $(PORT),--url http://127.0.0.1:$(PORT)) $(if $(DATA),--data $(DATA))

test: ## Check, then run the tests; T=tests/llm for a part, without the check
	@scripts/setup dev
	@$(if $(T),.venv/bin/python -m pytest $(T),$(MAKE) lint && $(MAKE) --jobs=2 types tests)

faults: ## Break everything on purpose, and print what held; LONG=1 for the minutes-long ones too
	@scripts/setup dev
	@.venv/bin/python -m pytest tests/faults $(FAULTS_ELSEWHERE) --fault-table $(if $(LONG),-m "long or not long")

check: ## Format, lint, types, direction of imports; changes nothing
	@scripts/setup dev
	@$(MAKE) lint types

lint:
	@.venv/bin/ruff format --check --quiet . || { echo "Type: make fix" >&2; exit 1; }
	@.venv/bin/ruff check --quiet .
	@.venv/bin/lint-imports --no-logo > .venv/imports.log || { cat .venv/imports.log; exit 1; }

# It keeps one processor busy for a minute, so the tests begin beside it.
types:
	@.venv/bin/mypy --no-error-summary

# A hundred processes import the same modules: what one has compiled is kept for the next one, also where a machine
# keeps nothing by itself.
tests:
	@PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest $(SIDE_BY_SIDE)

fix: ## Repair what format and lint can repair
	@scripts/setup dev
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .

snapshots: ## Renew the files made from code: openapi.json, .env.example, docs/settings.md and errors.md
	@scripts/setup dev
	@.venv/bin/neo openapi > .venv/openapi.json && mv .venv/openapi.json openapi.json
	@.venv/bin/python scripts/settings_pages.py
	@.venv/bin/python scripts/errors_page.py

bench: setup ## Measure everything, about ten minutes; S=A1,FAN for some of it (bench/README.md)
	@.venv/bin/python -m bench $(S)

bench-peers: setup ## Measure others beside Neo; S=agno,langgraph for some of them
	@.venv/bin/python -m bench.peers $(S)

ci: test ## What CI runs

.PHONY: help setup run chat test faults check lint types tests fix snapshots bench bench-peers ci
