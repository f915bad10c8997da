"""Keys and values of `kv` that shells, URLs and flags treat in their own ways."""

from collections.abc import Iterator

from tests.support.recorder.cli_scenario import CliScenario, Command

_BAD_BASE64 = "Consul says that it cannot decode, and writes an empty value all the same"
_NONE_WRITTEN = {"exit_code": _BAD_BASE64, "stdout": _BAD_BASE64}
KEYS = {
    "a blank": "odd/a b",
    "a plus": "odd/a+b",
    "a percent sign": "odd/a%2fb",
    "a percent sign at its end": "odd/100%",
    "a question mark": "odd/a?b=c",
    "a hash": "odd/a#b",
    "an ampersand": "odd/a&b",
    "a line end": "odd/a\nb",
    "a tab": "odd/a\tb",
    "letters beyond ASCII": "odd/größe/日本",
    "a quotation mark": 'odd/"a"',
    "a backslash": "odd/a\\b",
    "two slashes": "odd//a",
    "a slash at its end": "odd/a/",
    "a dot": "odd/./a",
    "two dots": "odd/../a",
    "a colon": "odd/a:b",
    "a semicolon": "odd/a;b",
    "brackets": "odd/[a]{b}<c>",
    "a dollar sign alone": "odd/a$",
}


def _steps() -> Iterator[Command]:
    for what, key in KEYS.items():
        yield Command(f"put of a key with {what}", ("kv", "put", key, what))
        yield Command(f"get of a key with {what}", ("kv", "get", key))
    yield Command("all of them", ("kv", "get", "-recurse", "odd/"))
    yield Command("all of them with details", ("kv", "get", "-recurse", "-detailed", "odd/"))
    yield Command("all of them in base64", ("kv", "get", "-recurse", "-base64", "odd/"))
    yield Command("all of them by name", ("kv", "get", "-keys", "odd/"))
    yield Command("all of them by name up to a question mark", ("kv", "get", "-keys", "-separator=?", "odd/"))
    yield Command("all of them by name without a separator", ("kv", "get", "-keys", "-separator=", "odd/"))
    yield Command("all of them by name up to two characters", ("kv", "get", "-keys", "-separator=a ", "odd/"))
    yield Command("all of them by name with both flags", ("kv", "get", "-keys", "-recurse", "odd/"))
    yield Command("all of them exported", ("kv", "export", "odd/"))
    yield Command("one with details in base64", ("kv", "get", "-detailed", "-base64", "odd/a b"))
    for what, key in KEYS.items():
        yield Command(f"delete of a key with {what}", ("kv", "delete", key))
    yield Command("nothing is left", ("kv", "get", "-keys", "odd/"))
    yield Command("a key that begins with a dash", ("kv", "put", "-dash", "1"), own_words=True)
    yield Command("a key that begins with a dash, after two dashes", ("kv", "put", "--", "-dash", "1"))
    yield Command("it is there", ("kv", "get", "--", "-dash"))
    yield Command("it goes", ("kv", "delete", "--", "-dash"))
    yield Command("a value that begins with a dash", ("kv", "put", "dashed", "-1"))
    yield Command("a value that begins with a dash is there", ("kv", "get", "dashed"))
    yield Command("flags after the key", ("kv", "put", "after", "x", "-flags=4"), own_words=True)
    yield Command("a key of slashes alone", ("kv", "put", "///", "1"))
    yield Command("a key of slashes alone is there", ("kv", "get", "///"))
    yield Command("two slashes in front", ("kv", "get", "//"))
    yield Command("an empty key", ("kv", "put", "", "1"))
    yield Command("get of an empty key", ("kv", "get", ""))
    yield Command("delete of an empty key", ("kv", "delete", ""))
    yield Command("a value with a line end", ("kv", "put", "lines", "a\nb\n"))
    yield Command("a value with a line end is there", ("kv", "get", "lines"))
    yield Command("a value with a line end with details", ("kv", "get", "-detailed", "lines"))
    yield Command("a value of a commercial at", ("kv", "put", "at", "@"))
    yield Command("a file in a directory", ("kv", "put", "file", "@in/it.txt"), files={"in/it.txt": "inside"})
    yield Command("a file in a directory is there", ("kv", "get", "file"))
    yield Command("a directory as a file", ("kv", "put", "file", "@in"))
    yield Command("base64 from a file", ("kv", "put", "-base64", "file", "@b64"), files={"b64": "aGVsbG8="})
    yield Command("base64 from a file is decoded", ("kv", "get", "file"))
    yield Command("base64 from a file with a line end", ("kv", "put", "-base64", "lf", "@b64"), files={"b64": "aGk=\n"})
    yield Command("base64 from a file with a line end is decoded", ("kv", "get", "lf"))
    yield Command("base64 from standard input", ("kv", "put", "-base64", "in", "-"), stdin="aGVsbG8=")
    yield Command("base64 from standard input is decoded", ("kv", "get", "in"))
    for what, text in {"with the letters of URLs": "_-8=", "without padding": "aGk"}.items():
        yield Command(f"base64 {what}", ("kv", "put", "-base64", "bad", text), differs=_NONE_WRITTEN)
    yield Command("base64 of nothing", ("kv", "put", "-base64", "none", ""))
    yield Command("base64 of nothing is empty", ("kv", "get", "-base64", "none"))
    yield Command("bytes that are no text", ("kv", "put", "-base64", "bytes", "AP/+gA=="))
    yield Command("bytes that are no text in base64", ("kv", "get", "-base64", "bytes"))
    yield Command("bytes that are no text with details", ("kv", "get", "-detailed", "-base64", "bytes"))
    yield Command("standard input of nothing", ("kv", "put", "nothing", "-"))
    yield Command("standard input of nothing is empty", ("kv", "get", "nothing"))
    yield Command("import of odd keys", ("kv", "import", '[{"key":"im/a b","flags":1,"value":"eA=="}]'))
    yield Command("what was imported", ("kv", "get", "-recurse", "-detailed", "im/"))
    yield Command("import below a prefix", ("kv", "import", "-prefix=below", '[{"key":"a?b","value":"eA=="}]'))
    yield Command("what was imported below a prefix", ("kv", "get", "-keys", "-separator=", "below"))
    yield Command("delete of a prefix with a blank", ("kv", "delete", "-recurse", "im/a "))
    yield Command("it went", ("kv", "get", "-keys", "im/"))


SCENARIO = CliScenario("odd_keys", "Odd keys and values on the command line.", tuple(_steps()))
