#!/usr/bin/env python3
"""Generates seeds/, the initial inputs of the fuzz targets.

    python3 fuzz/make_seeds.py           regenerate the folder
    python3 fuzz/make_seeds.py --check   compare the folder with the generated files

The output is deterministic. Needs only Python.
"""

import json
import random
import re
import shutil
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
VECTORS = HERE.parent / "tests" / "vectors"
T = 1_763_755_200
LAST = 253_402_300_799
UUID = "bASnXsN_QXe_tN8MZ6Ef1w"
LIMIT = 1 << 20


def slug(name):
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-")[:60]


class Seeds:
    def __init__(self):
        self.files = {}

    def add(self, target, name, content):
        if isinstance(content, str):
            content = content.encode("utf-8")
        if content in (other for (t, _), other in self.files.items() if t == target):
            return  # a repeated input would add nothing
        base = slug(name) or "seed"
        path, count = (target, base), 1
        while path in self.files:
            count += 1
            path = (target, f"{base}-{count}")
        self.files[path] = content


# ---- payload: plaintexts ---------------------------------------------------------------------


def head(t=T, x=None, n=None, o=None):
    parts = [f'"u":"{UUID}"', f'"t":{t}']
    parts += [
        f'"{name}":{value}' for name, value in (("x", x), ("n", n), ("o", o)) if value is not None
    ]
    return "{" + ",".join(parts)


def plaintext(cargo="{}", ends=None, **times):
    return head(**times) + f',"c":{cargo}' + (f',"e":{ends}' if ends is not None else "") + "}"


CARGOS = [
    "{}", '{"user_id":123,"action":"password_reset"}', "[]", "null", "true", "5", '"text"', "-0",
    "0.1", "1e308", '{"a":18446744073709551615}', '{"a":18446744073709551616}',
    '{"a":-9223372036854775808}', '{"a":-9223372036854775809}',
    '{"a":123456789012345678901234567890}', '{"a":-0}', '{"a":-0.0}', '{"a":0e0}', '{"a":1e400}',
    '{"a":-1e400}', '{"a":1e-400}', '{"a":5e-324}', '{"a":2.2250738585072014e-308}',
    '{"a":9007199254740993}', '{"a":9007199254740993.0}', '{"a":0.1e1,"b":1E+2,"c":1e-2}',
    '{"a":18446744073709551616.0,"b":1e19}', '{"a":"18446744073709551616","b":1e300}',
    '{"a":1.7976931348623159e308}', '{"a":1,"a":2}', '{"a":{"b":1,"b":2}}',
    '{"a":[{"b":1},{"b":1,"\\u0062":2}]}', '{"":1,"":2}', '{"":{"":{}}}', '{"a":"\\ud83d\\ude00"}',
    '{"a":"\\ud83d"}', '{"a":"\\ude00\\ud83d"}', '{"\\ud800":1}', '{"a":"\\ud83d\\u0041"}',
    '{"a":"\\u0000\\u001f\\b\\f\\n\\r\\t\\/\\\\\\""}', '{"\\u0061":1}', '{"ä":"Ünïcødé ✓ 😀"}',
    '{"a\\n":1}', '{"a":"\x7f\u2028"}', '{"a":"\t"}', '{"a":"\\x41"}', '{"a":"\\u12"}', "{'a':1}",
    '{"a":1,}', '{,"a":1}', '{"a"}', '{"a":01}', '{"a":1.}', '{"a":.5}', '{"a":+1}', '{"a":1e}',
    '{"a":-}', '{"a":NaN}', '{"a":Infinity}', '{"a":nul}', '{"a":True}', "[1,]", "[,1]", "[1 2]",
    ' { "a" : [ 1 , 2 ] } ', '\n\t{"a":\r1}', "{} {}", '"\\"{["', '{"a":"]}"}',
    '{"$serde_json::private::Number":"12"}', '{"a":{"$serde_json::private::Number":"1"}}',
    '{"$serde_json::private::RawValue":"12"}', '{"$serde_json::private::RawValue":1,"b":2}',
    '{"a":[null,true,false,0,1.5,"x",[],{}]}', "/* */{}", '{"a":1}//', '{"a":"' + "x" * 200 + '"}',
    '{"a":"' + "😀" * 30 + '"}',
]


