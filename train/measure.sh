#!/bin/sh
# measure.sh INT8_FOLDER F32_FOLDER REPORTS: mom eval on the public and the own test rows. MOM is the binary, MOM_DATA the public data;
# LINEAR names reports whose linear baselines are taken, instead of training them again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mom=${MOM:-$here/../mom} data=${MOM_DATA:-$here/../../shared/data}
mkdir -p "$3"
"${PYTHON:-python}" "$here/piigen.py" test 4 > "$3/own_pii.jsonl"
"${PYTHON:-python}" "$here/piigen.py" train 4 > "$3/own_pii_train.jsonl"
run() { # NAME TASK FILE [FLAGS]
	name=$1 task=$2 in=$3
	shift 3
	options=
	case " $* " in *" --options "*) options=--options ;; esac
	if [ -n "${LINEAR:-}" ]; then
		"$mom" eval --task "$task" --in "$in" --model "$int8" --json $options > "$reports/$name.json"
		sed -n 2p "$LINEAR/$name.json" >> "$reports/$name.json"
	else
		"$mom" eval --task "$task" --in "$in" --model "$int8" --json "$@" > "$reports/$name.json"
	fi
	"$mom" eval --task "$task" --in "$in" --model "$f32" --precision f32 --json $options > "$reports/f32-$name.json"
	echo "$name is measured"
}
int8=$1 f32=$2 reports=$3
run intent intent "$data/intent.jsonl.gz" --baseline
run options intent "$data/intent.jsonl.gz" --baseline --options
run chat_fresh intent "$here/data/chat_fresh.jsonl" --baseline --train "$here/data/chat.jsonl"
run guard_fresh guard "$here/data/guard_fresh.jsonl" --baseline --train "$here/data/guard.jsonl"
run chat intent "$here/data/chat.jsonl" --baseline
run guard guard "$data/guard.jsonl.gz" --baseline
run guard_own guard "$here/data/guard.jsonl" --baseline
run pii pii "$data/pii.jsonl.gz" --baseline
run pii_own pii "$reports/own_pii.jsonl" --baseline --train "$reports/own_pii_train.jsonl"
"$mom" eval --task guard --in "$here/data/guard_fresh.jsonl" --model "$int8" --mutate all --pad 600,2000,8000 --json > "$reports/guard_hidden.json"
echo "guard_hidden is measured"
