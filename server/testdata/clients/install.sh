#!/usr/bin/env bash
# Puts the official clients of OpenAI, Anthropic and Vercel where the tests of
# server look for them: in DIR, else in MOM_CLIENTS, else in the user's cache.
# Nothing of it is part of mom. A language that is missing is left out.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-${MOM_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/mom-clients}}
mkdir -p "$dir"

if command -v python3 >/dev/null; then
	[ -x "$dir/py/bin/python" ] || python3 -m venv "$dir/py"
	"$dir/py/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"
else
	echo "no python3: its clients are left out"
fi
if command -v npm >/dev/null; then
	mkdir -p "$dir/node"
	cp "$here/package.json" "$here/package-lock.json" "$dir/node/"
	(cd "$dir/node" && npm ci --silent --no-audit --no-fund --ignore-scripts)
else
	echo "no npm: its clients are left out"
fi
(cd "$here/openai-go" && CGO_ENABLED=0 go build -o "$dir/openai-go" .)
echo "clients are in $dir"
