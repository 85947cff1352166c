"""Secrets of each kind that a detector of `redaction` knows, generated, and the ordinary words that they stand among. A secret's
cores are what must be nowhere: of a key in a PEM block each of its lines, of `password=...` what is assigned."""

import base64
import dataclasses
import json
import urllib.parse

DIGITS = "0123456789"
SMALL = "abcdefghijklmnopqrstuvwxyz"
CAPITALS = SMALL.upper()
ALNUM = DIGITS + SMALL + CAPITALS
HEX = "0123456789abcdef"


@dataclasses.dataclass
class Secret:
    kind: str
    place: str
    text: str
    cores: list


def halves(core):
    """Of a long one neither half may be anywhere."""
    return [core] if len(core) < 24 else [core[:len(core) // 2], core[len(core) // 2:]]


def luhn_digit(digits):
    total = sum(sum(divmod(2 * int(digit), 10)) if index % 2 == 0 else int(digit) for index, digit in enumerate(reversed(digits)))
    return str(-total % 10)


class Secrets:
    """Makes them; what it has made is in `made`."""

    def __init__(self, random):
        self.random = random
        self.made = []
        self.kinds = [name.removeprefix("make_") for name in dir(self) if name.startswith("make_")]

    def some(self, alphabet, count):
        return "".join(self.random.choices(alphabet, k=count))

    def number(self, low, high):
        return str(self.random.randint(low, high))

    def make(self, kind, place):
        made = getattr(self, f"make_{kind}")()
        text, cores = made if isinstance(made, tuple) else (made, [made])
        self.made.append(Secret(kind, place, text, [half for core in cores for half in halves(core)]))
        return self.made[-1]

    def make_email(self):
        return f"{self.some(SMALL, 5)}.{self.some(SMALL + DIGITS, 6)}@{self.some(SMALL, 5)}.example.com"

    def make_credit_card(self):
        head, count = self.random.choice((("4", 14), ("37", 12), ("52", 13), ("6011", 11)))
        digits = head + self.some(DIGITS, count)
        digits += luhn_digit(digits)
        sizes = {16: (4, 4, 4, 4), 15: (4, 6, 5)}[len(digits)]
        separator = self.random.choice(("", "", " ", "-"))
        starts = [sum(sizes[:index]) for index in range(len(sizes))]
        return separator.join(digits[start:start + size] for start, size in zip(starts, sizes))

    def make_iban(self):
        account = self.some(DIGITS, 18)
        text = f"DE{98 - int(account + '131400') % 97:02}{account}"
        return text if self.random.random() < 0.5 else " ".join(text[at:at + 4] for at in range(0, len(text), 4))

    def make_jwt(self):
        header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": self.some(ALNUM, 5)}).encode()).decode().rstrip("=")
        payload, mark = self.some(ALNUM, 30), self.some(ALNUM + "-_", 43)
        return f"{header}.eyJ{payload}.{mark}", [payload, mark]

    def make_pem(self):
        lines = [self.some(ALNUM + "+/", 64) for _ in range(3)]
        word = self.random.choice(("RSA ", "", "EC ", "OPENSSH "))
        return "\n".join([f"-----BEGIN {word}PRIVATE KEY-----", *lines, f"-----END {word}PRIVATE KEY-----"]), lines

    def make_aws_key(self):
        return self.random.choice(("AKIA", "ASIA")) + self.some(CAPITALS + "234567", 16)

    def make_github_token(self):
        return self.random.choice(("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")) + self.some(ALNUM, 36)

    def make_slack_token(self):
        return f"{self.random.choice(('xoxb', 'xoxp', 'xapp', 'xoxe'))}-{self.some(DIGITS, 11)}-{self.some(ALNUM, 24)}"

    def make_stripe_key(self):
        return self.random.choice(("sk_live_", "sk_test_", "rk_live_", "whsec_")) + self.some(ALNUM, 24)

    def make_google_api_key(self):
        return "AIza" + self.some(ALNUM + "-_", 34) + self.some(ALNUM, 1)

    def make_openai_key(self):
        return self.random.choice(("sk-proj-", "sk-svcacct-", "sk-")) + self.some(ALNUM, 47) + self.some(DIGITS, 1)

    def make_anthropic_key(self):
        return "sk-ant-api03-" + self.some(ALNUM + "-_", 63) + self.some(ALNUM, 1)

    def make_runpod_key(self):
        return "rpa_" + self.some(CAPITALS + DIGITS, 40) + self.some(DIGITS, 1)

    def make_inngest_key(self):
        return f"signkey-{self.random.choice(('prod', 'test', 'branch'))}-{self.some(HEX, 64)}"

    def make_bearer(self):
        token = self.some(ALNUM + "-._~", 30) + self.some(DIGITS, 1) + self.some(ALNUM, 1)
        return f"{self.random.choice(('Authorization: Bearer', 'bearer', 'BEARER'))} {token}", [token]

    def make_basic_auth(self):
        text = base64.b64encode(f"{self.some(SMALL, 4)}:{self.some(ALNUM, 10)}".encode()).decode().rstrip("=")
        return f"Authorization: Basic {text}", [text]

    def make_url_password(self):
        password = self.some(ALNUM, 12)
        return f"postgres://{self.some(SMALL, 4)}:{password}@db.internal:5432/x", [password]

    def make_password_kv(self):
        password = self.some(ALNUM, 12)
        form = self.random.choice(("DB_PASSWORD={}", "password: {}", '"client_secret": "{}"', "api-key={}", "pwd='{}'"))
        return form.format(password), [password]

    def make_ipv4(self):
        return ".".join((self.number(100, 223), self.number(100, 255), self.number(100, 255), self.number(100, 254)))

    def make_ipv6(self):
        return f"2001:db8:{self.some('123456789abcdef', 1)}{self.some(HEX, 3)}::{self.some('123456789', 1)}{self.some(HEX, 3)}"

    def make_us_ssn(self):
        return f"{self.number(100, 599)}-{self.number(10, 99)}-{self.number(1000, 9999)}"

    def make_phone(self):
        return self.random.choice((f"+49 30 {self.some(DIGITS, 8)}", f"(202) 555-{self.some(DIGITS, 4)}{self.some(DIGITS, 0)}",
                                   f"+1{self.some('23456789', 1)}{self.some(DIGITS, 9)}"))


AROUND = (("", ""), ("see ", " and more"), ("(", ")"), ("a, ", ", b"), ("[", "]"), ("<", ">"), ("\t", "\n"), ("it was ", "."),
          ("\u201e", "\u201c"), ("to=", "&x=1"), ("|", "|"), ("/", "/"), ("x;", ";y"), ("k: ", ""), ("k:", ""), ("'", "'"), ("*", "*"),
          ("`", "`"), ("\r\n", "\r\n"), ("#", ""), ("\u00e4", "\u00fc"), ("\u2019", "\u2019"), ("\u00a0", "\u00a0"), ("{", "}"), ("a,", ",b"),
          ("\\", "\\"), ("\0", "\0"), ("\x1b[31m", "\x1b[0m"), ("~", ""), ("!", "!"), ("?", "?"), ("k=", ""), ("http://h/", "?q"))

WORDS = ("the request was answered in time but too high for this model please try again later user said that order number has been "
         "shipped on Monday die Anfrage wurde beantwortet der Auftrag ist seit gestern unterwegs Stra\u00dfe Gr\u00fc\u00dfe").split()


class Texts:
    """Called with the name of a place: an ordinary text, or, at the hit rate, one with a secret in it. Each place has the
    kinds in turn."""

    def __init__(self, random):
        self.random = random
        self.secrets = Secrets(random)
        self.hit_rate = 0.0
        self.planted = {}  # place -> how many
        self.asked = 0

    def ordinary(self):
        chosen = self.random.random()
        if chosen < 0.2:
            return "%032x" % self.random.getrandbits(128)
        if chosen < 0.3:
            return str(self.random.randrange(10**9))
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, 8)))

    def encode(self, secret):
        """One in five is percent-encoded or base64 of either alphabet, whose whole run is to be hidden then."""
        form = self.random.random()
        if form < 0.1:
            secret.text = urllib.parse.quote(secret.text, safe="")
            secret.cores = [urllib.parse.quote(core, safe="") for core in secret.cores]
        elif form < 0.2 and len(secret.text) >= 12:
            encode = base64.urlsafe_b64encode if form < 0.15 else base64.b64encode
            secret.text = encode(secret.text.encode()).decode()
            secret.cores = [secret.text.rstrip("=")]

    def __call__(self, place):
        self.asked += 1
        count = self.planted.setdefault(place, 0)
        if self.random.random() >= self.hit_rate:
            return self.ordinary()
        self.planted[place] += 1
        secret = self.secrets.make(self.secrets.kinds[count % len(self.secrets.kinds)], place)
        self.encode(secret)
        before, behind = self.random.choice(AROUND)
        return before + secret.text + behind