def nested(levels, kind="[]"):
    opening, closing = ("[", "]") if kind == "[]" else ('{"a":', "}")
    return opening * levels + ("" if kind == "[]" else "1") + closing * levels


def payloads(seeds):
    def add(name, text):
        seeds.add("payload", name, text)

    for vector in VECTORS_ST1["positive"]:
        add("vector " + vector["name"], vector["plaintext"])
    for cargo in CARGOS:
        add("cargo " + cargo, plaintext(cargo, x=3600))
    for levels in (30, 31, 32, 33, 61, 62, 63, 64, 65, 126, 127, 128, 129, 199, 200, 201, 300):
        add(f"levels {levels}", plaintext('{"a":' + nested(levels - 1) + "}"))
        add(f"array levels {levels}", plaintext(nested(levels)))
    add("levels of objects", plaintext(nested(63, "{}")))
    add("brackets in text", plaintext('{"a":"' + "[" * 130 + '"}'))
    add("brackets unclosed", plaintext("[" * 130))

    for name, times in {
        "never": {}, "one second": {"x": 1}, "longest": {"x": LAST},
        "begun at zero": {"t": 0, "x": LAST}, "begun at the end": {"t": LAST, "x": LAST},
        "too late": {"t": LAST + 1}, "lifetime too long": {"x": LAST + 1},
        "lifetime zero": {"x": 0}, "negative": {"t": -1}, "minus zero": {"t": "-0"},
        "float": {"t": "1.0"}, "exponent": {"t": "1e3"}, "leading zero": {"t": "01"},
        "text": {"x": '"60"'}, "null": {"x": "null"}, "13 digits": {"t": 1000000000000},
        "25 digits": {"t": "1" * 25}, "plus": {"t": "+1"}, "array": {"n": "[1]"},
        "not before": {"x": 600, "n": T + 60}, "not before null": {"n": "null"},
        "origin": {"o": T - 1, "x": 5}, "origin the same": {"o": T}, "origin after": {"o": T + 1},
        "origin zero": {"o": 0}, "skew": {"t": T + 60}, "beyond the skew": {"t": T + 61},
        "ended": {"t": T - 10, "x": 10}, "ends": {"t": T - 10, "x": 11},
        "all": {"x": 100, "n": T, "o": T - 5}, "space": {"t": f" {T}", "x": "\n60 "},
        "true": {"t": "true"},
    }.items():
        add("time " + name, plaintext('{"a":1}', **times))
        add("time and broken cargo " + name, plaintext('{"a":1,"a":2}', **times))

    entries = '{"a":1,"b":[2],"mfa":true}'
    for ends in [
        "{}", f'{{"a":{T}}}', f'{{"a":{T + 1}}}', f'{{"a":{T + 1},"b":{T - 1}}}',
        f'{{"\\u0061":{T + 5}}}', f'{{"a":{T},"a":{T}}}', f'{{"a":{T},"\\u0061":{T}}}', '{"z":1}',
        '{"a":null}', '{"a":-1}', '{"a":1.5}', f'{{"a":{LAST}}}', f'{{"a":{LAST + 1}}}', "[]",
        "null", "5", '{"a":"1"}', '{"a":0,"b":0,"mfa":0}', '{"\\ud800":1}',
        ' { "a" : 9999999999 } ', '{"a":01}', f'{{"mfa":{T + 300}}}',
    ]:
        add("ends " + ends, plaintext(entries, ends, x=3600))
    for cargo in (
        "[]", "null", "5", '"a"', '{"a":1,"a":2}', '{"a\\n":1,"b":2}', '{"\\u0061":1}',
        '{"a":1e400,"b":1}'
    ):
        for ends in ("{}", f'{{"a":{T}}}', f'{{"a":{T + 9}}}', f'{{"a\\n":{T}}}'):
            add(f"cargo {cargo} ends {ends}", plaintext(cargo, ends))
    for flaw in (
        '{"b":1,"b":2}', nested(64), nested(127), nested(128), "18446744073709551616", '"\\ud800"',
        "1e999"
    ):
        add("ended and broken", plaintext(f'{{"a":{flaw},"c":"d"}}', f'{{"a":{T}}}'))
        add("not ended and broken", plaintext(f'{{"a":{flaw},"c":"d"}}', f'{{"a":{T + 1}}}'))

    good = plaintext('{"a":1}', x=60)
    members = [
        f'"u":"{UUID}"', f'"t":{T}', '"x":60', f'"n":{T}', f'"o":{T}', '"c":{"a":1}',
        f'"e":{{"a":{T + 9}}}'
    ]
    add("members backwards", "{" + ",".join(reversed(members)) + "}")
    add("members with space", "{ " + " ,\n".join(members).replace(":", " :\t") + "\r}")
    for index, member in enumerate(members):
        others = members[:index] + members[index + 1 :]
        add("member missing " + member, "{" + ",".join(others) + "}")
        add("member twice " + member, "{" + ",".join([*members, member]) + "}")
        add("member first " + member, "{" + ",".join([member, *others]) + "}")
        name, value = member[1], member[4:]
        add(
            "member escaped " + member,
            "{" + ",".join([*others, f'"\\u{ord(name):04x}":{value}']) + "}"
        )
        add(
            "member of another case " + member,
            "{" + ",".join([*others, f'"{name.upper()}":{value}']) + "}"
        )
    for extra in ('"z":1', '"":1', '"uu":1', '"cargo":{}', '"u ":1', '"\\ud800":1'):
        add("unknown member " + extra, good[:-1] + "," + extra + "}")
    for uuid in (
        "", "AAAAAAAAAAAAAAAAAAAAAA", "_____________________w", "_____________________x", UUID[:-1],
        UUID + "A", UUID + "==", UUID.replace("_", "/"), "\\u0062" + UUID[1:], UUID[:-1] + "ä",
        "6c04a75e-c37f-4177-bfb4-df0c67a11fd7",
    ):
        add("uuid " + uuid, good.replace(UUID, uuid))
    add("uuid a number", good.replace(f'"{UUID}"', "5"))
    for before in (" ", "\n", "\ufeff", "[", "\0", "x"):
        add("before " + repr(before), before + good)
    for after in (" ", " " * 100, "\n", "\t", " \n ", "}", "{}", ",", "\0", " x", "]"):
        add("after " + repr(after), good + after)
    for cut in range(0, len(good), 5):
        add(f"cut {cut}", good[:cut])
    for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        raw = plaintext('{"a":"#"}').encode().replace(b"#", bad)
        seeds.add("payload", "not UTF-8 " + bad.hex(), raw)
    for other in (
        "[]", "null", "{}", '"u"', "hello", "[" + good + "]", good + good, '{"u"}', "{,}"
    ):
        add("no token " + other, other)


