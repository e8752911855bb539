"""The label sets and the windows of the family."""

import json
import os

INTENT = ["biology", "business", "chemistry", "computer science", "economics", "engineering", "health", "history", "law",
          "math", "other", "philosophy", "physics", "psychology"]
GUARD = ["benign", "jailbreak"]
PII_TYPES = ["AGE", "CREDIT_CARD", "DATE_TIME", "DOMAIN_NAME", "EMAIL_ADDRESS", "GPE", "IBAN_CODE", "IP_ADDRESS", "NRP",
             "ORGANIZATION", "PERSON", "PHONE_NUMBER", "STREET_ADDRESS", "TITLE", "US_DRIVER_LICENSE", "US_SSN", "ZIP_CODE"]
PII = ["O"] + [f"{p}-{t}" for t in PII_TYPES for p in "BI"]

WINDOW = 256   # tokens of a window, [CLS] and [SEP] included
OVERLAP = 64   # tokens that two neighbouring windows share at least


def cut_as(folder):
    """Windows as the mom.json of an exported folder says."""
    global WINDOW, OVERLAP
    with open(os.path.join(folder, "mom.json"), encoding="utf-8") as f:
        said = json.load(f)["heads"][0]["window"]
    WINDOW, OVERLAP = said["tokens"], said["overlap"]


def windows(ids, cls, sep):
    """Content ids (without special tokens) -> [(first token, ids of the window with those of both ends)].

    The engine ends the windows of a long text with a paragraph, line or sentence where it can.
    """
    room, step = WINDOW - 2, WINDOW - 2 - OVERLAP
    out, at = [], 0
    while True:
        out.append((at, [cls] + ids[at:at + room] + [sep]))
        if at + room >= len(ids):
            return out
        at += step
