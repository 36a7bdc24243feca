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

torture: ## the long tests under faults, and some of them with the race detector
	go test -tags torture -timeout 60m ./...
	@if command -v $$(go env CC) >/dev/null; then \
		CGO_ENABLED=1 go test -race -tags torture -timeout 20m -count=1 -run '^TestA2RandomKills$$' ./internal/torture -kills=20; \
	else echo "there is no C compiler here, so nothing ran with the race detector"; fi

bench: ## the runner against yardsticks, side by side: some minutes on a quiet machine
	go run ./bench

clean: ## remove what was built
	rm -rf $(BIN)