# ---- open_text: tokens -----------------------------------------------------------------------


def texts(seeds):
    def add(name, text):
        seeds.add("open_text", name, text)

    for vector in VECTORS_ST1["positive"] + VECTORS_ST1["readable"] + VECTORS_ST1["negative"]:
        add(vector["name"], vector["token"])
    token = VECTORS_ST1["positive"][1]["token"]
    for length in (*range(0, 12), *range(55, 72)):
        add(f"cut {length}", token[:length])
        add(f"filled {length}", "st1_" + "A" * length)
    for prefix in ("st1", "st1-", "st2_", "ST1_", "St1_", " st1_", "stkey1_", "ｓt1_"):
        add("prefix " + prefix, prefix + token[4:])
    for position in (4, 9, 10, 40, len(token) - 1):
        for char in "=+/ \n.é\0":
            add(f"position {position} {ord(char)}", token[:position] + char + token[position + 1 :])
    for length in (996, 997, 999, 1000, 1001, 1004, 4096):
        add(f"long {length}", "st1_" + "A" * (length - 4))


# ---- key_text: keys, purpose keys and rings --------------------------------------------------


def keys(seeds):
    def add(name, text):
        seeds.add("key_text", name, text)

    vectors = VECTORS_ST1["positive"]
    found = list(dict.fromkeys(vector["key"] for vector in vectors))
    exported = list(dict.fromkeys(vector["exported"] for vector in vectors))
    for text in found + exported:
        add("vector", text)
        add("lower case", text.lower())
        add("check", text[:-1] + ("A" if text[-1] != "A" else "B"))
        add("first letter", text.replace("_", "_A", 1))
        for end in ("=", "==", "\n", " ", "\0", "A", "é"):
            add("end " + repr(end), text + end)
        for cut in (1, 4, 20):
            add(f"cut {cut}", text[:-cut])
        add("before", " " + text)
        add("standby", "+" + text)
        add("twice", text + "," + text)
    both = found + exported
    for separator in (",", " ", ", ", "\n", ",,", "\t", ",+", " +", "\u00a0", ";", "", "+"):
        add("ring " + repr(separator), separator.join(both[:2]))
        add("letters " + repr(separator), separator.join("abc"))
    for recipe in (
        "a", "a b", "a,+b", "a +b c", "+a b", "a a", "a b a", "a,,b", ",a", "a,", " ", ",", "",
        "a + b", "a++b", "a z", "a m", "a +m", "n m", "abc", "a\rb", "a\u2003b", "+", "a,+",
        "a +b +c d e f g h i j k l",
    ):
        add("recipe " + recipe, recipe)
    for length in (0, 1, 4, 31, 32, 33, 35, 36, 37, 40, 290, 291, 292, 372, 400, 600):
        add(f"bytes {length}", "k" * length)
    for purpose in ("session", "größe", "\0", "é", "𐍈"):
        add("purpose " + purpose, "k" * 36 + purpose)
    for prefix in ("stkey1_", "stpurpose1_", "stkey2_", "st1_"):
        add("prefix " + prefix, prefix)
        add("prefix " + prefix, prefix + "A" * 48)
        add("prefix " + prefix, prefix + "A" * 684)


