.DEFAULT_GOAL := help
BIN := bin
BUILD := build

.PHONY: help build demo test temporal check manual notices image generate torture bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## build the runner and its providers into bin/
	@mkdir -p $(BIN)
	@go build -o $(BIN)/runner ./cmd/runner
	@for p in plugins/*/; do go build -o $(BIN)/runner-provider-$$(basename $$p) ./$$p || exit 1; done

demo: build ## cancel some thousand orders on the embedded simulator
	@sh examples/payvalida-cancel-pending/demo.sh $(abspath $(BIN))

# What the tests build in a copy of this checkout is built already with -trimpath.
test: export GOFLAGS := $(GOFLAGS) -trimpath
test: ## run all tests
	go vet ./...
	go test -vet=off -ldflags=-w -timeout 12m ./...

temporal: ## the development server of Temporal into build/, for the tests of workers
	@mkdir -p $(BUILD)
	@GOBIN=$(abspath $(BUILD)) go install github.com/temporalio/cli/cmd/temporal@v1.5.1

check: ## what CI runs: formatting, vet, tests with the race detector, cross-compilation
	bash .ci/run

manual: ## manual pages and shell completions into build/
	@rm -rf $(BUILD)/man $(BUILD)/completions && mkdir -p $(BUILD)/completions
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) go run ./cmd/runner man $(BUILD)/man
	@go run ./cmd/runner completion bash >$(BUILD)/completions/runner.bash
	@go run ./cmd/runner completion zsh >$(BUILD)/completions/_runner
	@go run ./cmd/runner completion fish >$(BUILD)/completions/runner.fish
	@go run ./cmd/runner completion powershell >$(BUILD)/completions/runner.ps1

notices: ## the licences of all that the programs are made of, into build/
	@mkdir -p $(BUILD)
	@sh .ci/notices >$(BUILD)/THIRD-PARTY.txt

PLATFORM ?= linux/$(shell go env GOARCH)
image: ## a container image of this checkout, runner:dev
	@rm -rf $(BUILD)/image
	@CGO_ENABLED=0 GOOS=$(word 1,$(subst /, ,$(PLATFORM))) GOARCH=$(word 2,$(subst /, ,$(PLATFORM))) $(MAKE) -s build BIN=$(BUILD)/image/$(PLATFORM)
	docker buildx build --platform $(PLATFORM) --tag runner:dev --load --file Dockerfile $(BUILD)/image

generate: ## generate the protocol's code from its .proto file
	go run github.com/bufbuild/buf/cmd/buf@v1.72.0 generate

torture: ## the long tests under faults, and some of them with the race detector
	go test -tags torture -timeout 60m ./...
	@if command -v $$(go env CC) >/dev/null; then \
		CGO_ENABLED=1 go test -race -tags torture -timeout 20m -count=1 -run '^TestA2RandomKills$$' ./internal/torture -kills=20; \
	else echo "there is no C compiler here, so nothing ran with the race detector"; fi

bench: ## the runner against yardsticks, side by side: some minutes on a quiet machine
	go run ./bench

clean: ## remove what was built
	rm -rf $(BIN) $(BUILD)
