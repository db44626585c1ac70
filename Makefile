# Needs Python 3.11 or newer with venv, and make. Everything else goes into .venv.
#   make lab PYTHON=python3.12     picks the interpreter; without it the one of .venv stays
#   make test ARGS="-k timeline"   hands options on to the command behind a target

PYTHON ?=
ARGS ?=
RUN = .venv/bin/python
INTERPRETERS = python3 python3.14 python3.13 python3.12 python3.11 python3.15
TESTS = [ -d tests ] || { echo "A handout has no tests. The course that it was made from has them." >&2; exit 2; }
SUITS = import sys, venv, ensurepip; print(sys.version); sys.exit(sys.version_info < (3, 11))

.PHONY: help ready ready-dev lab check test notebooks exercise mutants new-exercise grade handout answers site lint bench stress lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' Makefile

ready: LOCKS = requirements.txt
ready: ## make .venv, or bring it up to date; the other targets do it first
ready-dev: LOCKS = requirements.txt requirements-dev.txt
ready-dev: ## the same with what tests and tools need
# Where a package has no wheel for a Python and can't be built, the next Python is taken; at last, that package is left out.
ready ready-dev:
	@if [ -n "$(PYTHON)" ]; then \
	  command -v "$(PYTHON)" >/dev/null || { echo "PYTHON=$(PYTHON): there is no such command." >&2; exit 2; }; \
	  "$(PYTHON)" -c '$(SUITS)' >/dev/null 2>&1 || exec "$(PYTHON)" tools/environment.py; \
	fi; \
	for partly in "" --partly; do \
	  tried=; \
	  for python in "$(or $(PYTHON),.venv/bin/python)" $(INTERPRETERS); do \
	    version=$$("$$python" -c '$(SUITS)' 2>/dev/null) || continue; \
	    case "$$tried" in *"$$version"*) continue;; esac; tried="$$tried $$version"; \
	    "$$python" tools/environment.py $(LOCKS) $$partly && exit || [ $$? -eq 3 ] || exit 2; \
	  done; \
	done; \
	command -v python3 >/dev/null || { echo "Python 3.11 or newer is needed and there is no python3: install it." >&2; exit 2; }; \
	exec python3 tools/environment.py

lab: ready ## open JupyterLab on lesson 00
	@$(RUN) tools/lab.py $(ARGS)

check: ready ## say whether this computer is ready for a class
	@$(RUN) tools/check_computer.py

test: ready-dev ## run every test: the helpers', the notebooks', the environment's, the browser's
	@$(TESTS)
	@$(RUN) -m pytest $(or $(ARGS),--numprocesses=auto)

notebooks: ready-dev ## run every notebook, save it with its outputs, renew the README's table
	@$(RUN) tools/run_notebooks.py $(ARGS)
	@$(RUN) tools/readme_table.py

exercise: ready ## check one exercise: NAME=
	@$(RUN) -m exercises.authoring check $(NAME)

mutants: ready ## change an exercise's solution in small ways and see its check refuse each: NAME=
	@$(RUN) -m exercises.authoring mutants $(NAME)

new-exercise: ready ## begin an exercise: LESSON= NAME=
	@$(RUN) -m exercises.authoring new $(LESSON) $(NAME)

handout: ready-dev ## write handout/: the course for learners, or LESSONS=01-04 of it
	@$(RUN) tools/handout.py $(if $(LESSONS),"$(LESSONS)")

answers: ready-dev ## write answers/: the lessons solved and executed, for instructors
	@$(RUN) tools/answers.py

grade: ready ## check a folder of learners' notebooks: FROM=, into grades/ or TO=
	@$(RUN) -m exercises grade $(if $(FROM),"$(FROM)") $(if $(TO),--to "$(TO)")

site: ready-dev ## build the website from the saved lessons, into site/
	@$(RUN) tools/build_site.py

lint: ready-dev ## check style and types
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy
	@$(RUN) tools/lint_js.py

bench: ready-dev ## run the benchmarks, one after another
	@$(TESTS)
	@set -e; for script in tests/bench/*.py; do echo "== $$script"; $(RUN) "$$script"; done

stress: ready-dev ## run every lesson where things are hard, for an hour; again: go on; ARGS="--only 'one core' --tries 2"
	@$(RUN) tools/stress.py $(ARGS)

lock: ready-dev ## renew both requirements files and both environment.yml
	@$(RUN) tools/lock.py

clean: ## remove .venv, handout/ and every cache
	rm -rf .venv handout answers site build *.egg-info .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
