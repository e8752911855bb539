"""Fills the PII templates with checksum-valid values of a country. {"text", "spans": [{"start", "end", "label"}], "ignore": []}.

A slot is {LABEL} or {LABEL:variant}, filled and marked, or {~kind}, filled with something that only looks like PII. Names,
streets, phone numbers, dates follow the template's language (pii_values.json, "locales"); an AGE is marked as the number alone.
"""

import json
import os
import random
import re
import string
import sys

import labels
from data import HERE

SLOT = re.compile(r"\{(~[a-z_]+|[A-Z_]+)(?::([a-z0-9]+))?\}")
BESIDE = re.compile(r"(?:[\s,;/|()-]|\\n){0,6}\{(?:ZIP_CODE|GPE)")
IBAN = {"DE": "n18", "GB": "a4n14", "FR": "n10c11n2", "ES": "n20", "IT": "a1n10c12", "NL": "a4n10", "CH": "n5c12",
        "PL": "n24", "AT": "n16", "BE": "n12", "PT": "n21", "SE": "n20", "NO": "n11", "DK": "n14", "IE": "a4n14"}
HOME = {"de": ["DE", "AT", "CH"], "fr": ["FR", "BE", "CH"], "es": ["ES"], "it": ["IT"], "pt": ["PT"], "nl": ["NL", "BE"], "pl": ["PL"],
        "sv": ["SE"], "en_GB": ["GB", "IE"]}


def luhn(body):
    """`body` with its Luhn check digit."""
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c) * (2 if i % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return body + str(-total % 10)


def iban(rnd, locale, plain):
    """An IBAN with valid check digits (ISO 7064 mod 97-10)."""
    country = rnd.choice(HOME[locale] if locale in HOME and rnd.random() < 0.7 else list(IBAN))
    pools = {"n": string.digits, "a": string.ascii_uppercase, "c": string.ascii_uppercase + string.digits}
    bban = "".join("".join(rnd.choices(pools[k], k=int(n))) for k, n in re.findall(r"([nac])(\d+)", IBAN[country]))
    number = int("".join(str(int(c, 36)) for c in bban + country + "00"))
    code = f"{country}{98 - number % 97:02d}{bban}"
    if not plain and rnd.random() < 0.45:
        code = " ".join(code[i:i + 4] for i in range(0, len(code), 4))
    return code.lower() if rnd.random() < 0.1 else code


def card(rnd, plain):
    prefix, n = rnd.choice([("4", 16), ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16)])
    num = luhn(prefix + digits(rnd, n - 1 - len(prefix)))
    sep = "" if plain else rnd.choice(["", "", " ", "-"])
    if not sep:
        return num
    cuts = [4, 10, 15] if n == 15 else [4, 8, 12, 16]
    return sep.join(num[a:b] for a, b in zip([0] + cuts, cuts))


def digits(rnd, n):
    return "".join(rnd.choices(string.digits, k=n))


def letters(rnd, n):
    return "".join(rnd.choices(string.ascii_uppercase, k=n))


def form(rnd, pattern):
    """`pattern` with # replaced by digits and A by letters; the first digit is not 0 where it stands first."""
    out = "".join(rnd.choice(string.digits) if c == "#" else rnd.choice(string.ascii_uppercase) if c == "A" else c for c in pattern)
    return str(rnd.randint(1, 9)) + out[1:] if pattern.startswith("#") and out.startswith("0") else out


def licence(rnd):
    return form(rnd, rnd.choice(["A#######", "A###-####-####", "########", "A########", "A####-#####-#####", "AA######", "#######",
                                 "A#############", "AA-######", "#########", "AAAAA###AA", "A##-##-####", "##AAA####"]))