# ---- import: plaintexts of the PHP system, and their inner JSON --------------------------------


def imports(seeds):
    def add(name, inner):
        seeds.add("import", name, inner)

    def cargo(custom="{}", life="3600", time=str(T), extra=""):
        return f'{{"timestamp":{time},"seconds_to_expire":{life},"custom":{custom}{extra}}}'

    for index, vector in enumerate(VECTORS_PHP["vectors"]):
        if index % 8 == 0 and len(vector["token"]) < 1000:
            add("vector " + vector["name"], vector["token"])
    for custom in CARGOS:
        if len(custom) < 60:
            add("custom " + custom, cargo(custom))
    for number in (
        "0", "1", "-1", "-0", "60.9", "0.5", "-0.5", "1e3", "1E400", "-1e400", str(LAST),
        str(LAST + 1), str(2**63), str(-(2**63)), "null", "true", "[]", "{}", '"60"', '" 60 "',
        '"+60"', '"-60"', '"6e1"', '".5"', '"5."', '"."', '""', '" "', '"1e"', '"0x1"', '"6 0"',
        '"\\u0036"', '"\\u000b6"', '"\\ud800"', '"inf"', '"nan"', '"1_0"', '"6\\u0000"', "01",
        "[[[[]]]]", '"--1"',
    ):
        add("lifetime " + number, cargo(life=number))
        add("timestamp " + number, cargo(time=number))
    for extra in (
        ',"a":1', ',"a":1,"a":2', ',"custom":{}', ',"timestamp":1', ',"\\u0063ustom":[]', ',"":{}',
        ',"\\ud800":1', ',"z":1e999'
    ):
        add("extra " + extra, cargo('{"a":2}', extra=extra))
    for levels in (60, 61, 62, 63, 198, 200):
        add(f"levels {levels}", cargo(nested(levels)))
        add(f"levels of another {levels}", cargo(extra=',"a":' + nested(levels)))
        add(f"levels of a number {levels}", cargo(time=nested(levels)))
    inner = json.dumps(cargo('{"user_id":123}'))
    for outer in (
        '{"k":%s}', ' {"k" : %s } ', '{"a":[1],"k":%s}', '{"k":%s,"k":%s}', '{"\\u006b":%s}',
        '{"K":%s}', '{"k":[%s]}', '{"k":%s}x', "[%s]", "%s", '{"k":%s,"a":"\\ud800"}',
        '{"k":%s,"\\ud800":1}', '{"k":null}', '{"k":{}}', '{"k":"{}"}', '{"k":""}', '{"k":" {} "}',
        '{"k":"\\ud800"}',
    ):
        add("outer " + outer, outer.replace("%s", inner))
    for text in (
        "", "{}", "0" * 57, "0" * 58, "0" * 59, "A" * 58, "g" * 58, "0" * 56, " " + "0" * 58,
        "0x" + "0" * 58
    ):
        add("text " + text, text)
    seeds.add("import", "not UTF-8", b'{"k":"\xff"}')


# ---- vaultstore: stored texts, and the content of their layers -------------------------------


