"""Fills the PII templates with checksum-valid values. {"text", "spans": [{"start", "end", "label"}], "ignore": []}."""

import json
import os
import random
import re
import string

from data import HERE

SLOT = re.compile(r"\{(~?)([A-Z_]+|[a-z]+)\}")
IBAN = {"DE": "n18", "GB": "a4n14", "FR": "n10c11n2", "ES": "n20", "IT": "a1n10c12", "NL": "a4n10", "CH": "n5c12",
        "PL": "n24", "AT": "n16", "BE": "n12", "PT": "n21", "SE": "n20", "NO": "n11", "DK": "n14", "IE": "a4n14"}


def luhn(body):
    """`body` with its Luhn check digit."""
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c) * (2 if i % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return body + str(-total % 10)


def iban(rnd):
    """An IBAN with valid check digits (ISO 7064 mod 97-10)."""
    country = rnd.choice(list(IBAN))
    pools = {"n": string.digits, "a": string.ascii_uppercase, "c": string.ascii_uppercase + string.digits}
    bban = "".join("".join(rnd.choices(pools[k], k=int(n))) for k, n in re.findall(r"([nac])(\d+)", IBAN[country]))
    number = int("".join(str(int(c, 36)) for c in bban + country + "00"))
    code = f"{country}{98 - number % 97:02d}{bban}"
    if rnd.random() < 0.45:
        code = " ".join(code[i:i + 4] for i in range(0, len(code), 4))
    return code.lower() if rnd.random() < 0.1 else code


def card(rnd):
    prefix, n = rnd.choice([("4", 16), ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16)])
    num = luhn(prefix + digits(rnd, n - 1 - len(prefix)))
    sep = rnd.choice(["", "", " ", "-"])
    if not sep:
        return num
    cuts = [4, 10, 15] if n == 15 else [4, 8, 12, 16]
    return sep.join(num[a:b] for a, b in zip([0] + cuts, cuts))


def digits(rnd, n):
    return "".join(rnd.choices(string.digits, k=n))


def letters(rnd, n):
    return "".join(rnd.choices(string.ascii_uppercase, k=n))


def licence(rnd):
    form = rnd.choice(["A1234567", "A123-4567-8901", "12345678", "A12345678", "A1234-56789-01234", "AB123456", "1234567",
                       "A1234567890123", "AB-123456", "123456789", "SMITJ123AB"])
    return "".join(rnd.choice(string.digits) if c.isdigit() else rnd.choice(string.ascii_uppercase) if c.isalpha() else c
                   for c in form)


