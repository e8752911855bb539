"""The label sets and the window of the family."""

INTENT = ["biology", "business", "chemistry", "computer science", "economics", "engineering", "health", "history", "law",
          "math", "other", "philosophy", "physics", "psychology"]
GUARD = ["benign", "jailbreak"]
PII_TYPES = ["AGE", "CREDIT_CARD", "DATE_TIME", "DOMAIN_NAME", "EMAIL_ADDRESS", "GPE", "IBAN_CODE", "IP_ADDRESS", "NRP",
             "ORGANIZATION", "PERSON", "PHONE_NUMBER", "STREET_ADDRESS", "TITLE", "US_DRIVER_LICENSE", "US_SSN", "ZIP_CODE"]
PII = ["O"] + [f"{p}-{t}" for t in PII_TYPES for p in "BI"]

WINDOW = 256   # tokens of a window, [CLS] and [SEP] included
OVERLAP = 32   # tokens that two neighbouring windows share where no line or sentence ends
LONG = 128     # tokens of the windows of a text that does not fit into one


def windows(ids, cls, sep, window=WINDOW, overlap=OVERLAP, long=LONG):
    """Content ids (without special tokens) -> [(first token, ids of the window with those of both ends)].

    The engine ends the windows of a long text with a paragraph, line or sentence where it can.
    """
    size = window if len(ids) <= window - 2 else long
    room, step = size - 2, size - 2 - overlap
    out, at = [], 0
    while True:
        out.append((at, [cls] + ids[at:at + room] + [sep]))
        if at + room >= len(ids):
            return out
        at += step
