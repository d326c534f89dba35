"""Random cases for cli.py: tokens that open, tokens that barely open, and tokens that do not.

A case is a dict: `ring` (its text), `purpose`, `contexts`, `now` (the time of the check; None for
the real clock), `token`, and `answer` ("opens" or the code of the refusal). `key`, `cargo` and
`uuid` are the token's ingredients. All randomness comes from the caller's generator, so every
case is reproducible.
"""

import json
import time

import st1
from strict_json import write_json

NOW = 1_763_755_200

# ---- random parts -------------------------------------------------------------------------

PIECES = ["a", "Z", "7", " ", "é", "ß", "✓", "中", "😀", "e\u0301", "\u2028", "\u200f", "/", '"']
PIECES += ["\\", "\n", "\t", "\x00", "\x1f", "\x7f", "\ufeff", "\uffff", "\U0010ffff", "\\u0041"]
NUMBERS = [0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 0.0, -0.0, 1.0, 0.1, 1e-7, 1e21]
NUMBERS += [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 123456789.123456789]
PURPOSES = ["password-reset", "sitzung-größe", "確認", "a", "p" * 255, "😀" * 63, "two words", "/"]
SEPARATORS = [",", " ", "\t", "\n", "\v", "\f", "\r", " ,", ",,", " ,\r\n", ", ", "  ", "\n "]
CONTEXTS = [[], [], ["user:17"], ["$argon2id$v=19$öld-hash"], ["☃" * 40], ["tenant:a", "user:17"]]
CONTEXTS += [["a", "ab", "b"], ["same", "same"]]


def random_text(rng, longest=12):
    return "".join(rng.choices(PIECES, k=rng.randint(0, longest)))