class Filler:
    def __init__(self, seed, parts=("train",)):
        self.rnd = random.Random(seed)
        folder = os.path.join(HERE, "data")
        with open(os.path.join(folder, "pii_values.json"), encoding="utf-8") as f:
            values = json.load(f)
        self.v, self.locales = values["common"], values["locales"]
        with open(os.path.join(folder, "pii_templates.jsonl"), encoding="utf-8") as f:
            self.templates = [t for t in map(json.loads, f) if t["split"] in parts]

    def locale(self, lang):
        if lang in self.locales:
            return lang
        return next((k for k in self.locales if k.split("_")[0] == lang.split("_")[0]), "en_US")

    def pick(self, key):
        """A value of the template's country, sometimes of another: people and places travel."""
        rnd = self.rnd
        if rnd.random() < {"first": 0.15, "last": 0.15, "city": 0.08}.get(key, 0) and self.here not in ("ja", "zh", "hi"):
            other = self.locales[rnd.choice([k for k in self.locales if k not in ("ja", "zh", "hi")])]
            return rnd.choice(other[key])
        if self.here.startswith("en") and key in self.v and rnd.random() < 0.5:
            return rnd.choice(self.v[key])
        return rnd.choice(self.locales[self.here][key])

    def person(self, variant):
        rnd, pick = self.rnd, self.pick
        joined = "" if self.here in ("zh", "ja") else " "
        first, last = pick("first"), pick("last")
        full = last + joined + first if self.here in ("zh", "ja") else f"{first} {last}"
        if variant in ("lower", "upper"):
            full = rnd.choice([full] * 3 + [first])
            return full.lower() if variant == "lower" else full.upper()
        made = {"first": first, "last": last, "full": full, "lastfirst": f"{last}, {first}" if joined else full,
                "initial": f"{first[0]}. {last}" if joined else full}
        if variant in made:
            return made[variant]
        return rnd.choice([full] * 4 + [first, last, made["lastfirst"]] + ([f"{first} {letters(rnd, 1)}. {last}"] if joined else []))

    def date(self, variant):
        rnd, v = self.rnd, self.locales[self.here]
        y = rnd.randint(1935, 2012) if variant == "dob" else rnd.choice([rnd.randint(1990, 2023), 2024, 2025, 2026, 2027])
        m, d, hour, minute, second = rnd.randint(1, 12), rnd.randint(1, 28), rnd.randrange(24), rnd.randrange(60), rnd.randrange(60)
        month, weekday = v["months"][m - 1], rnd.choice(v["weekdays"])
        clock = rnd.choice(v["time"] + [f"{hour:02d}:{minute:02d}", "{hh}:{min}"] + (["{h12}:{min} AM", "{h12}:{min}pm"] if self.here.startswith("en") else []))
        for key, value in (("{hh}", f"{hour:02d}"), ("{h12}", str(hour % 12 + 1)), ("{h}", str(hour)), ("{min}", f"{minute:02d}")):
            clock = clock.replace(key, value)
        def local():
            text = rnd.choice(v["date_formats"])
            for key, value in (("{dd}", f"{d:02d}"), ("{d}", str(d)), ("{mm}", f"{m:02d}"), ("{m}", str(m)), ("{month}", month),
                               ("{yyyy}", str(y)), ("{yy}", f"{y % 100:02d}")):
                text = text.replace(key, value)
            return text
        iso = f"{y}-{m:02d}-{d:02d}"
        stamp = rnd.choice([f"{iso}T{hour:02d}:{minute:02d}:{second:02d}Z", f"{iso} {hour:02d}:{minute:02d}:{second:02d}",
                            f"{iso}T{hour:02d}:{minute:02d}:{second:02d}.{rnd.randrange(1000):03d}Z", f"{iso} {hour:02d}:{minute:02d}",
                            f"{d:02d}/{v['months'][m - 1][:3]}/{y}:{hour:02d}:{minute:02d}:{second:02d} +0000",
                            f"{iso}T{hour:02d}:{minute:02d}:{second:02d}+02:00"])
        long = f"{month} {d}, {y}" if self.here == "en_US" else f"{d} {month} {y}"
        if self.here in ("ja", "zh"):
            long = f"{y}年{m}月{d}日"
        relative = rnd.choice(v["relative"])
        made = {"iso": lambda: iso, "long": lambda: long, "time": lambda: clock, "stamp": lambda: stamp, "weekday": lambda: weekday,
                "year": lambda: str(y), "relative": lambda: relative, "dob": lambda: rnd.choice([local(), local(), iso, long]),
                "short": lambda: local()}
        if variant in made:
            return made[variant]()
        more = [f"{month} {y}"] + ([f"{weekday}, {d} {month}", f"{month} {d}", f"{m}/{d}/{y}"] if self.here.startswith("en") else [])
        return rnd.choice([local(), local(), iso, long, stamp] + more)

    def value(self, label, variant):
        """(text, start of the marked part, end)"""
        text = self.text(label, variant)
        return text if isinstance(text, tuple) else (text, 0, len(text))

    def text(self, label, variant):
        rnd, v, pick = self.rnd, self.locales[self.here], self.pick
        if label == "PERSON":
            return self.person(variant)
        if label == "EMAIL_ADDRESS":
            ascii_names = self.locales["en_US"] if self.here in ("ja", "zh", "hi") else v
            if "mail_user" in v and rnd.random() < 0.4:
                return rnd.choice(v["mail_user"]) + "@" + rnd.choice(v["mail_host"])
            first, last = (re.sub(r"[^a-z]", "", rnd.choice(ascii_names[k]).lower()) or "info" for k in ("first", "last"))
            user = rnd.choice([f"{first}.{last}", f"{first}{digits(rnd, 2)}", last, f"{first[0]}_{last}", f"{first[0]}{last}", f"{last}.{first}",
                               f"{first}-{last}", f"{first}{last}", "info", "billing", "support", f"{first}+news"])
            return user + "@" + rnd.choice(self.v["mail_host"])
        if label == "PHONE_NUMBER":
            forms = v["phone"]
            if variant == "intl":
                forms = [f for f in forms if f.startswith(("+", "00"))] or forms
            elif variant == "local":
                forms = [f for f in forms if not f.startswith(("+", "00"))] or forms
            elif self.here == "en_US" and rnd.random() < 0.4:
                forms = ["(###) ###-####", "###-###-####", "+1 ### ### ####", "###.###.####", "##########", "+1-###-###-####", "(###)###-#### x###"]
            return form(rnd, rnd.choice(forms))
        if label == "STREET_ADDRESS":
            pattern = rnd.choice(v["street_address"] if variant == "short" or rnd.random() < 0.6 else v["address"])
            for key, value in (("{street}", pick("street")), ("{city}", pick("city")), ("{zip}", form(rnd, rnd.choice(v["zip"])))):
                pattern = pattern.replace(key, value)
            return re.sub(r"\{n\}", lambda _: str(rnd.randint(1, 9900 if self.here == "en_US" and rnd.random() < 0.6 else 220)), pattern)
        if label == "GPE":
            key = variant if variant in ("city", "country", "state") else rnd.choice(["city", "city", "country"])
            return pick(key).lower() if variant == "lower" else pick(key)
        if label == "ORGANIZATION":
            org = pick("org")
            return org.split(" ")[0] if variant == "short" and self.here.startswith("en") and len(org.split(" ")[0]) > 4 else org
        if label == "TITLE":
            return pick("honorific" if variant == "honorific" else "job")
        if label == "NRP":
            return pick("nrp_adj" if variant == "adj" else "nrp")
        if label == "AGE":
            n = str(rnd.choice([rnd.randint(18, 90), rnd.randint(2, 98)]))
            if variant == "num":
                return n
            pattern = rnd.choice(v["age"] + ["{n}"])
            at = pattern.index("{n}")
            return pattern.replace("{n}", n), at, at + len(n)
        if label == "ZIP_CODE":
            return form(rnd, rnd.choice(v["zip"] + (["#####-####"] if self.here == "en_US" else [])))
        if label == "US_SSN":
            return f"{rnd.randint(1, 665):03d}-{rnd.randint(1, 99):02d}-{rnd.randint(1, 9999):04d}"
        if label == "US_DRIVER_LICENSE":
            return licence(rnd)
        if label == "CREDIT_CARD":
            return card(rnd, variant == "plain")
        if label == "IBAN_CODE":
            return iban(rnd, self.here, variant == "plain")
        if label == "IP_ADDRESS":
            if variant == "v6" or variant is None and rnd.random() < 0.15:
                return ":".join(f"{rnd.randrange(65536):x}" for _ in range(8)) if rnd.random() < 0.5 else \
                    f"2001:db8::{rnd.randrange(65536):x}:{rnd.randrange(65536):x}"
            return ".".join(str(rnd.randint(1, 254)) for _ in range(4))
        if label == "DOMAIN_NAME":
            host = f"{rnd.choice(self.v['site'])}.{rnd.choice(self.v['tld'])}"
            if variant == "bare":
                return rnd.choice([host, host, f"www.{host}", f"{rnd.choice(['shop', 'blog', 'app', 'mail', 'portal'])}.{host}"])
            return rnd.choice([f"https://{host}", f"https://www.{host}/", f"http://{host}/page/{rnd.randint(1, 99)}", f"www.{host}",
                               f"https://{host}/login?id={rnd.randint(1, 999)}", f"http://www.{host}", f"https://shop.{host}/cart"])
        if label == "DATE_TIME":
            return self.date(variant)
        raise KeyError(label)

    def lookalike(self, kind):
        rnd = self.rnd
        hexes = lambda n: "".join(rnd.choices("0123456789abcdef", k=n))
        word = lambda: rnd.choice(["sunset", "kilo", "paper", "moss", "vega", "orbit", "pixel", "marble", "cobalt", "juniper", "fern", "delta"])
        local = lambda key: rnd.choice(self.locales[self.here][key]).replace("{n}", str(rnd.randint(2, 60))).replace("{cc}", digits(rnd, 2))
        made = {
            "money": lambda: rnd.choice([local("money"), local("money"), f"${rnd.randint(5, 9000)}", f"{rnd.randint(5, 9000)} EUR", f"€{rnd.randint(1, 990)}.{digits(rnd, 2)}",
                                         f"£{rnd.randint(1, 99)}.{digits(rnd, 2)}", f"${rnd.randint(1, 90)},{digits(rnd, 3)}.00"]),
            "order": lambda: rnd.choice([f"#{digits(rnd, 6)}", f"{letters(rnd, 2)}-{digits(rnd, 4)}-{letters(rnd, 1)}", digits(rnd, 7),
                                         f"ORD-{digits(rnd, 8)}", f"A{digits(rnd, 3)}", digits(rnd, 10)]),
            "num": lambda: str(rnd.randint(1, rnd.choice([12, 90, 400, 9000]))),
            "expiry": lambda: f"{rnd.randint(1, 12):02d}/{rnd.randint(26, 31)}",
            "status": lambda: rnd.choice(["404", "500", "301", "E1102", "502", "200"]),
            "version": lambda: rnd.choice([f"{rnd.randint(0, 14)}.{rnd.randint(0, 30)}.{rnd.randint(0, 9)}", f"v{rnd.randint(0, 9)}.{rnd.randint(0, 40)}",
                                           f"{rnd.randint(1, 9)}.{rnd.randint(0, 30)}.{rnd.randint(0, 9)}.{rnd.randint(0, 9999)}"]),
            "tracking": lambda: rnd.choice([f"1Z{letters(rnd, 2)}{digits(rnd, 12)}", f"JD{digits(rnd, 16)}", digits(rnd, 20)]),
            "hash": lambda: hexes(rnd.choice([7, 8, 32, 40])),
            "commit": lambda: hexes(rnd.choice([7, 8, 40])),
            "isbn": lambda: f"978-{digits(rnd, 1)}-{digits(rnd, 3)}-{digits(rnd, 5)}-{digits(rnd, 1)}",
            "uuid": lambda: "-".join(hexes(n) for n in (8, 4, 4, 4, 12)),
            "flight": lambda: f"{letters(rnd, 2)}{rnd.randint(10, 999)}",
            "time_span": lambda: local("time_span"),
            "quantity": lambda: rnd.choice([local("quantity"), local("quantity"), f"{rnd.randint(1, 90)} kg", f"{rnd.randint(1, 900)} ml", f"{rnd.randint(1, 40)}x", f"{rnd.randint(2, 60)}", f"{rnd.randint(1, 9)}.{rnd.randint(1, 9)} km"]),
            "sku": lambda: rnd.choice([f"{letters(rnd, 3)}-{digits(rnd, 4)}", f"{digits(rnd, 3)}-{digits(rnd, 3)}", f"{letters(rnd, 2)}{digits(rnd, 5)}", f"SKU{digits(rnd, 6)}"]),
            "percent": lambda: rnd.choice([f"{rnd.randint(1, 99)}%", f"{rnd.randint(0, 99)}.{rnd.randint(0, 9)} %"]),
            "score": lambda: rnd.choice([f"{rnd.randint(0, 6)}:{rnd.randint(0, 6)}", f"{rnd.randint(60, 180)}/{rnd.randint(40, 110)}", f"{rnd.randint(0, 100)}/100", f"{rnd.randint(0, 5)}-{rnd.randint(0, 5)}"]),
            "model": lambda: rnd.choice(["iPhone 15 Pro", "Galaxy S24", "ThinkPad X1", "PlayStation 5", "Model 3", "Golf 8", "Surface Pro 9", "Dyson V11", "Kindle Paperwhite",
                                         "EOS R6", "WH-1000XM5", "RTX 4090", "Air Max 90", "Pixel 8a", "Roomba 692", "MX Master 3S"]),
            "ticket": lambda: rnd.choice([f"#{digits(rnd, 5)}", f"INC{digits(rnd, 7)}", f"{letters(rnd, 3)}-{rnd.randint(1, 9999)}", f"REQ-{digits(rnd, 6)}"]),
            "invoice": lambda: rnd.choice([f"INV-2026-{digits(rnd, 3)}", f"RE{digits(rnd, 6)}", f"{digits(rnd, 4)}/{digits(rnd, 2)}", f"F-{digits(rnd, 5)}"]),
            "handle": lambda: "@" + rnd.choice([word() + word(), word() + digits(rnd, 2), f"{word()}_{word()}", "the_" + word()]),
            "hashtag": lambda: "#" + rnd.choice([word(), word() + word(), "throwback", "nofilter", "mondays", word().title() + word().title()]),
            "coord": lambda: f"{rnd.uniform(-80, 80):.4f}, {rnd.uniform(-170, 170):.4f}",
            "mac": lambda: ":".join(hexes(2) for _ in range(6)),
            "port": lambda: str(rnd.choice([22, 80, 443, 3000, 5432, 6379, 8080, 8443, rnd.randint(1024, 65535)])),
            "file": lambda: rnd.choice([f"{word()}_{rnd.randint(1, 99)}.pdf", f"{word()}.csv", f"IMG_{digits(rnd, 4)}.jpg", f"src/{word()}/{word()}.py", f"{word()}-final-v{rnd.randint(2, 9)}.docx"]),
        }
        return made[kind]()

    def fill(self, row):
        template = row["template"]
        self.here = self.locale(row.get("lang", "en_US"))
        out, spans, at, pos = [], [], 0, 0
        for m in SLOT.finditer(template):
            if not m[1].startswith("~") and m[1] not in labels.PII_TYPES:
                continue
            out.append(template[at:m.start()])
            pos += m.start() - at
            if m[1].startswith("~"):
                value = self.lookalike(m[1][1:])
            else:
                variant = m[2]
                if m[1] == "TITLE" and variant is None and template[m.end():].startswith((" {PERSON", "{PERSON")):
                    variant = "honorific"
                if m[1] == "STREET_ADDRESS" and variant is None and BESIDE.match(template[m.end():]):
                    variant = "short"  # ZIP and city have slots of their own
                value, first, end = self.value(m[1], variant)
                spans.append({"start": pos + first, "end": pos + end, "label": m[1]})
            out.append(value)
            pos += len(value)
            at = m.end()
        text = "".join(out) + template[at:]
        if self.rnd.random() < 0.12:
            low = text.lower()
            text = low if len(low) == len(text) else text
        return {"text": text, "spans": spans, "ignore": [], "genre": row["genre"], "lang": row["lang"], "group": row["group"]}

    def sample(self, each):
        """`each` texts of every template."""
        return [self.fill(t) for t in self.templates for _ in range(each)]


if __name__ == "__main__":  # piigen.py PART TEXTS_A_TEMPLATE > FILE.jsonl
    for row in Filler(20261124, parts=(sys.argv[1],)).sample(int(sys.argv[2])):
        print(json.dumps({"source": row.pop("genre"), **row}, ensure_ascii=False))