def vaultstores(seeds):
    def add(name, content):
        seeds.add("vaultstore", name, content)

    for vector in VECTORS_GO["vectors"]:
        if len(vector["stored"]) < 400 and "stored_repeated" not in vector:
            add("vector " + vector["name"], vector["stored"])
    for begin in (
        "0_", "4_QQ==", "4_QUJD", "8_fn5_Pz8_", "04_QQ==", "+4_QQ==", "-1_", "4__QQ==", "4_QQ==_",
        "4_QQ===", "4_QQ== ", "5_QQ==\n", "4_QR==", "4_QQ+/", "3_QQ=", "_", "_QQ==", "4QQ==",
        "124_", "125_", "126_", "999999999999_", f"{2**32}_", f"{2**64}_", f"{2**64 + 4}_QQ==",
    ):
        add("block " + begin, begin)
    for length in (
        0, 1, 2, 3, 43, 44, 45, 90, 91, 93, 94, 124, 125, 128, 129, 172, 173, 186, 190, 256, 257,
        344, 345
    ):
        add(f"letters {length}", "A" * length)
        add(f"bytes {length}", bytes(at % 251 for at in range(length)))
    for text in (
        "v2:", "V2:", "v1:", "v2:" + "A" * 56, "v2:" + "A" * 60, "v2:" + "A" * 58 + "==",
        "v2:" + "A" * 59 + "=", "v2:" + "=" * 60
    ):
        add("text " + text, text)


# ---- access_token_item: items, and values for one attribute -----------------------------------


def access_tokens(seeds):
    def add(name, content):
        seeds.add("access_token_item", name, content)

    for index, vector in enumerate(VECTORS_NODE["items"]):
        if len(vector["item"]) < 1000 and "item_repeated" not in vector:
            # Whole items are long and similar, and most differ in one value.
            value = re.search(r'"%s":(\{.*?\})[,}]' % vector.get("attribute"), vector["item"])
            if value:
                add("value " + vector["name"], value[1])
            elif index % 2 == 0 or "error" in vector:
                add("vector " + vector["name"], vector["item"])
    for value in (
        '{"S":"x"}', '{"N":"0"}', '{"N":"253402300799"}', '{"N":"253402300800"}', '{"BOOL":true}',
        '{"NULL":true}', '{"SS":["a","a"]}', '{"SS":[]}', '{"L":[]}', '{"L":[{"S":"a"},{"S":"b"}]}',
        '{"L":[{"N":"1"}]}', '{"L":[{"L":[]}]}', '{"M":{}}', '{"B":"AA=="}', '{"NS":["1"]}',
        '{"S":"x","S":"y"}', "{}", "5", "null", '{"S":"\\ud800"}', '{"S":"\\ud83d\\ude00"}',
        '{"\\u0053":"x"}', '{"S":"' + "x" * 100 + '"}', '{"S":"' + "x" * 101 + '"}',
        '{"S":"' + "x" * 201 + '"}', '{"SS":[' + '"a",' * 50 + '5]}',
        '{"SS":[' + '"a",' * 51 + '5]}', '{"S":"a"},"owner":{"S":"b"}',
    ):
        add("value " + value, value)


# ---- personal access tokens: texts, hashes, and decrypted metadata -----------------------------


