"""Writes the rows that `mom eval --task route` reads, of one of the shared tables of outcomes.

    python routing_rows.py --table mmlupro --out FILE.jsonl[.gz]
    python routing_rows.py --table dcrouter --out FILE.jsonl[.gz]

A row is {"id", "text", "options"?, "category", "field", "group", "split", "hidden"?, "outcomes": {model: 0 to 1},
"cost": {model: dollars}}. The tables are MOM_DATA/routing/mmlupro_* (29 models, the texts partly in intent.jsonl.gz) and
dcrouter_train.jsonl.gz (9 models; the category is the task). The rows are public benchmarks: none goes into the repository.

Hidden rows are questions kept from all training: they are test rows here, whatever their split was, and rows that share a
group with one but are not hidden themselves are left out. The rest keeps its split. So the embedded encoder, which was trained
on the categories of most rows of the split train, has been trained on no test row.

A cost is what the question (characters / 4) and the model's answer (characters / 4; routing_prices.json says how many
tokens where the table does not) cost at the prices of routing_prices.json. The examples that stood before the question
when the table was made do not count: a user would not send them.
"""

import argparse
import csv
import gzip
import io
import json
import os

import data

FIELDS = {"biology": "sci", "chemistry": "sci", "physics": "sci", "engineering": "sci", "health": "sci",
          "computer science": "sci", "math": "math", "history": "hum", "philosophy": "hum", "economics": "soc",
          "psychology": "soc", "business": "soc", "law": "law", "other": "gen"}
TASK_FIELDS = {"math": "math", "gsm8k": "math", "agentverse-mgsm": "math", "arc_challenge": "sci", "openbook_qa": "sci",
               "mbpp": "sci", "human_eval": "sci"}  # the others are general
TOKEN = 4  # characters


def prices():
    with open(os.path.join(data.HERE, "routing_prices.json"), encoding="utf-8") as f:
        p = json.load(f)
    return {m: p["sizes"][v] if isinstance(v, str) else v for m, v in p["models"].items()}, p["answer_tokens"]


def question(row):
    """The text as the model was asked it, with its options."""
    return "\n".join([row["text"]] + [f"{chr(65 + i)}. {o}" for i, o in enumerate(row.get("options") or [])])


def dollars(row, price, answer):
    return round((len(question(row)) / TOKEN * price[0] + answer * price[1]) / 1e6, 12)


def questions():
    return data.shared("routing/mmlupro_questions.jsonl.gz")


def hidden_groups():
    return {q["group"] for q in questions() if q["hidden"]}


def mmlupro(price):
    texts = {r["id"]: r for r in data.shared("intent.jsonl.gz")}
    with gzip.open(os.path.join(data.SHARED, "routing", "mmlupro_outcomes.csv.gz"), "rt", encoding="utf-8") as f:
        outcomes = {r["id"]: r for r in csv.DictReader(f)}
    for q in questions():
        source = q if "text" in q else texts.get(q["id"])
        if source is None:
            continue
        row = {"id": q["id"], "text": source["text"], "options": source.get("options"), "category": q["category"],
               "field": FIELDS[q["category"]], "group": q["group"], "split": q["split"], "hidden": q["hidden"]}
        said = outcomes[q["id"]]
        row["outcomes"], row["cost"] = {}, {}
        for model, p in price.items():
            if said.get(model + ":correct"):
                row["outcomes"][model] = int(said[model + ":correct"])
                row["cost"][model] = dollars(row, p, int(said[model + ":out_chars"]) / TOKEN)
        yield row


def dcrouter(price, answer):
    for r in data.shared("routing/dcrouter_train.jsonl.gz"):
        row = {"id": r["id"], "text": r["text"], "category": r["task"], "field": TASK_FIELDS.get(r["task"], "gen"),
               "group": r["group"], "split": r["split"], "hidden": "", "outcomes": r["scores"]}
        row["cost"] = {m: dollars(row, price[m], answer) for m in r["scores"]}
        yield row


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--table", choices=["mmlupro", "dcrouter"], required=True)
    a.add_argument("--out", required=True)
    a = a.parse_args()
    price, answer = prices()
    hidden = hidden_groups()
    raw = open(a.out, "wb")
    if a.out.endswith(".gz"):
        raw = gzip.GzipFile(fileobj=raw, mode="wb", mtime=0)
    count = {}
    with io.TextIOWrapper(raw, encoding="utf-8") as out:
        for row in mmlupro(price) if a.table == "mmlupro" else dcrouter(price, answer):
            if row["hidden"]:
                row["split"] = "test"
            elif row["group"] in hidden:
                continue
            key = row["split"] + (", hidden" if row["hidden"] else "")
            count[key] = count.get(key, 0) + 1
            json.dump({k: v for k, v in row.items() if v not in (None, "", [])}, out, ensure_ascii=False)
            out.write("\n")
    print(", ".join(f"{n} {k}" for k, n in sorted(count.items())))


if __name__ == "__main__":
    main()
