# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target starts from a clean clone: what it needs, it makes first. `make` alone lists the targets.
#   PYTHON=python3.12                                          another Python for the tools
#   BASE_IMAGE_bookworm=docker.io/library/debian:bookworm      a registry's base image (same for trixie)

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export PYTHON BASE_IMAGE_bookworm BASE_IMAGE_trixie
export PATH := $(CURDIR)/.ansible/bin:$(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_HOME := $(CURDIR)/.ansible/home
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.ansible/collections
export CONTAINERS_CONF := $(CURDIR)/.ansible/containers.conf
# Readable in a log and in a pipe.
export COLUMNS ?= 160
export PYTHONDONTWRITEBYTECODE := 1

COLLECTION := .ansible/collections/ansible_collections/mailops/relay
PYTHON_VERSION = $$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# Workers share the files out among them; each takes the next when it is done.
INTEGRATION = pytest -p no:cacheprovider --numprocesses 2 --dist loadfile --durations 25 tests/integration
# Seconds since the target began, for the progress lines.
say = @echo "=== make $@: $(1)"

.PHONY: help setup tools images demo test test-all lint sanity units integration thorough molecule bench \
        lab-up lab-verify lab-down lab-login clean

help: ## list the targets
	@echo "mailops.relay: the targets that matter"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: tools images ## make this machine ready: system packages, .venv, images of the lab

tools:
	@tests/bin/system-packages
	@tests/bin/venv .venv
	@mkdir -p $(dir $(COLLECTION))
	@ln -sfn ../../../.. $(COLLECTION)

images: tools
	@tests/bin/podman-setup .ansible
	@tests/image/build.sh bookworm
	@tests/image/build.sh trixie

demo: setup ## deploy two relays in the lab, send mail through them, show what happened
	@.venv/bin/python tests/demo.py

test: ## every check, from a fresh machine on: what continuous integration runs
	@set -e; for step in setup lint units sanity integration molecule; do \
	    start=$$SECONDS; echo; echo "=== make test: $$step"; \
	    $(MAKE) $$step; \
	    echo "=== make test: $$step done in $$((SECONDS - start)) s"; \
	done; echo; echo "=== make test: all done in $$SECONDS s"

test-all: test thorough ## the same, and what is too slow or too rare for each change

lint: tools ## style and types: yamllint, ansible-lint, ruff, mypy, shellcheck, changelog and docs
	$(call say,yamllint)
	@yamllint --strict .
	$(call say,ansible-lint)
	@ansible-lint --offline --profile production
	$(call say,ruff)
	@ruff check .
	@ruff format --check .
	$(call say,mypy)
	@mypy
	$(call say,shellcheck)
	@shellcheck $$(git ls-files --cached --others --exclude-standard | tests/bin/shell-scripts)
	$(call say,changelog and documentation)
	@antsibull-changelog lint
	@antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self --disallow-unknown-collection-refs .
	@tests/bin/licences

sanity: tools ## ansible-test sanity, without any ignore file
	@PIP_QUIET=1 python tests/bin/ansible_test.py sanity --local --python $(PYTHON_VERSION) --color no

units: tools ## the unit tests, as ansible-test runs them
	@PIP_QUIET=1 python tests/bin/ansible_test.py units --venv --python $(PYTHON_VERSION) --color no

integration: setup ## modules and roles against real programs, in single containers
	@tests/bin/system-packages chromium fonts-dejavu-core
	@$(INTEGRATION) -m 'not thorough'

thorough: setup ## what make test leaves out
	@tests/bin/system-packages chromium fonts-dejavu-core
	@$(INTEGRATION) -m thorough
	@set -e; for scenario in default dns; do \
	    echo "=== make thorough: $$scenario"; RELAY_CHECKS=thorough tests/bin/molecule-scenario $$scenario; done

# One after the other: all but one of the scenarios share the lab's network.
molecule: setup ## the whole lab: deploy, publish, verify, and real mail, from nothing to nothing
	@set -e; for scenario in default dns open_relay submission; do \
	    echo "=== make molecule: $$scenario"; tests/bin/molecule-scenario $$scenario; done

# BENCH names some of them; BENCH_ROUNDS how often each variant is measured (3), BENCH_SUITE the relays' release (trixie).
BENCH ?= throughput latency deploy dns_questions smtp_probe
bench: setup ## measure mail, deployment, DNS and probe, against others where there are any; an hour, and no test
	@set -e; for name in $(BENCH); do \
	    start=$$SECONDS; echo; echo "=== make bench: $$name"; \
	    .venv/bin/python tests/bench/$$name.py; \
	    echo "=== make bench: $$name done in $$((SECONDS - start)) s"; \
	done

lab-up: setup ## bring the lab up, deploy the relays, publish their records, and let it stay
	@molecule converge --scenario-name default

lab-verify: setup ## check the lab that is up
	@molecule verify --scenario-name default

lab-down: setup ## remove the lab: containers and network
	@molecule destroy --scenario-name default

clean: ## remove the lab, .venv and everything made here (the images stay: make clean-images)
	@if [ -e .venv/bin/molecule ] && [ -e .ansible/containers.conf ]; then $(MAKE) lab-down; fi
	rm -rf .ansible .venv .hypothesis .pytest_cache .ruff_cache .mypy_cache tests/output mailops-relay-*.tar.gz

clean-images: ## remove the images of the lab, so that they are built anew
	@podman image rm --ignore localhost/mailops-test:{bookworm,trixie} localhost/mailops-base:{bookworm,trixie}