class Filler:
    def __init__(self, seed):
        self.rnd = random.Random(seed)
        folder = os.path.join(HERE, "data")
        with open(os.path.join(folder, "pii_values.json"), encoding="utf-8") as f:
            self.v = json.load(f)
        with open(os.path.join(folder, "pii_templates.txt"), encoding="utf-8") as f:
            lines = [line.rstrip("\n").replace("\\n", "\n") for line in f]
        self.templates = [t for t in lines if t and not t.startswith("#")]

    def value(self, label):
        rnd, v = self.rnd, self.v
        pick = lambda key: rnd.choice(v[key])
        if label == "PERSON":
            return rnd.choice([f"{pick('first')} {pick('last')}"] * 3 + [pick("first"), pick("last"),
                              f"{pick('first')} {letters(rnd, 1)}. {pick('last')}", f"{pick('last')}, {pick('first')}"])
        if label == "EMAIL_ADDRESS":
            user = rnd.choice([f"{pick('first')}.{pick('last')}", f"{pick('first')}{digits(rnd, 2)}", pick("last"),
                               f"{pick('first')[0]}_{pick('last')}", "info", "billing"]).lower()
            return user.replace("'", "").replace(" ", "") + "@" + pick("mail_host")
        if label == "PHONE_NUMBER":
            d = lambda n: digits(rnd, n)
            return rnd.choice([f"+1 ({d(3)}) {d(3)}-{d(4)}", f"{d(3)}-{d(3)}-{d(4)}", f"+44 7{d(3)} {d(6)}", f"+49 17{d(1)} {d(7)}",
                               f"({d(3)}) {d(3)}-{d(4)}", f"0{d(3)} {d(3)} {d(4)}", f"+33 6 {d(2)} {d(2)} {d(2)} {d(2)}", d(10),
                               f"{d(3)}.{d(3)}.{d(4)}", f"+91 9{d(4)} {d(5)}", f"+1{d(10)}", f"{d(3)} {d(3)} {d(4)}"])
        if label == "STREET_ADDRESS":
            n = rnd.randint(1, 9900 if rnd.random() < 0.5 else 200)
            if rnd.random() < 0.3:
                return pick("street_eu").replace("{n}", str(n % 200 + 1))
            s = f"{n} {pick('street')} {pick('street_end')}"
            if rnd.random() < 0.2:
                s += rnd.choice([f", Apt {rnd.randint(1, 99)}", f", Suite {rnd.randint(100, 999)}", f" Apt. {rnd.randint(1, 999)}"])
            return s
        if label == "GPE":
            return pick(rnd.choice(["city", "city", "country"]))
        if label == "ORGANIZATION":
            return pick("org")
        if label == "TITLE":
            return pick("job")
        if label == "NRP":
            return pick("nrp")
        if label == "AGE":
            return str(rnd.randint(2, 98))
        if label == "ZIP_CODE":
            return rnd.choice([digits(rnd, 5)] * 4 + [f"{digits(rnd, 5)}-{digits(rnd, 4)}", digits(rnd, 4),
                              f"{letters(rnd, 2)}{rnd.randint(1, 20)} {rnd.randint(1, 9)}{letters(rnd, 2)}"])
        if label == "US_SSN":
            return f"{rnd.randint(1, 665):03d}-{rnd.randint(1, 99):02d}-{rnd.randint(1, 9999):04d}"
        if label == "US_DRIVER_LICENSE":
            return licence(rnd)
        if label == "CREDIT_CARD":
            return card(rnd)
        if label == "IBAN_CODE":
            return iban(rnd)
        if label == "IP_ADDRESS":
            if rnd.random() < 0.2:
                return ":".join(f"{rnd.randrange(65536):x}" for _ in range(8)) if rnd.random() < 0.5 else \
                    f"2001:db8::{rnd.randrange(65536):x}:{rnd.randrange(65536):x}"
            return ".".join(str(rnd.randint(1, 254)) for _ in range(4))
        if label == "DOMAIN_NAME":
            host = f"{pick('site')}.{pick('tld')}"
            return rnd.choice([host, f"www.{host}", f"https://{host}", f"https://www.{host}/", f"http://{host}/page/{rnd.randint(1, 99)}",
                               f"shop.{host}", f"https://{host}/login?id={rnd.randint(1, 999)}"])
        if label == "DATE_TIME":
            y, m, d = rnd.randint(1940, 2027), rnd.randint(1, 12), rnd.randint(1, 28)
            mon = v["month"][m - 1]
            return rnd.choice([f"{y}-{m:02d}-{d:02d}", f"{m}/{d}/{y}", f"{d}.{m}.{y}", f"{mon} {d}, {y}", f"{d} {mon} {y}", f"{mon} {d}",
                               f"{y}-{m:02d}-{d:02d}T{rnd.randrange(24):02d}:{rnd.randrange(60):02d}:00Z", f"{d:02d}/{m:02d}/{y % 100:02d}",
                               f"{y}-{m:02d}-{d:02d} {rnd.randrange(24):02d}:{rnd.randrange(60):02d}:{rnd.randrange(60):02d}",
                               f"{mon} {y}", f"{pick('weekday')}, {d} {mon}"])
        raise KeyError(label)

    def lookalike(self, kind):
        rnd = self.rnd
        hexes = lambda n: "".join(rnd.choices("0123456789abcdef", k=n))
        return {
            "money": lambda: rnd.choice([f"${rnd.randint(5, 9000)}", f"{rnd.randint(5, 9000)} euros", f"£{rnd.randint(1, 99)}.{digits(rnd, 2)}",
                                         f"{rnd.randint(1, 90)},{digits(rnd, 3)} dollars"]),
            "order": lambda: rnd.choice([f"#{digits(rnd, 6)}", f"{letters(rnd, 2)}-{digits(rnd, 4)}-{letters(rnd, 1)}", digits(rnd, 7),
                                         f"INV-2026-{digits(rnd, 3)}", f"A{digits(rnd, 3)}"]),
            "num": lambda: str(rnd.randint(1, rnd.choice([12, 90, 400, 9000]))),
            "expiry": lambda: f"{rnd.randint(1, 12):02d}/{rnd.randint(26, 31)}",
            "status": lambda: rnd.choice(["404", "500", "301", "E1102", "502"]),
            "version": lambda: f"{rnd.randint(0, 14)}.{rnd.randint(0, 30)}.{rnd.randint(0, 9)}",
            "tracking": lambda: f"1Z{letters(rnd, 2)}{digits(rnd, 12)}",
            "hash": lambda: hexes(rnd.choice([7, 8, 40])),
            "isbn": lambda: f"978-{digits(rnd, 1)}-{digits(rnd, 3)}-{digits(rnd, 5)}-{digits(rnd, 1)}",
            "uuid": lambda: "-".join(hexes(n) for n in (8, 4, 4, 4, 12)),
            "flight": lambda: f"{letters(rnd, 2)}{rnd.randint(10, 999)}",
        }[kind]()

    def fill(self, template):
        out, spans, at, pos = [], [], 0, 0
        for m in SLOT.finditer(template):
            out.append(template[at:m.start()])
            pos += m.start() - at
            value = self.lookalike(m[2]) if m[1] else self.value(m[2])
            if m[2] == "TITLE" and template[m.end():m.end() + 9] == " {PERSON}":
                value = self.rnd.choice(self.v["honorific"])
            if not m[1]:
                spans.append({"start": pos, "end": pos + len(value), "label": m[2]})
            out.append(value)
            pos += len(value)
            at = m.end()
        text = "".join(out) + template[at:]
        if self.rnd.random() < 0.12:
            low = text.lower()
            text = low if len(low) == len(text) else text
        return {"text": text, "spans": spans, "ignore": []}

    def sample(self, each):
        """`each` texts of every template."""
        return [self.fill(t) for t in self.templates for _ in range(each)]


if __name__ == "__main__":
    for row in Filler(1).sample(1):
        print(row["text"], [(row["text"][s["start"]:s["end"]], s["label"]) for s in row["spans"]])