def random_value(rng, depth):
    kinds = ["text", "number", "float", "word", "list", "map"]
    kind = rng.choice(kinds if depth else kinds[:4])
    if kind == "text":
        return random_text(rng)
    if kind == "number":
        return rng.choice(NUMBERS)
    if kind == "float":
        return rng.choice([rng.random(), rng.uniform(-1e9, 1e9), rng.uniform(-1, 1) * 1e200])
    if kind == "word":
        return rng.choice([True, False, None])
    if kind == "list":
        return [random_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return {random_text(rng, 5): random_value(rng, depth - 1) for _ in range(rng.randint(0, 3))}


def random_cargo(rng):
    """A map of at least one entry, small enough for a token of 4,096 characters."""
    while True:
        names = [random_text(rng, 5) or "user" for _ in range(rng.randint(1, 5))]
        cargo = {name: random_value(rng, 3) for name in names}
        if len(json.dumps(cargo)) < 2000:
            return cargo


def random_ring(rng, key):
    """The text of a ring that holds `key` in any role: current, retired or standby."""
    keys = [key.text] + [st1.Key(rng.randbytes(32)).text for _ in range(rng.randint(0, 3))]
    rng.shuffle(keys)
    ring = keys.pop(0)
    for text in keys:
        plus = rng.choice(["", "+"])
        # A space after another separator is ambiguous: form decoding turns a plus into one.
        separators = (
            SEPARATORS if plus else [some for some in SEPARATORS if not some[1:].endswith(" ")]
        )
        ring += rng.choice(separators) + plus + text
    around = ["", "", "\n", " ", ", ", "\r\n"]
    return rng.choice(around) + ring + rng.choice(around)


def fresh(rng):
    """A case that still lacks its token."""
    key = st1.Key(rng.randbytes(32))
    return {
        "key": key,
        "ring": random_ring(rng, key),
        "purpose": rng.choice([*PURPOSES, f"purpose-{rng.randrange(1000)}"]),
        "contexts": rng.choice(CONTEXTS),
        "now": NOW + rng.randint(-(10**8), 10**8),
        "uuid": rng.randbytes(16),
        "cargo": random_cargo(rng),
        "answer": "opens",
    }


def sealed(rng, case, plain, **changes):
    """`case` with a token of this plaintext (text or bytes), and with `changes`."""
    plain = plain.encode("utf-8") if isinstance(plain, str) else plain
    contexts = [context.encode("utf-8") for context in case["contexts"]]
    token = st1.seal(case["key"], case["purpose"], plain, contexts, rng.randbytes(24))
    return case | {"token": token} | changes


# ---- tokens that open ---------------------------------------------------------------------


def opening(rng):
    """A token that opens, with any members, padding and lifetime."""
    case = fresh(rng)
    if rng.random() < 0.2:
        case["now"] = None
    # Every time below leaves minutes to spare for the real clock.
    now = int(time.time()) if case["now"] is None else case["now"]
    t = now - rng.randint(0, 10**6)
    times = {
        "x": rng.choice([None, now - t + rng.randint(600, 10**6), st1.LAST_SECOND]),
        "n": rng.choice([None, now - rng.randint(0, 1000)]),
        "o": rng.choice([None, t - rng.randint(0, 1000)]),
    }
    if rng.random() < 0.5:
        ends = [0, now - 600, now + 600, st1.LAST_SECOND]
        times["e"] = {name: rng.choice(ends) for name in case["cargo"] if rng.random() < 0.5}
    pad = rng.choice([1, 1, 16, 64, 256])
    return sealed(rng, case, st1.plaintext(case["uuid"], t, case["cargo"], pad=pad, **times))


def edges(rng):
    """Tokens that barely open: `(name, case)`."""
    case = fresh(rng)
    now, u, c = case["now"], st1.b64u_encode(case["uuid"]), write_json(case["cargo"])

    def plain(cargo=case["cargo"], t=now, **times):
        return st1.plaintext(case["uuid"], t, cargo, **times)

    def made(*arguments, **times):
        return sealed(rng, case, plain(*arguments, **times))

    yield "the second before it expires", made(t=now - 59, x=60)
    yield "as far ahead as the skew allows", made(t=now + 60, x=1)
    yield "at its not-before", made(n=now)
    yield "first issued at its own time", made(o=now)
    yield "the longest lifetime", made(x=st1.LAST_SECOND)
    yield "issued at zero", made(t=0)
    yield "in the last second", made(t=st1.LAST_SECOND) | {"now": st1.LAST_SECOND}
    yield "64 levels", made(nested(64))
    yield "empty names and values", made({"": "", "a": {}, "b": []})
    yield "an empty cargo", made({})
    yield "one entry ends now, one in a second", made({"a": 1, "b": 2}, e={"a": now, "b": now + 1})
    yield "the ends of no entry", made(e={})
    yield "the longest token", made(filled(plain))
    yield "another order and white space", sealed(
        rng, case, f'{{ "c" :\t{c} ,\r\n"t": {now}, "u":"{u}"\n}}   '
    )
    yield "own names by escapes", sealed(rng, case, f'{{"\\u0075":"{u}","\\u0074":{now},"c":{c}}}')
    yield "cargo by escapes", sealed(
        rng, case, f'{{"u":"{u}","t":{now},"c":{{"\\u0061":"\\ud83d\\ude00\\/\\u0000"}}}}'
    )


def nested(levels):
    """A cargo for a plaintext of this depth. The plaintext and the cargo are two levels."""
    return json.loads('{"a":' + "[" * (levels - 2) + "]" * (levels - 2) + "}")


def filled(plain, more=0):
    """A cargo for the longest plaintext that fits a token of 4,096 characters."""
    room = (st1.MAX_LENGTH - 4) * 3 // 4 - st1.MIN_BYTES
    return {"fill": "x" * (room + more - len(plain({"fill": ""})))}


# ---- tokens that do not open --------------------------------------------------------------


def refusals(rng):
    """`(name, case)` for every kind of refusal. A kind in st1.json has the same name here."""
    case = fresh(rng)
    plain = st1.plaintext(case["uuid"], case["now"], case["cargo"], x=1800)
    # The effect of adding or removing a character depends on the length. As in st1.json, the last
    # group here is incomplete, so that the last character has unused bits.
    plain += b" " * ((2 - len(plain)) % 3)
    good = sealed(rng, case, plain)
    while not set("-_") & set(good["token"][4:]):  # "standard alphabet" replaces one
        good = sealed(rng, case, plain)

    for name, token, answer in bad_texts(rng, good["token"]):
        yield name, good | {"token": token, "answer": answer}
    yield "another purpose", good | {"purpose": case["purpose"][:200] + "2", "answer": "forged"}
    yield "another context", good | {
        "contexts": other_context(case["contexts"]), "answer": "forged"
    }
    yield from bad_contexts(rng, case, plain)
    yield "expired to the second", good | {"now": case["now"] + 1800, "answer": "expired"}
    for name, data in bad_plaintexts(rng, case):
        yield f"authentic, but {name}", sealed(rng, case, data, answer="payload")
    yield from bad_times(rng, case)


def other_context(contexts):
    return contexts[:-1] + [contexts[-1] + "x"] if contexts else ["x"]


def bad_contexts(rng, case, plain):
    """A token with several contexts, opened with similar lists of contexts."""
    a, b = rng.choice([("tenant:a", "user:1"), ("a", "ab"), ("☃", "öld")])
    token = sealed(rng, case | {"contexts": [a, b]}, plain)
    spelled = "".join("\0" * 7 + chr(len(part.encode())) + part for part in (a, b))
    others = {
        "several contexts in another order": [b, a],
        "several contexts with a shifted boundary": [a + b[0], b[1:]] if b[1:] else [a + b],
        "several contexts, the last alone": [b],
        "several contexts, the first alone": [a],
        "several contexts, one more": [a, b, b],
    }
    for name, contexts in others.items():
        yield name, token | {"contexts": contexts, "answer": "forged"}
    # A command-line argument cannot contain NUL. So the token is bound to such contexts, and the
    # command opens it with plain ones.
    of_bytes = sealed(rng, case | {"contexts": [spelled]}, plain)
    for name in ("one context that spells several", "several contexts, an array of them"):
        yield name, of_bytes | {"contexts": [a, b], "answer": "forged"}
    head = "st1+" + spelled
    for name in (
        "several contexts, one context that spells them",
        "several contexts, one context that spells them and their head",
    ):
        made = sealed(rng, case | {"contexts": [head if "head" in name else spelled]}, plain)
        yield name, made | {"contexts": [a, b], "answer": "forged"}


def bad_texts(rng, good):
    """Invalid texts made from a good token: `(name, text, answer)`."""
    raw, body = st1.b64u_decode(good[4:]), good[4:]
    place = rng.randrange(4, len(good))
    alphabet = [st1.b64u_encode(bytes([0, 0, number]))[3] for number in range(64)]
    spare = alphabet[alphabet.index(good[-1]) | rng.randint(1, 15)]

    def replaced(character):
        return good[:place] + character + good[place + 1 :]

    def flipped(first, end):
        bit = 1 << rng.randrange(8 * first, 8 * end)
        number = int.from_bytes(raw, "little") ^ bit
        return "st1_" + st1.b64u_encode(number.to_bytes(len(raw), "little"))

    yield "empty", "", "malformed"
    yield "prefix alone", "st1_", "malformed"
    yield "another version", "st2_" + body, "malformed"
    yield "no prefix", body, "malformed"
    yield "upper-case prefix", "ST1_" + body, "malformed"
    yield "padded base64", good + "=", "malformed"
    yield "space before", " " + good, "malformed"
    yield "newline after", good + "\n", "malformed"
    yield "standard alphabet", "st1_" + body.replace("-", "+").replace("_", "/"), "malformed"
    yield "a NUL inside", replaced("\x00"), "malformed"
    yield "a non-ASCII letter inside", replaced("é"), "malformed"
    yield "a line ending inside", replaced("\n"), "malformed"
    yield "unused trailing bits set", good[:-1] + spare, "malformed"
    yield "truncated by one character", good[:-1], "malformed"
    yield "one character more", good + "A", "forged"
    yield "truncated to the header", "st1_" + st1.b64u_encode(raw[:28]), "malformed"
    yield "one byte too short", "st1_" + st1.b64u_encode(raw[:43]), "malformed"
    yield "just long enough", "st1_" + st1.b64u_encode(raw[:44]), "forged"
    yield "tag missing its last byte", "st1_" + st1.b64u_encode(raw[:-1]), "forged"
    yield "one bit of the nonce flipped", flipped(4, 28), "forged"
    yield "one bit of the ciphertext flipped", flipped(28, len(raw) - 16), "forged"
    yield "one bit of the tag flipped", flipped(len(raw) - 16, len(raw)), "forged"
    yield "one bit of the key id flipped", flipped(0, 4), "unknown_key"


def bad_plaintexts(rng, case):
    """Plaintexts that every reader refuses, sealed with the right key: `(name, plaintext)`."""
    now, cargo = case["now"], write_json(case["cargo"])
    text = st1.b64u_encode(case["uuid"])
    u, t, c = f'"u":"{text}"', f'"t":{now}', f'"c":{cargo}'
    name = rng.choice("abcxyz")  # of an entry
    escape = f"\\u{ord(name):04x}"
    # 22 characters hold 132 bits and a UUID 128, so the last character has four unused bits.
    spare = text[:-1] + chr(ord(text[-1]) + 1)

    def of(*members):
        return "{" + ",".join(members) + "}"

    good = of(u, t, c)
    yield "duplicate member", of(u, t, t, c)
    yield "duplicate own member by escape", of(u, t, f'"\\u0074":{now}', c)
    yield "unknown member", of(u, t, '"z":1', c)
    yield "no uuid", of(t, c)
    yield "no time", of(u, c)
    yield "no cargo", of(u, t)
    yield "short uuid", of('"u":"AAAA"', t, c)
    yield "a uuid with unused bits set", of(f'"u":"{spare}"', t, c)
    yield "a uuid with hyphens", of('"u":"6d8b3fd0-7a63-4a1c-9d5e-1f0c2b3a4d5e"', t, c)
    yield "negative time", of(u, f'"t":-{rng.randint(1, 99)}', c)
    yield "fractional time", of(u, t + ".5", c)
    yield "time with a fraction of zero", of(u, t + ".0", c)
    yield "time as 1e3", of(u, '"t":1e3', c)
    yield "time as -0", of(u, '"t":-0', c)
    yield "time with a leading zero", of(u, f'"t":0{now}', c)
    yield "time beyond year 9999", of(u, f'"t":{st1.LAST_SECOND + 1}', c)
    yield "time as text", of(u, f'"t":"{now}"', c)
    yield "lifetime zero", of(u, t, '"x":0', c)
    yield "lifetime negative", of(u, t, '"x":-60', c)
    yield "lifetime as text", of(u, t, '"x":"60"', c)
    yield "lifetime null", of(u, t, '"x":null', c)
    yield "lifetime beyond year 9999", of(u, t, f'"x":{st1.LAST_SECOND + 1}', c)
    yield "not-before null", of(u, t, '"n":null', c)
    yield "not-before fractional", of(u, t, '"n":1.5', c)
    yield "origin null", of(u, t, '"o":null', c)
    yield "origin after its time", of(u, t, f'"o":{now + 1}', c)
    yield "not JSON", rng.choice(["hello", "", "   ", "{", "nul"])
    yield "two values", good + "{}"
    yield "a comma at the end", good[:-1] + ",}"
    yield "padding of a tab", good + " \t"
    yield "tab padding", good + "\t"
    yield "padding of a line ending", good + "\n"
    yield "padding of a line ending behind a space", good + " \n"
    yield "a leading space", " " + good
    yield "a byte-order mark", "\ufeff" + good
    yield "an array", f'["{text}",{now},{{}}]'
    yield "invalid UTF-8", of(u, t, '"c":{"a":"#"}').encode().replace(b"#", b"\xff")
    yield "a surrogate as UTF-8", of(u, t, '"c":{"a":"#"}').encode().replace(b"#", b"\xed\xa0\x80")
    yield "a cargo that is a list", of(u, t, '"c":[1,2]')
    yield "a cargo that is null", of(u, t, '"c":null')
    yield "duplicate member inside the cargo", of(u, t, f'"c":{{"{name}":1,"{name}":2}}')
    yield "duplicate member deep in the cargo", of(
        u, t, f'"c":{{"a":[{{"b":{{"{name}":1,"{name}":1}}}}]}}'
    )
    yield "duplicate member by escape", of(u, t, f'"c":{{"{name}":1,"{escape}":2}}')
    yield "65 levels", of(u, t, '"c":' + write_json(nested(65)))
    yield "65 levels of objects", of(u, t, '"c":' + '{"a":' * 64 + "1" + "}" * 64)
    yield "a lone surrogate", of(u, t, '"c":{"a":"\\ud800"}')
    yield "a lone surrogate in a name", of(u, t, '"c":{"\\udc00x":1}')
    yield "surrogates the wrong way round", of(u, t, '"c":{"a":"\\ude00\\ud83d"}')
    yield "a raw control character", of(u, t, '"c":{"a":"\x01"}')
    yield "an escape that is none", of(u, t, '"c":{"a":"\\x41"}')
    yield "NaN", of(u, t, '"c":{"a":NaN}')
    yield "an integer beyond u64", of(u, t, f'"c":{{"a":{2**64}}}')
    yield "an integer below i64", of(u, t, f'"c":{{"a":{-(2**63) - 1}}}')
    yield "an entry end without its entry", of(u, t, '"c":{}', f'"e":{{"{name}":{now + 100}}}')
    yield "entry ends of an array", of(u, t, '"c":[1]', f'"e":{{"0":{now + 100}}}')
    yield "an entry end that has come without its entry", of(u, t, '"c":{}', f'"e":{{"{name}":1}}')
    yield "a name that stands twice, its end to come", of(
        u, t, '"c":{"a":1,"a":2}', f'"e":{{"a":{now + 1}}}'
    )
    yield "an ended entry that is not JSON", of(u, t, '"c":{"a":01}', '"e":{"a":1}')
    late = f'"t":{now - 100},"x":60'
    yield "expired, and an entry end that is none", of(u, late, '"c":{"a":1}', '"e":{"a":-1}')
    yield "expired, and an entry end without its entry", of(u, late, '"c":{}', '"e":{"a":1}')
    yield "entry ends null", of(u, t, c, '"e":null')
    yield "an entry end null", of(u, t, '"c":{"a":1}', '"e":{"a":null}')
    yield "an entry end as text", of(u, t, '"c":{"a":1}', f'"e":{{"a":"{now + 100}"}}')
    yield "duplicate entry end", of(u, t, '"c":{"a":1}', f'"e":{{"a":{now},"a":{now}}}')


def bad_times(rng, case):
    """Tokens that are not yet valid or have expired, and one that is too long at any time."""
    now = case["now"]

    def plain(cargo=case["cargo"], t=now, **times):
        return st1.plaintext(case["uuid"], t, cargo, **times)

    future = plain(t=now + 61, x=60)
    yield "from the future, beyond the default skew", sealed(
        rng, case, future, answer="not_yet_valid"
    )
    yield "before its not-before", sealed(rng, case, plain(x=60, n=now + 1), answer="not_yet_valid")
    # Where both apply, the order of the format's table decides.
    both = plain(t=now - 100, x=60, n=now + 1)
    yield "expired before its not-before", sealed(rng, case, both, answer="not_yet_valid")
    late = plain([1, 2], t=now - 100, x=60)
    yield "expired, whatever its cargo", sealed(rng, case, late, answer="expired")
    head = late.decode("utf-8").split("\"c\":")[0] + "\"c\":"
    surrogate = sealed(rng, case, head + '{"a":"\\ud800"}}', answer="expired")
    yield "expired, a lone surrogate in its cargo", surrogate
    no_json = sealed(rng, case, head + '{"a":01}}', answer="payload")
    yield "expired, a cargo that is not JSON", no_json
    yield "longer than the longest", sealed(rng, case, plain(filled(plain, 1)), answer="malformed")