def personal_access_tokens(seeds):
    for vector in VECTORS_NODE["tokens"]:
        if len(vector["token"]) <= 210:
            seeds.add("pat_token", "vector " + vector["name"], vector["token"])
        if vector.get("phc") and len(vector["phc"]) <= 201:
            seeds.add("pat_hash", "vector " + vector["name"], vector["phc"])
    for answer in VECTORS_PAT["states"][0]["answers"]:
        seeds.add("pat_token", "answer " + answer["answer"], answer["token"])
    for token in VECTORS_PAT["states"][0]["tokens"]:
        seeds.add("pat_hash", "token " + token["origin"], token["hash"])
    for text in (
        "", "pat_", "pat_live_", "tok-", "." + "A" * 44, "AAA=", "AAE=", "AAF=", "AA==", "A===",
        "====", "=", "AAAA" * 44, "-_AA", "\u00e4" * 21, "1" * 21,
    ):
        seeds.add("pat_token", "text " + text, text)
    for text in (
        "ln=14,r=8,p=1", "p=1,ln=15,r=8", "ln=16,r=8,p=2", "ln=17,r=4,p=2", "ln=18,r=8,p=1",
        "ln=014,r=8,p=1", "ln=14$r=8,p=1", "v=1$ln=14,r=8,p=1", "ln=14,r=8,p=1,p=1",
        "AAAAAAAA$" + "A" * 43, "AAAAAAAAAAA$" + "A" * 86, "kid=AAAAAAAA",
        "kid=AAAAAAAA,kid=AAAAAAAA", "$", "$$", "$$$$",
    ):
        seeds.add("pat_hash", "text " + text, text)

    def text(value):
        return bytes([len(value)]) + value.encode()

    def token(before=b"\0", labelled=b"\0", more=b"\0", rest=b"", ends=b"\0" * 4):
        time = b"\x80\xfe\xa1\xbf\x0d"
        head = (
            b"\1" + text("34NwRzvnBbgI3uedkrQ3Q") + b"\0" + bytes(38) + before + b"\0" + text("ada")
            + b"\0"
        )
        return (
            head + labelled + more + b"\1" + text("scope") + b"\1" + text("name") + b"\1"
            + text("k") + text("v") + time + time + ends + rest
        )

    roles = b"\2" + text("a") + text("b")
    scrypt = b"\1" + text("$scrypt$ln=14,r=8,p=1$AAAAAAAAAAA$" + "A" * 43)
    for name, content in {
        "least": token(),
        "roles": token(labelled=roles, more=roles),
        "before": token(before=b"\1\0" + bytes(38) + b"\2"),
        "before by scrypt": token(before=b"\1" + scrypt + b"\2"),
        "ends": token(ends=b"\1\2\1\x84\1\1\6\1\x0a"),
        "ends far off": token(
            ends=b"\1" + b"\xff" * 9 + b"\1" + b"\1" + b"\xfe" + b"\xff" * 8 + b"\1" + b"\0\0"
        ),
        "roles twice": token(labelled=b"\2" + text("a") + text("a")),
        "a number in two bytes": token(labelled=b"\x80\0"),
        "a list without an end": token(labelled=b"\xff\xff\xff\xff\x0f"),
        "more behind it": token(rest=b"\0"),
        "another format": b"\2" + token()[1:],
        "cut off": token()[:-1],
    }.items():
        seeds.add("pat_token", "record " + name, content)


# ---- scripts: bytes that fuzz/src/script.rs reads --------------------------------------------

NAMES = [
    "a", "b", "c", "user", "", "ä", "a\n", "\0", "e", "$serde_json::private::Number",
    "$serde_json::private::RawValue", "__cargo_value"
]


def sealed_records(seeds):
    body = bytes([1]) + bytes(range(24)) + struct.pack(">I", 5) + b"12345" + b"t" * 16
    for name, content in [
        ("body", body),
        ("body-with-payload", body + b"payload"),
        ("body-of-another-format", b"\x02" + body[1:]),
        ("body-too-long-a-length", body[:25] + b"\xff" * 4 + body[29:]),
        ("body-cut", body[:-1]),
        ("entry", b"\x01" + bytes(range(48))),
        ("entry-of-three", b"\x01" + bytes(144)),
        ("entry-empty", b"\x01"),
        ("entry-cut", b"\x01" + bytes(47)),
    ]:
        seeds.add("sealed_record", name, content)
    meta = '{"c":%d,"u":%d,"x":%d,"d":%d,"l":"label","r":3,"o":1,"n":12}' % (T, T, T, T)
    for name, json_text in [
        ("meta", meta),
        ("meta-least", '{"c":0,"u":0,"r":1,"o":1,"n":0}'),
        ("meta-null", '{"c":0,"u":0,"x":null,"r":1,"o":1,"n":0}'),
        ("meta-unknown", '{"c":0,"u":0,"r":1,"o":1,"n":0,"z":1}'),
        ("meta-twice", '{"c":0,"c":1,"u":0,"r":1,"o":1,"n":0}'),
        ("meta-list", "[0,0,1,1,0]"),
        ("meta-large", '{"c":%d,"u":-1,"r":18446744073709551615,"o":0,"n":0}' % LAST),
        ("meta-float", '{"c":1.0,"u":0,"r":1,"o":1,"n":0}'),
        ("meta-cut", meta[:-1]),
    ]:
        seeds.add("sealed_record", name, b"\x10" + bytes(16) + json_text.encode())
        seeds.add("sealed_record", name + "-short-key", b"\x0f" + bytes(15) + json_text.encode())


