"""Writes the goldens of engine/chat: what transformers' apply_chat_template and its Jinja environment print.

    engine/chat/testdata/fetch.sh                              # once: templates of published models, into a cache folder
    models/gguf/testdata/fetch.sh                              # and SmolLM2
    MOM_TEMPLATES=DIR python train/goldens_chat.py             # transformers 5.23, jinja2 3.1.6

engine/chat/jinja/testdata/snippets.json.gz has the pieces of chat_snippets.py, each with its output or "error". In
engine/chat/testdata, cases.json has conversations with options, templates/*.jinja are templates of our own wording, and
goldens.json.gz has the output of every template for every case. Of templates that belong to others only the outputs are
kept, with a hash of what they were made with.
"""
import datetime
import gzip
import hashlib
import json
import os

import transformers.utils.chat_template_utils as utils
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from chat_snippets import BLOCKS, EXPRESSIONS, VARS
from gguf_folder import Reader

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CHAT = os.path.join(ROOT, "engine", "chat", "testdata")
NOW = datetime.datetime(2026, 3, 7, 15, 4, 5)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


utils.datetime = Clock


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as f:
        f.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def snippet(source):
    try:
        out = utils._compile_jinja_template(source).render(**json.loads(json.dumps(VARS)))
        out.encode()
        if " at 0x" in out or " method " in out or "<class " in out:
            return [source, "error", "prints an address"]
        return [source, out]
    except Exception as e:
        return [source, "error", f"{type(e).__name__}: {e}"]



WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a <city> & its \"area\".", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "Name of the city"}, "unit": {"type": "string", "enum": ["c", "f"]},
                                     "days": {"type": "integer", "default": 1}}, "required": ["city"]}}}
ADD = {"type": "function", "function": {"name": "add", "description": "Adds numbers.", "parameters": {
    "type": "object", "properties": {"terms": {"type": "array", "items": {"type": "number"}, "description": "What to add"}}, "required": ["terms"]}}}


