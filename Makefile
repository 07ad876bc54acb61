# make help lists the targets.

GO       ?= go
BIN      := bin
PREFIX   ?= /usr
PROGRAMS := inginious-backend inginious-agent-containerd inginious-agent-mcq ingot ingot-init ingot-template
VM       := $(GO) run ./testenv/vm/cmd/vm
NATIVE   := $(GO) run ./testenv/native/cmd/native

# Packages whose tests need a tier: the tests carry its name as their build tag.
tier = $(shell grep -rl --include='*_test.go' '^//go:build.*\b$(1)\b' agent backend cgroups cmd oci testenv wire 2>/dev/null | xargs -r dirname | sort -u | sed 's|^|./|')

.DEFAULT_GOAL := help
export CGO_ENABLED := 0

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##
.PHONY: build
build: ## Build the programs into bin
	$(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/ $(addprefix ./cmd/,$(PROGRAMS))

.PHONY: demo
demo: ## Grade the demo course in real containers and compare the results
	$(GO) run ./testenv/demo/cmd/demo

.PHONY: test
test: unit interop browser native vm-test ## All tests: unit, peers, native containers, the disposable machine

.PHONY: unit
unit: ## Unit tests with the race detector, under a minute
	@command -v gcc >/dev/null || $(GO) run ./testenv/apt/cmd/ensure gcc libc6-dev # for the race detector
	CGO_ENABLED=1 $(GO) test -race -shuffle=on ./...

.PHONY: interop
interop: ## Tests against ZeroMQ peers in Python
	$(GO) run ./testenv/apt/cmd/ensure python3-zmq python3-msgpack
	$(GO) test -tags interop -shuffle=on $(call tier,interop)

.PHONY: guest
guest:
	$(GO) build -trimpath -ldflags '-s -w' -o testenv/e2e/testdata/ ./cmd/ingot-init ./cmd/inginious-agent-containerd
	cp cmd/inginious-agent-containerd/*.service testenv/e2e/testdata/

.PHONY: native
native: guest ## Tests on real containers on this machine, without limits; gVisor is built once, in 3 minutes
	$(GO) run ./testenv/apt/cmd/ensure python3-zmq python3-msgpack containernetworking-plugins iptables iproute2 # for images with Python in them, and for networks
	$(NATIVE) -- $(GO) test -tags 'native interop' -timeout 30m -shuffle=on $(call tier,native)

# Emulated, a machine is thirty times slower than real: what limits do not change
# is tested natively on all runtimes and here on one.
.PHONY: vm-test
vm-test: guest ## Tests on real containers with limits, in the disposable machine
	$(VM) test -timeout 30m $(filter-out ./agent/sandbox/ctrd,$(call tier,vm))
	$(VM) test -run 'TestSuite/crun/(exit|output|kill|delete)' ./agent/sandbox/ctrd

SOAK ?= 500

.PHONY: soak
soak: guest ## SOAK (500) short jobs on one agent, here and in the machine, and what is left then
	INGOT_SOAK=$(SOAK) $(NATIVE) -- $(GO) test -tags native -count=1 -v -run 'TestSoak$$' ./testenv/e2e
	$(VM) test -v -timeout 1h -env INGOT_SOAK=$(SOAK) -run 'TestSoak$$' ./testenv/e2e

.PHONY: vm-self-test
vm-self-test: ## The disposable machine's own tests: boots, restores, broken images
	$(GO) test -tags qemu -timeout 30m ./testenv/vm

.PHONY: browser
browser: ## The status page in Chromium
	$(GO) run ./testenv/apt/cmd/ensure chromium
	$(GO) test -tags browser ./testenv/e2e

.PHONY: vm
vm: ## Start the disposable machine and keep it
	$(VM) up

.PHONY: vm-ssh
vm-ssh: ## A shell in the machine
	$(GO) build -o $(BIN)/vm ./testenv/vm/cmd/vm
	$(BIN)/vm ssh

.PHONY: vm-stop
vm-stop: ## Stop the machine
	$(VM) stop

FUZZ     ?= agent cgroups cmd wire
FUZZTIME ?= 60s

.PHONY: fuzz
fuzz: ## Each fuzz target below FUZZ (all) for FUZZTIME (60s)
	$(GO) run ./testenv/fuzz/cmd/fuzz -time $(FUZZTIME) $(FUZZ)

.PHONY: bench
bench: guest ## Benchmarks of the hot paths, beside libzmq where there is one to compare with, and of whole jobs
	$(GO) run ./testenv/apt/cmd/ensure gcc libc6-dev libzmq3-dev python3-zmq python3-msgpack
	$(GO) test -tags bench -run TestThroughput -v ./wire/zmtp
	$(GO) test -run '^$$' -bench . -benchmem ./wire/... ./backend/... ./agent/... ./testenv/bench
	$(NATIVE) -- $(GO) test -tags native -run '^$$' -bench 'Job|Relayed|ExecToFirstByte|FeedbackResult' -benchtime 20x ./testenv/e2e ./agent/guest

TAGS := interop native vm browser qemu bench

.PHONY: check
check: ## Formatting, vet with every tag and with each tier's alone, and generated code that is up to date
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not formatted:"; echo "$$unformatted"; exit 1; }
	$(GO) vet -tags '$(TAGS)' ./...
	$(GO) vet -tags native ./...
	$(GO) vet -tags vm ./...
	$(GO) generate ./...
	git diff --stat --exit-code

.PHONY: lint
lint: check ## The same and golangci-lint, which takes minutes to build once
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run

# Units and settings name programs below /usr. An operator's own settings are compared with what would be installed.
PLACED = sed -E 's,/usr/(bin|lib/ingot)/,$(PREFIX)/\1/,g'

.PHONY: install
install: build ## Install or upgrade the programs and units below PREFIX (/usr); configuration that is there stays
	install -D -t $(DESTDIR)$(PREFIX)/bin $(addprefix $(BIN)/,$(filter-out ingot-init ingot-template,$(PROGRAMS)))
	install -D -t $(DESTDIR)$(PREFIX)/lib/ingot $(BIN)/ingot-init $(BIN)/ingot-template
	for unit in cmd/*/*.service; do \
		$(PLACED) $$unit | install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit; done
	@for new in cmd/*/*.env; do have=$(DESTDIR)/etc/ingot/$${new##*/}; to=$$have; \
		if $(PLACED) $$new | cmp -s - $$have; then continue; fi; \
		if test -e $$have; then to=$$have.new; echo "$$have is yours and stays; $$to has what is new"; else echo "$$have is new"; fi; \
		$(PLACED) $$new | install -D -m 644 /dev/stdin $$to || exit; done

.PHONY: uninstall
uninstall: ## Remove what install brought; /etc/ingot, /var/lib/ingot and images stay
	rm -rf $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(filter-out ingot-init ingot-template,$(PROGRAMS))) $(DESTDIR)$(PREFIX)/lib/ingot
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/lib/systemd/system/,$(notdir $(wildcard cmd/*/*.service)))

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(BIN)
