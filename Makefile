# Everything below sets itself up in .venv at the first call; all it needs is Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

TORCH_INDEX ?= --extra-index-url https://download.pytorch.org/whl/cpu --retries 1
CHROMIUM ?= chromium

.PHONY: help lesson claims gradcheck exercises test bench docs cheatsheet docs-test lint format clean

help:
	@echo "make lesson     train the four arms and show what dropout and batch normalization do (ARGS=--quick: seconds)"
	@echo "make claims     put what is said of both to the test, claim by claim: minutes (ARGS=--quick: about one)"
	@echo "make test       prove every layer's backward pass, and the rest"
	@echo "make gradcheck  the gradient checks as a table"
	@echo "make exercises  check the solutions of all exercises as a learner's files are checked: half a minute"
	@echo "make bench      time training beside PyTorch and Keras, in an environment of its own (ARGS=--quick: a minute)"
	@echo "make docs       build the site into docs/_build/html; the gallery's scripts run (ARGS='-D plot_gallery=0': without)"
	@echo "make cheatsheet print docs/cheatsheet.pdf from the built site, by Chromium (CHROMIUM=program)"
	@echo "make docs-test  open every page of the site in Chromium, at desktop and phone width"
	@echo "make lint       style; make format mends it"
	@echo "make clean      remove what the other targets made"

lesson: $(VENV)/installed
	$(BIN)/minicnn lesson $(ARGS)

claims: $(VENV)/installed
	$(BIN)/minicnn lesson --claim all $(ARGS)

gradcheck: $(VENV)/installed
	$(BIN)/minicnn gradcheck $(ARGS)

exercises: $(VENV)/installed
	$(BIN)/minicnn exercises check --solutions $(ARGS)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(ARGS)

bench: $(VENV)-bench/installed
	$(VENV)-bench/bin/minicnn bench $(ARGS)

docs: $(VENV)-docs/installed
	rm -rf docs/_build/html
	$(VENV)-docs/bin/python -m sphinx -W --keep-going -b html -d docs/_build/doctrees $(ARGS) docs docs/_build/html

# Printed without its links: in a file that is passed on they would lead to this folder.
cheatsheet: docs/_build/html/cheatsheet.html
	sed 's/\(<a [^>]*\)href="[^"]*"/\1/g' $< > docs/_build/html/cheatsheet-to-print.html
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf=docs/cheatsheet.pdf file://$(CURDIR)/docs/_build/html/cheatsheet-to-print.html
	rm docs/_build/html/cheatsheet-to-print.html

docs/_build/html/cheatsheet.html:
	@echo "There is no built site: run make docs first."; exit 1

docs-test: $(VENV)-docs/installed
	$(VENV)-docs/bin/python -m pytest tests/site $(ARGS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(VENV)-bench $(VENV)-docs build dist runs *.egg-info .pytest_cache .ruff_cache .hypothesis
	rm -rf docs/_build docs/examples
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/created $(VENV)-bench/created $(VENV)-docs/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "minicnn needs Python 3.11 or newer, $(PYTHON) is older. Name another: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(@D)
	@touch $@

$(VENV)/installed: $(VENV)/created setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/created setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)-docs/installed: $(VENV)-docs/created setup.cfg pyproject.toml
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

# PyTorch's own index has it without GPU libraries (TORCH_INDEX= to do without it); Keras is left out where TensorFlow
# cannot be had.
$(VENV)-bench/installed: $(VENV)-bench/created setup.cfg pyproject.toml
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH_INDEX) --editable '.[bench]'
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench-keras]' || echo "without Keras"
	@touch $@
