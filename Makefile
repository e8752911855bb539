# mom: make help lists the targets.

GO      ?= go
BENCH   ?= .
COUNT   ?= 6
REF     ?= HEAD~1
FUZZ_N  ?= 20000x
LEVELS  := $(shell $(GO) run ./cmd/mom cpu --levels 2>/dev/null)
PKGS    := ./...
FUZZED  ?= ./...
export CGO_ENABLED := 0

.DEFAULT_GOAL := check
.PHONY: help check fmt vet test test-levels test-purego test-arm64 race fuzz generate check-generate bench bench-compare build build-fat repro tokenizers

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

check: fmt vet test test-purego ## what to run before a commit

fmt: ## fail when gofmt would change a file
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }

vet: ## go vet for amd64 and arm64
	GOARCH=amd64 $(GO) vet $(PKGS)
	GOARCH=arm64 $(GO) vet ./kernels/... ./tensor ./models/... ./engine/... ./tokenizer ./safetensors
	GOARCH=arm64 $(GO) build -o /dev/null ./cmd/mom

test: ## the tests
	$(GO) test $(PKGS)

test-levels: ## the kernels' users once per SIMD level below this machine's highest, which make test has (the kernels' tests go through all levels themselves)
	@set -e; for level in $(filter-out $(lastword $(LEVELS)),$(LEVELS)); do echo "== MOM_CPU=$$level"; \
		MOM_CPU=$$level $(GO) test -short -count=1 ./models ./models/nn; \
		MOM_CPU=$$level $(GO) test -short -count=1 -run 'Golden|Heads' ./engine; done

test-purego: ## models and engine without any assembly (the kernels' tests run the generic code beside every level)
	$(GO) vet -tags purego ./kernels/... ./models/... ./engine/...
	$(GO) test -short -tags purego ./models ./models/nn
	$(GO) test -short -tags purego -run 'Golden|Heads' ./engine

ARM64 := cortex-a72:neon neoverse-n1:dotprod max:i8mm

test-arm64: ## kernels for arm64 at three levels, attention (of one level) and models at the highest, under qemu-user
	@set -e; for c in $(ARM64); do echo "== qemu -cpu $${c%:*}, level $${c#*:}"; \
		GOARCH=arm64 MOM_CPU=$${c#*:} $(GO) test -short -count=1 -exec "qemu-aarch64 -cpu $${c%:*}" $$($(GO) list ./kernels/... | grep -v /attn$$); done
	GOARCH=arm64 MOM_CPU=i8mm $(GO) test -short -count=1 -exec "qemu-aarch64 -cpu max" ./kernels/attn ./models ./models/nn ./models/kv
	@echo "== generic"; GOARCH=arm64 MOM_CPU=generic $(GO) test -short -count=1 -exec qemu-aarch64 \
		./kernels/act ./kernels/gemm ./kernels/half ./kernels/norm ./kernels/quant ./kernels/rope ./kernels/vec

race: ## the race detector on the packages with goroutines
	CGO_ENABLED=1 $(GO) test -race -short ./models/nn ./models/kv ./engine ./engine/generate ./engine/explain ./engine/api ./engine/grammar ./tokenizer ./router ./server ./server/cache ./server/protocol ./server/shared ./server/upstream ./server/web

fuzz: ## every fuzz target for a fixed count
	@set -e; for pkg in $$($(GO) list $(FUZZED)); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZ_N) $$pkg; done; done

generate: ## write the assembly and the reference of the configuration again
	$(GO) generate ./kernels/... ./server/config

check-generate: generate ## fail when a committed file differs from what the generators write
	@git diff --exit-code --stat -- "*.s" "*_table.go" "*_gen.go" docs/configuration.md

bench: build ## kernels against this machine's ceilings, and the model shapes
	./mom bench kernels
	./mom bench model --model shape:modernbert-base --precision int8 --tokens 16,32,128,512 --threads 1,2
	./mom bench model --model shape:minilm-l6 --precision int8 --tokens 16,32,128,512 --threads 1,2

bench-compare: ## Go benchmarks of REF and of the working tree, by benchstat
	@set -e; tmp=$$(mktemp -d); git worktree add -q $$tmp/ref $(REF); \
		(cd $$tmp/ref && $(GO) test -run '^$$' -bench '$(BENCH)' -count $(COUNT) ./kernels/... > $$tmp/old.txt) || true; \
		$(GO) test -run '^$$' -bench '$(BENCH)' -count $(COUNT) ./kernels/... > $$tmp/new.txt; \
		git worktree remove --force $$tmp/ref; \
		$(GO) run golang.org/x/perf/cmd/benchstat@latest $$tmp/old.txt $$tmp/new.txt

build: ## the static binary ./mom
	$(GO) build -trimpath -ldflags "-s -w" -o mom ./cmd/mom

build-fat: ## ./mom-fat, with the decoder that explains in it
	$(GO) build -tags fat -trimpath -ldflags "-s -w" -o mom-fat ./cmd/mom

repro: ## build twice and compare
	$(GO) build -trimpath -ldflags "-s -w -buildid=" -o dist/a ./cmd/mom
	$(GO) build -trimpath -ldflags "-s -w -buildid=" -o dist/b ./cmd/mom
	cmp dist/a dist/b && echo reproducible

tokenizers: ## fetch the tokenizers, chat templates and the GGUF file of others that tests compare with
	tokenizer/testdata/fetch.sh
	engine/chat/testdata/fetch.sh
	models/gguf/testdata/fetch.sh
