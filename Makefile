# Every target prepares what it needs. `make help` lists them; `ARGS=…` goes to the command behind one.
PYTHON ?= python3
VENV   ?= .venv$(if $(filter python3,$(PYTHON)),,-$(notdir $(PYTHON)))
BIN    := $(VENV)/bin
ARGS   ?=
MEMBERS := $(sort $(wildcard libs/*/pyproject.toml services/*/pyproject.toml))
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo up down reset doctor test check bench chaos replay image-test schemas lock format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements.lock $(MEMBERS) pyproject.toml
	@PYTHON="$(PYTHON)" VENV="$(VENV)" ./deploy/prepare
	@touch $(READY)

demo: $(READY) ## real journeys from click to reward to notification, then the pages to look at (ARGS=--exit)
	@$(BIN)/goodword demo $(ARGS)

up: $(READY) ## the whole platform, until Ctrl-C (ARGS="--demo" adds the sample organisation)
	@$(BIN)/goodword up $(ARGS)

down: $(READY) ## stop what an earlier run left behind
	@$(BIN)/goodword down $(ARGS)

reset: $(READY) ## stop everything and delete all local state
	@$(BIN)/goodword reset $(ARGS)

doctor: $(READY) ## check this machine and say what to do
	@$(BIN)/goodword doctor $(ARGS)

test: $(READY) ## everything, on the real broker and database
	@$(BIN)/python -m pytest $(ARGS) libs services tests

check: $(READY) ## format, lint, types, import laws, schemas, tidiness, fast tests (< 60 s warm)
	@BIN="$(BIN)" ./deploy/check $(ARGS)

format: $(READY) ## rewrite the sources in the house format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(READY) ## the figures in benchmarks/, measured again beside their bare baselines
	@$(BIN)/goodword bench $(ARGS)

chaos: $(READY) ## kill everything at random under load, then check that nothing is lost or doubled
	@$(BIN)/goodword chaos $(ARGS)

replay: $(READY) ## a public table of 88,387 journeys through the front door (ARGS="--model last --limit 500")
	@$(BIN)/goodword replay mta $(or $(ARGS),--model last)

image-test: $(READY) ## build the image without a container engine, start services from it (as root)
	@BIN="$(BIN)" ./deploy/image-test $(ARGS)

schemas: $(READY) ## write the generated schemas and documents again
	@$(BIN)/python -m shared_schemas.generate $(ARGS)
	@$(BIN)/goodword documents

lock: $(READY) ## resolve requirements.lock again from the members' pyproject files
	@BIN="$(BIN)" ./deploy/lock

clean: ## remove the environment and every cache (local state: make reset)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