def call(name, arguments, id="call00001"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


SYSTEM, HI = {"role": "system", "content": "Be brief.\nAnswer in English."}, {"role": "user", "content": "Hello, how are you?"}
TURN = [HI, {"role": "assistant", "content": "Fine. And you?"}, {"role": "user", "content": "  Grüße aus Köln, 世界 🎉!  "}]
WEATHER_CALL = [{"role": "user", "content": "The weather in Köln?"}, {"role": "assistant", "content": "", "tool_calls": [call("get_weather", {"city": "Köln", "days": 2})]}]
WEATHER_ANSWER = WEATHER_CALL + [{"role": "tool", "tool_call_id": "call00001", "name": "get_weather", "content": "{\"sky\": \"clear\", \"t\": 21.5}"}]
CASES = {
    "one": {"messages": [HI]},
    "one, asked": {"messages": [HI], "add_generation_prompt": True},
    "system": {"messages": [SYSTEM, HI], "add_generation_prompt": True},
    "turns": {"messages": TURN, "add_generation_prompt": True},
    "system and turns": {"messages": [SYSTEM] + TURN, "add_generation_prompt": True},
    "ends with the assistant": {"messages": [SYSTEM] + TURN[:2]},
    "ends with the assistant, asked": {"messages": TURN[:2], "add_generation_prompt": True},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Part one. "}, {"type": "text", "text": "Part two."}]}], "add_generation_prompt": True},
    "system in parts": {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "add_generation_prompt": True},
    "image": {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}], "add_generation_prompt": True},
    "empty content": {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}, {"role": "user", "content": "x"}], "add_generation_prompt": True},
    "null content": {"messages": [HI, {"role": "assistant", "content": None}, HI], "add_generation_prompt": True},
    "no content": {"messages": [{"role": "user"}], "add_generation_prompt": True},
    "two users": {"messages": [HI, HI], "add_generation_prompt": True},
    "assistant first": {"messages": [{"role": "assistant", "content": "Hi"}, HI], "add_generation_prompt": True},
    "late system": {"messages": [HI, SYSTEM, HI], "add_generation_prompt": True},
    "system only": {"messages": [SYSTEM], "add_generation_prompt": True},
    "developer": {"messages": [{"role": "developer", "content": "Be brief."}, HI], "add_generation_prompt": True},
    "unknown role": {"messages": [{"role": "narrator", "content": "Once"}, HI], "add_generation_prompt": True},
    "markup in the text": {"messages": [{"role": "user", "content": "<|im_end|>\n<|im_start|>system {{ x }} {% if %} </s>[INST] <b>&\"'\\n"}], "add_generation_prompt": True},
    "lines": {"messages": [{"role": "user", "content": "\n\n a\r\n\tb \n\n"}, {"role": "assistant", "content": "\n x \n"}, {"role": "user", "content": "c\n"}], "add_generation_prompt": True},
    "thinking on": {"messages": [HI], "add_generation_prompt": True, "variables": {"enable_thinking": True}},
    "thinking off": {"messages": [HI], "add_generation_prompt": True, "variables": {"enable_thinking": False}},
    "thought": {"messages": [HI, {"role": "assistant", "content": "<think>\nHmm.\n</think>\n\nFine."}, {"role": "user", "content": "Really?"}], "add_generation_prompt": True},
    "thought last": {"messages": [HI, {"role": "assistant", "content": "<think>\nHmm.\n</think>\n\nFine."}]},
    "reasoning": {"messages": [HI, {"role": "assistant", "content": "Fine.", "reasoning_content": "Hmm.\nWell."}, {"role": "user", "content": "Really?"}, {"role": "assistant", "content": "Yes.", "reasoning": "Sure."}]},
    "tools": {"messages": [HI], "tools": [WEATHER], "add_generation_prompt": True},
    "tools and system": {"messages": [SYSTEM, HI], "tools": [WEATHER, ADD], "add_generation_prompt": True},
    "no tools": {"messages": [HI], "tools": [], "add_generation_prompt": True},
    "tools without thinking": {"messages": [HI], "tools": [ADD], "add_generation_prompt": True, "variables": {"enable_thinking": False}},
    "tool call": {"messages": WEATHER_CALL, "tools": [WEATHER]},
    "tool answer": {"messages": WEATHER_ANSWER, "tools": [WEATHER, ADD], "add_generation_prompt": True},
    "tool answered": {"messages": WEATHER_ANSWER + [{"role": "assistant", "content": "Clear, 21.5 °C."}, HI], "tools": [WEATHER], "add_generation_prompt": True},
    "two calls": {"messages": [{"role": "user", "content": "Both?"}, {"role": "assistant", "content": "I look.", "tool_calls": [call("get_weather", {"city": "A"}, "aaaaaaaaa"), call("add", {"terms": [1, 2.5, -3e-7]}, "bbbbbbbbb")]},
                               {"role": "tool", "tool_call_id": "aaaaaaaaa", "name": "get_weather", "content": "1"}, {"role": "tool", "tool_call_id": "bbbbbbbbb", "name": "add", "content": "[2, {\"x\": null}]"}],
                  "tools": [WEATHER, ADD], "add_generation_prompt": True},
    "call without content": {"messages": [HI, {"role": "assistant", "content": None, "tool_calls": [call("add", {"terms": []})]}], "tools": [ADD]},
    "call in text": {"messages": [HI, {"role": "assistant", "tool_calls": [call("add", "{\"terms\": [1]}")]}, {"role": "tool", "tool_call_id": "call00001", "content": "1"}], "tools": [ADD], "add_generation_prompt": True},
    "call and reasoning": {"messages": [HI, {"role": "assistant", "content": "", "reasoning_content": "I should add.", "tool_calls": [call("add", {"terms": [True, None, {"k": "ü"}]})]},
                                        {"role": "tool", "tool_call_id": "call00001", "content": "3"}], "tools": [ADD], "add_generation_prompt": True},
    "tools in the user's message": {"messages": [HI], "tools": [WEATHER], "add_generation_prompt": True, "variables": {"tools_in_user_message": False}},
    "date": {"messages": [HI], "add_generation_prompt": True, "variables": {"date_string": "01 Jan 2027"}},
    "documents": {"messages": [HI], "documents": [{"title": "T", "text": "Some text."}], "add_generation_prompt": True},
    "own tokens": {"messages": [HI], "add_generation_prompt": True, "variables": {"bos_token": "<B>", "eos_token": "<E>"}},
    "continued": {"messages": [HI, {"role": "assistant", "content": "My name is "}], "continue_final_message": True},
    "continued without spaces": {"messages": TURN + [{"role": "assistant", "content": "{\"name\": \""}], "continue_final_message": True},
    "continued in parts": {"messages": [HI, {"role": "assistant", "content": [{"type": "text", "text": "I am"}]}], "continue_final_message": True},
    "many": {"messages": [SYSTEM] + TURN[:2] * 20 + [HI], "add_generation_prompt": True},
}


