#!/usr/bin/env python3
"""Compares the `sealtoken` command with st1.py, the format's second implementation.

    python3 tests/interop/cli.py target/debug/sealtoken [--rounds N] [--seed S] [--vectors F]

The published vectors and the format's edge cases come first. Then every round makes three random
cases: a token sealed by st1.py and opened by the command, one sealed by the command and opened by
st1.py, and one that both must refuse with the same code. A case depends only on the seed and its
number, so a failure is reproducible. (A token sealed by the command has a new time and nonce, but
the command's arguments are the same.)
"""

import argparse
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.dont_write_bytecode = True  # keeps the source tree clean

import cases  # noqa: E402
import st1  # noqa: E402
from strict_json import plain, read_json  # noqa: E402

CODES = {"malformed", "unknown_key", "forged", "payload", "not_yet_valid", "expired"}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "st1.json"


class Differs(Exception):
    """The command and st1.py disagree."""


def require(condition, message):
    if not condition:
        raise Differs(message)


def alike(a, b):
    """Equal as JSON. Unlike with ==, 1 is not 1.0, True is not 1, and 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return a == b


class Program:
    """The program under test."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.last = "the program did not run"

    def run(self, command, ring, options, text, key_file):
        """Runs one process. Omits an option that is None, and repeats one that is a list."""
        arguments = [command]
        for name, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                arguments += [] if one is None else [f"--{name}", str(one)]
        environment = {
            name: value for name, value in os.environ.items() if name != "SEALTOKEN_KEYS"
        }
        with tempfile.TemporaryDirectory() as folder:
            if key_file:
                path = Path(folder, "keys")
                path.write_text(ring + "\n", encoding="utf-8")
                path.chmod(0o600)
                arguments += ["--key-file", str(path)]
            else:
                environment["SEALTOKEN_KEYS"] = ring
            self.last = f"{arguments}\n  keys {ring!r}\n  input {text[:5000]!r}"
            return subprocess.run(
                # As bytes, so that the locale does not change the purpose.
                [self.path] + [argument.encode("utf-8") for argument in arguments],
                input=text.encode("utf-8"),
                env=environment,
                capture_output=True,
                timeout=60,
                check=False,
            )


def check_open(program, case, key_file=False):
    """The command must answer `case` exactly as st1.py does."""
    now = case["now"]
    judged_at = int(time.time()) if now is None else now
    ring = st1.parse_ring(case["ring"])
    contexts = [context.encode("utf-8") for context in case["contexts"]]

    def judge(token):
        try:
            return "opens", st1.open_token(token, ring, case["purpose"], judged_at, contexts)
        except st1.Refused as refused:
            return refused.code, None

    answer, _ = judge(case["token"])
    # A faulty case must not pass as agreement, so each states the intended answer.
    require(answer == case["answer"], f"st1.py: {answer}, but the case states {case['answer']}")

    options = {"purpose": case["purpose"], "context": case["contexts"], "at": now}
    # The command drops blanks around a token, which the format refuses.
    answer, opened = judge(case["token"].strip())
    done = program.run("open", case["ring"], options, case["token"] + "\n", key_file)
    if answer == "opens":
        check_opened(done, opened)
    else:
        check_refused(done, answer)


def check_opened(done, opened):
    require(done.returncode == 0, f"exit {done.returncode}: {done.stderr!r}")
    require(done.stdout.endswith(b"\n") and done.stdout.count(b"\n") == 1, f"{done.stdout!r}")
    printed = plain(read_json(done.stdout.decode("utf-8")))
    expected = {"timestamp": opened.t, "seconds_to_expire": opened.x, "custom": opened.cargo}
    require(printed.keys() == {"uuid", *expected}, f"members {sorted(printed)}")
    spelled = str(uuid.UUID(bytes=opened.uuid))
    require(str(printed["uuid"]).lower() == spelled, f"uuid {printed['uuid']} instead of {spelled}")
    for name, value in expected.items():
        require(alike(printed[name], value), f"{name}: {printed[name]!r} instead of {value!r}")


def check_refused(done, code):
    require(done.returncode == 2, f"exit {done.returncode}, not 2; stderr {done.stderr!r}")
    require(done.stdout == b"", f"stdout {done.stdout!r}")
    line = done.stderr.decode("utf-8")
    require(len(line.splitlines()) == 1, f"not one line on stderr: {line!r}")
    found = re.match(r"[a-z_]*", line)[0]
    require(found in CODES and found == code, f"{line!r} instead of {code}")