def name_bytes(name):
    return bytes([NAMES.index(name)]) if name in NAMES else b"\x0c" + text_bytes(name)


def text_bytes(text):
    raw = text.encode("utf-8")
    assert len(raw) < 32
    return bytes([len(raw)]) + raw


def value_bytes(value):
    if value is None:
        return b"\x00"
    if isinstance(value, bool):
        return bytes([1 + 8 * value])
    if isinstance(value, int):
        if 0 <= value < 32:
            return bytes([2 + 8 * value])
        if value < 0:
            return bytes([4]) + struct.pack("<q", value)
        return bytes([3]) + struct.pack("<Q", value)
    if isinstance(value, float):
        return bytes([5]) + struct.pack("<d", value)
    if isinstance(value, str):
        return bytes([6]) + text_bytes(value)
    if isinstance(value, list):
        return bytes([7 + 8 * 2 * len(value)]) + b"".join(map(value_bytes, value))
    entries = b"".join(name_bytes(name) + value_bytes(inner) for name, inner in value.items())
    return bytes([7 + 8 * (2 * len(value) + 1)]) + entries


VALUES = [
    None, True, 0, 31, 32, 2**64 - 1, -1, -(2**63), 0.0, -0.0, 1.5, 5e-324, 1.7976931348623157e308,
    1e21, "", "text", "a\"\\\n\0", "ä😀", [], [1, "two"], {}, {"a": 1},
    {"a": {"a": [{}]}, "b": None}, [[[[]]]], {"$serde_json::private::Number": "1"},
    {"$serde_json::private::RawValue": "1"}, ["\u2028", 0.1, 2**53 + 1],
    {"__cargo_value": 1, "": -5}, {"other": "name"},
]


def mutations(seeds):
    chance = random.Random("open_mutated")
    for index, value in enumerate(VALUES):
        begin = (
            bytes([chance.choice((0, 1, 2, 4, 6, 0x16, 0x46))]) + value_bytes(value)
            + struct.pack("<H", 3600)
        )
        seeds.add("open_mutated", f"genuine {index}", begin)
        for _ in range(2):
            edits = b"".join(
                bytes([chance.randrange(12)])
                + struct.pack("<H", chance.randrange(300))
                + bytes([chance.randrange(256)])
                for _ in range(chance.choice((1, 1, 1, 2, 5)))
            )
            seeds.add("open_mutated", f"edited {index}", begin + edits)
    for kind in range(12):
        for at in (0, 3, 4, 10, 41, 60, 99):
            edit = bytes([kind]) + struct.pack("<H", at) + bytes([at])
            seeds.add(
                "open_mutated", f"kind {kind} at {at}",
                bytes([6]) + value_bytes({"a": 1}) + bytes(2) + edit
            )