def special(config):
    """The tokens with a role of a tokenizer_config.json."""
    out = {}
    for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"):
        t = config.get(name + "_token")
        if isinstance(t, dict):
            t = t["content"]
        if t is not None:
            out[name + "_token"] = t
    return out


def templates():
    """name, template or templates by their names, special tokens, whether it is our own."""
    own = os.path.join(CHAT, "templates")
    for f in sorted(os.listdir(own)):
        with open(os.path.join(own, f), encoding="utf-8", newline="") as t:
            yield f.removesuffix(".jinja"), t.read(), {"bos_token": "<s>", "eos_token": "</s>"}, True
    cache = os.environ.get("MOM_TEMPLATES") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "mom-templates")
    for f in sorted(os.listdir(cache)):
        with open(os.path.join(cache, f), encoding="utf-8", newline="") as t:
            text = t.read()
        if f.endswith(".tokenizer_config.json"):
            config = json.loads(text)
            yield f.removesuffix(".tokenizer_config.json"), config["chat_template"], special(config), False
        elif f.endswith(".jinja"):
            yield f.removesuffix(".jinja"), text, {"bos_token": "<s>", "eos_token": "</s>"}, False
    folder = os.environ.get("MOM_GGUF") or os.path.join(os.path.dirname(cache), "mom-gguf")
    r = Reader(os.path.join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"))
    r.at = 4
    assert r.one("I") == 3
    _, keys, meta = r.one("Q"), r.one("Q"), {}
    for _ in range(keys):
        key = r.text()
        meta[key] = r.value(r.one("I"))
    tokens = meta["tokenizer.ggml.tokens"]
    roles = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    yield "smollm2", meta["tokenizer.chat_template"], {k: tokens[meta[f"tokenizer.ggml.{v}_token_id"]] for k, v in roles.items()}, False


def apply(template, tokens, case):
    t = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"x": 0})), chat_template=template, **tokens)
    case = json.loads(json.dumps(case))
    try:
        return t.apply_chat_template(
            case["messages"], tools=case.get("tools"), documents=case.get("documents"), add_generation_prompt=case.get("add_generation_prompt", False),
            continue_final_message=case.get("continue_final_message", False), tokenize=False, **case.get("variables", {}))
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"}


def main():
    snippets = [snippet("{{ " + x + " }}") for x in EXPRESSIONS] + [snippet(x) for x in BLOCKS]
    write(os.path.join(ROOT, "engine", "chat", "jinja", "testdata", "snippets.json.gz"), {"vars": VARS, "snippets": snippets})
    print(len(snippets), "snippets,", sum(len(s) == 3 for s in snippets), "of them errors")
    with open(os.path.join(CHAT, "cases.json"), "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(json.dumps(k) + ": " + json.dumps(v, ensure_ascii=False) for k, v in CASES.items()) + "\n}\n")
    goldens = {}
    for name, template, tokens, own in templates():
        outputs = {k: apply(template, tokens, case) for k, case in CASES.items()}
        goldens[name] = {"sha256": hashlib.sha256(json.dumps(template).encode()).hexdigest() if not own else "", "special": tokens, "outputs": outputs}
        print(name, sum(isinstance(o, dict) for o in outputs.values()), "errors")
    write(os.path.join(CHAT, "goldens.json.gz"), goldens)


if __name__ == "__main__":
    main()
