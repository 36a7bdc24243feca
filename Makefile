.DEFAULT_GOAL := help
BIN := bin

.PHONY: help build demo test check generate torture bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## build the runner and its providers into bin/
	@mkdir -p $(BIN)
	@go build -o $(BIN)/runner ./cmd/runner
	@for p in plugins/*/; do go build -o $(BIN)/runner-provider-$$(basename $$p) ./$$p || exit 1; done

demo: build ## cancel some thousand orders on the embedded simulator
	@sh examples/payvalida-cancel-pending/demo.sh $(abspath $(BIN))

test: ## run all tests
	go vet ./...
	go test -timeout 12m ./...

check: ## what CI runs: formatting, vet, tests with the race detector, cross-compilation
	bash .ci/run

generate: ## generate the protocol's code from its .proto file
	go run github.com/bufbuild/buf/cmd/buf@v1.72.0 generate

torture: ## the long tests under faults
	go test -tags torture -timeout 60m ./...

bench: ## the runner against yardsticks, side by side: some minutes on a quiet machine
	go run ./bench

clean: ## remove what was built
	rm -rf $(BIN)
