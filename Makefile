# Helpline 1076: `make help` lists what can be asked.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_TEST := $(VENV)/.ready-test

.DEFAULT_GOAL := help
.PHONY: help demo run test check unit live format clean

help:  ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): requirements.lock setup.cfg scripts/bootstrap
	@scripts/bootstrap $(VENV) requirements.lock
	@touch $@

$(READY_TEST): requirements-test.lock requirements.lock setup.cfg scripts/bootstrap
	@scripts/bootstrap $(VENV) requirements-test.lock
	@touch $(READY) $@

demo: $(READY)  ## one complaint lives its whole life over real SIP calls
	@$(BIN)/helpline demo

run: $(READY)  ## leave a helpline running; prints softphone credentials and the desk's address
	@$(BIN)/helpline run

check: $(READY_TEST)  ## ruff, mypy, import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY_TEST)  ## the fast tests
	$(BIN)/pytest -m "unit or service" -n 2 --dist loadfile

live: $(READY_TEST)  ## the tests that place SIP calls through a private Asterisk
	$(BIN)/pytest -m live

test: check unit live  ## everything that proves it

format: $(READY_TEST)  ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove the environment and the run folder (the package cache stays)
	rm -rf $(VENV) run build
