"""Anthropic's client for Python, unchanged, against the gateway at MOM_BASE."""

import os
import sys

import anthropic

base, key = os.environ["MOM_BASE"], os.environ["MOM_KEY"]
client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=20)
TEXT = "Grüße from Paris."


def say(text, **more):
    return dict(dict(model="claude", max_tokens=100, messages=[{"role": "user", "content": text}]), **more)


def check(what, good, seen=None):
    if not good:
        sys.exit(f"{what}: {seen!r}")
    print("ok", what)


def raises(kind, what, ask):
    try:
        got = ask()
    except kind as e:
        check(what, type(e) is kind, (type(e), str(e)))
        return e
    sys.exit(f"{what}: no error but {got!r}")


print("anthropic", anthropic.__version__)
names = [m.id for m in client.models.list()]
check("models", {"auto", "best", "cheap", "claude"} <= set(names), names)
check("model", client.models.retrieve("claude").id == "claude")

tools = [{"name": "weather", "description": "of a city", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]
for model in ("claude", "best", "auto"):  # of the same protocol, and of OpenAI's
    a = client.messages.create(**say("hello", model=model))
    check(f"message, {model}", a.content[0].text == TEXT and a.stop_reason == "end_turn" and a.usage.input_tokens == 20 and a.usage.output_tokens == 8, a)
    with client.messages.stream(**say("hello", model=model)) as s:
        pieces = list(s.text_stream)
        last = s.get_final_message()
    check(f"stream, {model}", "".join(pieces) == TEXT and len(pieces) > 2 and last.usage.output_tokens == 8 and last.stop_reason == "end_turn", last)
    a = client.messages.create(**say("weather in Paris?", model=model, tools=tools))
    call = a.content[-1]
    check(f"tool, {model}", a.stop_reason == "tool_use" and call.name == "weather" and call.input == {"city": "Paris"}, a)
    more = say("weather in Paris?", model=model, tools=tools)
    more["messages"] += [{"role": "assistant", "content": a.content}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]}]
    a = client.messages.create(**more)
    check(f"tool's result, {model}", a.content[0].text == TEXT, a)
    with client.messages.stream(**say("weather in Paris?", model=model, tools=tools)) as s:
        last = s.get_final_message()
    check(f"tool in a stream, {model}", last.content[-1].input == {"city": "Paris"} and last.stop_reason == "tool_use", last)

check("count_tokens", client.messages.count_tokens(model="claude", messages=[{"role": "user", "content": "hello"}]).input_tokens == 20)

raises(anthropic.BadRequestError, "bad request", lambda: client.messages.create(**say("hello", max_tokens=-1)))
raises(anthropic.PermissionDeniedError, "blocked", lambda: client.messages.create(**say("an attack")))
raises(anthropic.NotFoundError, "unknown model", lambda: client.messages.create(**say("hello", model="none")))
raises(anthropic.RateLimitError, "limited upstream", lambda: client.messages.create(**say("please limit")))
raises(anthropic.InternalServerError, "failing upstream", lambda: client.messages.create(**say("please fail")))
raises(anthropic.AuthenticationError, "wrong key", lambda: client.with_options(api_key="sk-wrong").messages.create(**say("hello")))
raises(anthropic.APITimeoutError, "timeout", lambda: client.with_options(timeout=0.5).messages.create(**say("please hang")))
print("gone")


def cut(model):
    with client.messages.stream(**say("please cut", model=model)) as s:
        return s.get_final_message()


for model in ("claude", "best"):
    try:
        cut(model)
        sys.exit("a stream that is cut has an end")
    except anthropic.APIError as e:
        check(f"cut, {model}", "closed the connection" in str(e), e)

with client.messages.stream(**say("please stop")) as s:
    check("first event", next(iter(s)).type == "message_start")
print("gone")
