"""Writes greedy continuations by transformers (float32, eager attention) of 20 prompts: models/testdata/smollm2.json.gz.

    python train/gguf_folder.py SmolLM2-135M-Instruct.Q4_1.gguf FOLDER
    python train/goldens_smollm2.py FOLDER [models/testdata/smollm2.json.gz]

{"source", "cases": [{"prompt": text, "ids": [...], "next": [64 ids], "margin": [by how much each was ahead of the second]}]}
The end of a text is taken for a token like any other, so that every continuation has 64.
"""

import gzip
import json
import os
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

STEPS = 64
SYSTEM = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"


def chat(text):
    return f"{SYSTEM}<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


PROMPTS = [
    "The capital of France is",
    "Once upon a time, there was a little",
    "def fibonacci(n):\n    ",
    "The water cycle describes the continuous movement of water on, above and below the surface of the Earth. It",
    "1, 2, 4, 8, 16,",
    "Q: What is 17 + 25?\nA:",
    "import numpy as np\n\n# Solve a linear system\n",
    "Liste des ingrédients : farine, œufs, beurre,",
    "{\"name\": \"Ada\", \"born\": 1815, \"fields\": [",
    "SELECT name, COUNT(*) FROM users",
    "To be, or not to be,",
    "In 1969, Apollo 11",
    chat("What is the capital of Italy?"),
    chat("Write a haiku about the sea."),
    chat("Classify the topic of this question as one of: law, physics, biology, history. Question: Why is the sky blue?"),
    chat("List three uses of a paper clip."),
    chat("Explain photosynthesis to a child in two sentences."),
    chat("Translate to Spanish: Good morning, my friend."),
    chat("Is 91 a prime number? Answer yes or no and say why."),
    chat("Summarise: The committee met on Tuesday to discuss the budget. After three hours of debate, members agreed to cut "
         "travel by ten percent, to postpone the new building until 2027, and to raise the salaries of the youngest staff. "
         "The chair said that nobody was happy, but that everybody could live with the result."),
]


@torch.no_grad()
def greedy(model, ids):
    out, margin, past, x = [], [], None, torch.tensor([ids])
    for _ in range(STEPS):
        y = model(input_ids=x, past_key_values=past, use_cache=True)
        past = y.past_key_values
        top = torch.topk(y.logits[0, -1], 2)
        out.append(int(top.indices[0]))
        margin.append(round(float(top.values[0] - top.values[1]), 4))
        x = torch.tensor([[out[-1]]])
    return out, margin


def main():
    torch.set_num_threads(2)
    transformers.utils.logging.disable_progress_bar()
    folder = sys.argv[1]
    here = os.path.dirname(__file__)
    path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(here, "..", "models", "testdata", "smollm2.json.gz")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=os.path.join(folder, "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt).input_ids
        out, margin = greedy(model, ids)
        cases.append({"prompt": prompt, "ids": ids, "next": out, "margin": margin})
        print(len(ids), min(margin), repr(tokenizer.decode(out)[:70]))
    source = f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float32, eager attention"
    text = json.dumps({"source": source, "cases": cases}, separators=(",", ":"))
    with open(path, "wb") as f, gzip.GzipFile(filename="", fileobj=f, mode="wb", mtime=0) as z:
        z.write(text.encode())


if __name__ == "__main__":
    main()