def models(seeds):
    def step(number, name="a", rest=b""):
        return bytes([number]) + name_bytes(name) + rest

    def insert(name, value):
        return step(0, name, value_bytes(value))

    def until(name, value, second):
        return step(2, name, value_bytes(value) + bytes([second + 10]))

    for index, value in enumerate(VALUES):
        seeds.add(
            "cargo_model", f"insert {index}",
            insert("a", value) + step(19) + step(18) + insert("a", value) + step(4)
        )
        seeds.add(
            "cargo_model", f"push {index}",
            step(6, "b", value_bytes(value)) * 2 + step(18) + step(19, "b")
        )
    stories = {
        "same value is clean": insert("a", 1) + step(13) + insert("a", 1),
        "one and one point zero": insert("a", 1) + step(13) + insert("a", 1.0),
        "zero and minus zero": insert("a", 0.0) + step(13) + insert("a", -0.0),
        "ends": (
            until("a", 1, 5) + step(15, "a", b"\x04") + step(19) + step(15, "a", b"\x01") + step(19)
        ),
        "ended is not there": until("a", 1, 0) + step(19) + step(4) + step(4),
        "ended and pushed to": (
            until("a", 1, 5) + step(15, "a", b"\x05") + step(6, "a", value_bytes(2))
        ),
        "ended and sealed": (
            until("a", 1, 5) + insert("b", 2) + step(18) + step(15, "a", b"\x05") + step(13)
            + step(18)
        ),
        "ended and sealing fails": (
            until("a", 1, 5) + step(18) + step(15, "a", b"\x05") + step(17) + step(13) + step(17)
        ),
        "an end taken away": until("b", 1, 50) + step(13) + step(3, "b", b"\x20") + step(19, "b"),
        "the same end": until("a", 1, 10) + step(13) + step(3, "a", b"\x14") + until("a", 1, 10),
        "ends out of range": b"".join(
            insert("a", 1) + step(3, "a", bytes([byte])) for byte in range(250, 256)
        ),
        "purge": (
            until("a", 1, 5) + until("c", 1, 9) + step(13) + step(14, "a", b"\x0f")
            + step(14, "a", b"\x30")
        ),
        "take": insert("a", 5) + step(5) + insert("a", "x") + step(5) + step(5, "b"),
        "get or insert": (
            step(8, "a", b"\x07") + step(8, "a", b"\x08") + insert("a", None)
            + step(8, "a", b"\x09")
        ),
        "clear": insert("a", 1) + step(13) + step(12) + step(13) + step(12),
        "no list": insert("a", 1) + step(6, "a", value_bytes(2)),
        "reads": insert("a", "x") + step(19, "a") + step(19, "b"),
    }
    for levels in range(16):
        stories[f"levels {55 + levels}"] = step(16, "a", bytes([levels])) * 2 + step(18)
    for operation, label in ((9, "keep"), (10, "overwrite"), (11, "replace")):
        others = {
            "nothing": b"\x00",
            "the same": b"\x01" + name_bytes("a") + value_bytes(1) + b"\x01",
            "another": (
                b"\x02" + name_bytes("a") + value_bytes(2) + b"\x01" + name_bytes("b")
                + value_bytes("x") + b"\x14"
            ),
            "ended": (
                b"\x02" + name_bytes("a") + value_bytes(2) + b"\x00" + name_bytes("b")
                + value_bytes([]) + b"\x0a"
            ),
        }
        for kind, other in others.items():
            stories[f"{label} {kind}"] = (
                insert("a", 1) + step(13) + step(operation, "a", other) + step(19) + step(18)
            )
            stories[f"{label} {kind} into nothing"] = (
                step(operation, "a", other) + step(13) + step(operation, "a", other)
            )
    for name, story in stories.items():
        seeds.add("cargo_model", name, story)
    chance = random.Random("cargo_model")
    for index in range(30):
        steps = [
            bytes([chance.randrange(20)])
            + name_bytes(chance.choice(NAMES))
            + chance.choice((value_bytes(chance.choice(VALUES)), chance.randbytes(2)))
            for _ in range(chance.randrange(3, 25))
        ]
        seeds.add("cargo_model", f"chance {index}", b"".join(steps))


# ----------------------------------------------------------------------------------------------

VECTORS_ST1 = json.loads((VECTORS / "st1.json").read_text(encoding="utf-8"))
VECTORS_GO = json.loads((VECTORS / "vaultstore.json").read_text(encoding="utf-8"))
VECTORS_NODE = json.loads((VECTORS / "access_tokens.json").read_text(encoding="utf-8"))
VECTORS_PAT = json.loads((VECTORS / "pat.json").read_text(encoding="utf-8"))
VECTORS_PHP = json.loads((VECTORS / "primordyx.json").read_text(encoding="utf-8"))


def main(arguments):
    seeds = Seeds()
    for part in (
        payloads, texts, keys, imports, vaultstores, access_tokens, personal_access_tokens,
        sealed_records, mutations, models
    ):
        part(seeds)
    count, size = len(seeds.files), sum(map(len, seeds.files.values()))
    assert count >= 500 and size < LIMIT, (count, size)
    folder = HERE / "seeds"
    if arguments == ["--check"]:
        found = {(path.parent.name, path.name): path.read_bytes() for path in folder.glob("*/*")}
        if found != seeds.files:
            print("fuzz/seeds differs from the generated files: run fuzz/make_seeds.py")
            return 1
    else:
        shutil.rmtree(folder, ignore_errors=True)
        for (target, name), content in seeds.files.items():
            (folder / target).mkdir(parents=True, exist_ok=True)
            (folder / target / name).write_bytes(content)
    targets = sorted({target for target, _ in seeds.files})
    counts = ", ".join(f"{target} {sum(t == target for t, _ in seeds.files)}" for target in targets)
    print(f"{count} seeds, {size} bytes: {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
