#!/bin/sh
# Makes the decoders that label a request and say why: mom-dec-class-intent-r1, then -v1. Goes on where it was stopped.
#   ./run_decoders.sh BASE WORK     BASE: SmolLM2-135M-Instruct as a Hugging Face folder (gguf_folder.py); WORK: checkpoints and
#                                 folders; MOM: the program that rounds (make build)
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python} mom=${MOM:-../mom} base=$1 work=$2
count=${COUNT:-15} # layers of v1
trial=${TRIAL:-20} # steps that heal a candidate
smoke=${SMOKE:-}   # --smoke: a few steps of everything
mkdir -p "$work"

export_to() { # FOLDER ARGUMENTS...: whole or not at all
	to=$1
	shift
	[ -d "$to" ] && return
	rm -rf "$to.part"
	$python decoder_export.py --out "$to.part" "$@"
	mv "$to.part" "$to"
}

# r1: stages, each an adapter that is summed into the weights of the one before: labels first, then what is written after them.
from=$base
stage() { # NAME SHARE ARGUMENTS...: SHARE of the stage's adapter is added
	name=$1 share=$2
	shift 2
	[ -e "$work/$name/final.pt" ] || $python decoder_train.py $smoke --out "$work/$name" --base "$from" --rank 64 --alpha 64 --tokens 1600 --most 64 "$@"
	export_to "$work/$name-f32" --checkpoint "$work/$name/final.pt" --base "$from" --share "$share"
	from=$work/$name-f32
}
stage r1-labels 1 --rounds 2 --keep 0.45 --lr 5e-4 --reason-each 0
stage r1-more 1 --first-round 2 --rounds 1 --keep 0.5 --chat-each 2 --reason-each 0 --lr 4e-4
stage r1-reasons 1 --first-round 3 --rounds 1 --keep 0.12 --lr 4e-4
stage r1-last 0.5 --first-round 4 --rounds 1 --keep 0.1 --reason-keep 0.25 --reason-last 4403 --lr 3e-4
if [ ! -d "$work/mom-dec-class-intent-r1" ]; then
	$python decoder_texts.py --base "$from" >"$work/texts.jsonl"
	$mom convert "$from" --out "$work/mom-dec-class-intent-r1" --precision int4 --fit-on "$work/texts.jsonl"
fi

# v1: an adapter over some of the layers of r1 in int4, taught by r1 in f32.
under="--base $from --weights $work/mom-dec-class-intent-r1"
[ -e "$work/layers.json" ] || $python decoder_layers.py --base "$from" --count "$count" ${smoke:+--rows 1} --out "$work/layers.json"
list() { $python -c 'import json,sys; print(",".join(map(str, json.load(open(sys.argv[1]))[sys.argv[2]])))' "$work/layers.json" "$1"; }
if [ ! -e "$work/layers.txt" ]; then
	for how in least steps; do
		[ -e "$work/trial-$how/final.pt" ] || $python decoder_train.py $smoke --out "$work/trial-$how" $under --layers "$(list $how)" --steps "$trial" --first-round 20 --rounds 1 --rank 24 --alpha 24 --lr 1e-3 --tokens 1600 --most 64
	done
	best=$($python -c '
import sys, torch
print(min(("least", "steps"), key=lambda how: torch.load(f"{sys.argv[1]}/trial-{how}/final.pt")["log"][-1]["answer"]))' "$work")
	echo "the better layers: $best"
	list "$best" >"$work/layers.part"
	mv "$work/layers.part" "$work/layers.txt"
fi
[ -e "$work/dec-v1/final.pt" ] || $python decoder_train.py $smoke --out "$work/dec-v1" $under --layers "$(cat "$work/layers.txt")" --first-round 10 --rounds 1 --keep 0.2 --reason-keep 0.35 \
	--rank 24 --alpha 24 --lr 1e-3 --tokens 1600 --most 64
export_to "$work/mom-dec-class-intent-v1" --checkpoint "$work/dec-v1/final.pt" $under --adapter

# Agents: small adapters over r1, one a field, from one that learned all fields.
agent() { # NAME FIELD ARGUMENTS...
	name=$1 field=$2
	shift 2
	[ -e "$work/$name/final.pt" ] || $python decoder_train.py $smoke --out "$work/$name" --agent "$field" $under --rank 2 --alpha 4 --rounds 1 --tokens 1600 --most 64 "$@"
}
agent agent-all all --lr 3e-3
for field in sci math hum soc law gen; do
	agent "agent-$field" $field --start "$work/agent-all/final.pt" --first-round 1 --lr 1e-3
	export_to "$work/mom-dec-agent-$field-v1" --checkpoint "$work/agent-$field/final.pt" $under --adapter
done
echo "all made"
