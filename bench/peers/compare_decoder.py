"""Times mom's decoders beside llama.cpp's llama-bench on the same weights, in one run.

    python bench/peers/compare_decoder.py --mom ./mom --llama BUILD/bin --model FILE.gguf --work DIR
        [--tokens 32,128,512] [--threads 1,2] [--rounds 3] [--json]

BUILD/bin holds llama-bench and llama-quantize; DIR takes the model as Q4_0, Q4_1 and Q8_0, made once by llama-quantize; mom reads
the first in int4 and the last in int8. Both
read a prompt of random tokens and write 32 tokens, one sequence at a time. Rounds go through all in turn, so that a machine
whose speed drifts slows both; a cell is the median over the rounds, in tokens a second. llama.cpp writes after an empty
context, mom after the prompt; of mom's figures for writing the ones after the shortest prompt are compared.
Needs nothing beyond Python's own library.
"""

import argparse
import json
import os
import statistics
import subprocess

FORMATS = ["Q4_0", "Q4_1", "Q8_0"]
PRECISIONS = {"int4": "Q4_0", "int8": "Q8_0"}  # mom's, and the file that it reads


def lines(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(x) for x in out.splitlines() if x.startswith("{")]


def llama(a, file, threads):
    """{(what, tokens): tokens a second}; what is prefill or decode."""
    found = lines([f"{a.llama}/llama-bench", "-m", file, "-p", a.tokens, "-n", "32", "-t", str(threads), "-r", "3", "-o", "jsonl"])
    return {("decode", 0) if r["n_gen"] else ("prefill", r["n_prompt"]): r["avg_ts"] for r in found}


def mom(a, precision, file, threads):
    found = lines([a.mom, "bench", "decoder", "--model", file, "--precision", precision, "--prompt", a.tokens, "--tokens", "32",
                   "--threads", str(threads), "--json"])
    out = {("prefill", r["prompt"]): r["prefill_tps"] for r in found}
    out["decode", 0] = min(found, key=lambda r: r["prompt"])["decode_tps"]
    return out


def main():
    p = argparse.ArgumentParser()
    for name in ("mom", "llama", "model", "work"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--tokens", default="32,128,512")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    os.makedirs(a.work, exist_ok=True)
    files = {f: os.path.join(a.work, f"{f}.gguf") for f in FORMATS}
    for f, path in files.items():
        if not os.path.exists(path):
            subprocess.run([f"{a.llama}/llama-quantize", "--allow-requantize", "--pure", a.model, path + ".part", f], check=True, capture_output=True)
            os.rename(path + ".part", path)
    threads = [int(t) for t in a.threads.split(",")]
    cells = {}
    for _ in range(a.rounds):
        for t in threads:
            for name, found in [(f"llama.cpp {f}", llama(a, path, t)) for f, path in files.items()] + \
                               [(f"mom {p}", mom(a, p, files[f], t)) for p, f in PRECISIONS.items()]:
                for what, tps in found.items():
                    cells.setdefault((name, *what, t), []).append(tps)
    cells = {k: statistics.median(v) for k, v in cells.items()}
    names = list(dict.fromkeys(k[0] for k in cells))
    columns = list(dict.fromkeys(k[1:] for k in cells))
    best = lambda c, mine: max(v for k, v in cells.items() if k[1:] == c and k[0].startswith("mom") == mine)
    if a.json:
        for (name, what, n, t), v in cells.items():
            print(json.dumps({"engine": name, "what": what, "tokens": n, "threads": t, "per_s": round(v, 1)}))
        return
    print("| |", " | ".join(f"{w} {n or ''} / {t}" for w, n, t in columns), "|")
    print("|---|" + "---|" * len(columns))
    for name in names:
        print(f"| {name} |", " | ".join(f"{cells[name, *c]:,.0f}" for c in columns), "|")
    print("| mom's best / llama.cpp's best |", " | ".join(f"{best(c, True) / best(c, False):.2f}" for c in columns), "|")


if __name__ == "__main__":
    main()