def check_seal(program, rng):
    """Seals a token with the command, and opens it with st1.py."""
    case = cases.fresh(rng)
    purpose, contexts, cargo = case["purpose"], case["contexts"], case["cargo"]
    unit, count = rng.choice("smhd"), rng.randint(1, 9999)
    expires_in, x = rng.choice([("forever", None), (f"{count}{unit}", count * UNITS[unit])])
    pad = rng.choice([None, 16, 64, 100, 256])
    options = {"purpose": purpose, "expires-in": expires_in, "context": contexts, "pad": pad}
    text = json.dumps(cargo, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2]))

    before = int(time.time())
    done = program.run("seal", case["ring"], options, text, key_file=rng.random() < 0.5)
    after = int(time.time())
    require(done.returncode == 0, f"exit {done.returncode}: {done.stderr!r}")
    token = done.stdout.decode("utf-8")
    require(token.endswith("\n"), "no line ending after the token")
    ring = st1.parse_ring(case["ring"])
    contexts = [context.encode("utf-8") for context in contexts]
    opened = st1.open_token(token[:-1], ring, purpose, before, contexts)

    require(alike(opened.cargo, cargo), f"cargo {opened.cargo!r} instead of {cargo!r}")
    require(opened.role == "current", "not sealed with the current key")
    require(before <= opened.t <= after, f"timestamp {opened.t}, sealed at {before}..={after}")
    require((opened.x, opened.n, opened.o) == (x, None, None), f"times {opened}")
    bare = opened.plain_bytes.rstrip(b" ")
    padding = len(opened.plain_bytes) - len(bare)
    require(padding == -len(bare) % (pad or 1), f"{padding} spaces after {len(bare)} bytes")
    # The members before the cargo match to the byte, and there is no white space.
    start = st1.plaintext(opened.uuid, opened.t, {}, x=x).removesuffix(b"{}}")
    require(bare.startswith(start) and bare.endswith(b"}}"), f"unexpected text: {bare!r}")
    without_texts = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", bare)
    require(not re.search(rb"\s", without_texts), f"white space inside: {bare!r}")


def vector_cases(path):
    """The cases of the file of vectors, and the names of its refusals."""
    vectors = json.loads(Path(path).read_text(encoding="utf-8"))
    found = []
    for v in vectors["positive"]:
        members = json.loads(v["plaintext"])
        found.append((v, members.get("n", members["t"]), "opens"))
    found += [(v, v["now"], "opens") for v in vectors["readable"]]
    found += [(v, v["now"], v["reason"]) for v in vectors["negative"]]
    made = []
    for v, now, answer in found:
        case = {"ring": v["key"], "purpose": v["purpose"], "token": v["token"], "now": now}
        contexts = st1.contexts_of(v)
        if any(b"\0" in context for context in contexts):
            continue  # a command-line argument cannot contain NUL
        case |= {"contexts": [context.decode("utf-8") for context in contexts], "answer": answer}
        made.append((v["name"], case))
    return made, {v["name"] for v in vectors["negative"]}


def all_checks(rounds, seed, vectors):
    """All checks as `(name, check)`; a check is a function of the program."""

    def generator(*of):
        return random.Random("/".join(map(str, (seed, *of))))

    def opening(case, key_file=False):
        return lambda program: check_open(program, case, key_file)

    published, published_refusals = vector_cases(vectors)
    kinds = [name for name, _ in cases.refusals(generator("kinds"))]
    missing = published_refusals - set(kinds)
    if missing:
        raise SystemExit(f"cases.py lacks these refusals: {sorted(missing)}")

    for name, case in published:
        yield f"vector: {name}", opening(case)
    for name, case in cases.edges(generator("edges")):
        yield f"edge: {name}", opening(case)
    # At least one case of each kind, even with few rounds.
    for number in range(max(rounds, len(kinds))):
        rng = generator("refuse", number)
        name, case = list(cases.refusals(rng))[number % len(kinds)]
        yield f"refuse {number}: {name}", opening(case, number % 4 == 3)
    for number in range(rounds):
        yield f"open {number}", opening(cases.opening(generator("open", number)), number % 2 == 1)
        rng = generator("seal", number)
        yield f"seal {number}", lambda program, rng=rng: check_seal(program, rng)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--vectors", default=VECTORS)
    options = parser.parse_args()
    if not os.access(options.binary, os.X_OK):
        parser.error(f"{options.binary} is not executable")
    program = Program(options.binary)
    passed = failed = 0
    for name, check in all_checks(options.rounds, options.seed, options.vectors):
        program.last = "the program did not run"
        try:
            check(program)
            passed += 1
        # Output of a broken program may also break this script; that fails the case.
        except (Differs, st1.Refused, ValueError, TypeError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"FAILED {name}: {error}\n  {program.last}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
