#!/bin/sh
# run.sh ARGUMENTS...: train.py with the environment that it was measured in.
# Freed memory stays in the process (refaulting it costs more than the arithmetic in a small virtual machine).
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=500000000 MALLOC_ARENA_MAX=1
exec "${PYTHON:-python}" -W ignore "$(dirname "$0")/train.py" "$@"
