# Helpline 1076: `make help` lists what can be asked.
VENV := .venv
BIN := $(VENV)/bin
# Python's bytecode is kept also where the shell forbids it: else each process of the tests compiles all anew.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest
READY := $(VENV)/.ready
READY_TEST := $(VENV)/.ready-test

.DEFAULT_GOAL := help
.PHONY: help demo run test check unit live bench format clean

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
	$(PYTEST) tests/unit -n 3 --dist loadfile --no-loadscope-reorder \
		-o faulthandler_timeout=90 -o faulthandler_exit_on_timeout=true --max-worker-restart=0

live: $(READY_TEST)  ## the tests that place SIP calls through a private Asterisk
	$(PYTEST) tests/live -n 2 --dist loadfile

test: check unit live  ## everything that proves it

bench: $(READY_TEST)  ## figures: the engine, a day, the forecast, complaints, and the queue beside app_queue
	$(BIN)/python -m bench.engine
	$(BIN)/python -m bench.day
	$(BIN)/python -m bench.forecast
	$(BIN)/python -m bench.grievance
	$(BIN)/python -m bench.acd --rounds 3

format: $(READY_TEST)  ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove the environment and the run folder (the package cache stays)
	rm -rf $(VENV) run build
