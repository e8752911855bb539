"""OpenAI's client for Python, unchanged, against the gateway at MOM_BASE."""

import asyncio
import os
import sys
import time

import openai
from pydantic import BaseModel

base, key = os.environ["MOM_BASE"], os.environ["MOM_KEY"]
client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=20)
TEXT = "Grüße from Paris."


class City(BaseModel):
    city: str
    people: int


def say(text, **more):
    return dict(model="best", messages=[{"role": "user", "content": text}], **more)


def check(what, good, seen=None):
    if not good:
        sys.exit(f"{what}: {seen!r}")
    print("ok", what)


def raises(kind, what, ask, code=None):
    try:
        got = ask()
    except kind as e:
        status = getattr(e, "status_code", None)
        check(what, type(e) is kind and (code is None or e.code == code), (type(e), status, getattr(e, "code", None), str(e)))
        return e
    sys.exit(f"{what}: no error but {got!r}")


print("openai", openai.__version__)

# Models
names = [m.id for m in client.models.list()]
check("models", {"auto", "best", "cheap", "claude"} <= set(names), names)
check("model", client.models.retrieve("best").id == "best")
raises(openai.NotFoundError, "no such model", lambda: client.models.retrieve("none"))

# Chats, of an upstream of the same protocol and of another
for model in ("best", "auto", "claude"):
    a = client.chat.completions.create(**dict(say("hello"), model=model))
    check(f"chat, {model}", a.choices[0].message.content == TEXT and a.usage.total_tokens == 28 and a.choices[0].finish_reason == "stop", a)
    raw = client.chat.completions.with_raw_response.create(**dict(say("hello"), model=model))
    check(f"decision in headers, {model}", raw.headers["x-mom-model"] in names and raw.headers["x-mom-decision-id"].startswith("dec_"), raw.headers)
    stream = client.chat.completions.create(**dict(say("hello"), model=model), stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    check(f"stream, {model}", text == TEXT and len(chunks) > 4 and chunks[-1].usage.total_tokens == 28, chunks)

    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
    ask = say("weather in Paris?", tools=tools)
    ask["model"] = model
    a = client.chat.completions.create(**ask)
    call = a.choices[0].message.tool_calls[0]
    check(f"tool, {model}", call.function.name == "weather" and call.function.arguments.replace(" ", "") == '{"city":"Paris"}', a)
    ask["messages"] += [a.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    check(f"tool's result, {model}", client.chat.completions.create(**ask).choices[0].message.content == TEXT)
    with client.chat.completions.stream(**dict(say("weather in Paris?", tools=tools), model=model)) as s:
        done = s.get_final_completion()
    check(f"tool in a stream, {model}", done.choices[0].message.tool_calls[0].function.arguments.replace(" ", "") == '{"city":"Paris"}', done)

parsed = client.chat.completions.parse(**say("where?"), response_format=City)
check("structured output", parsed.choices[0].message.parsed == City(city="Paris", people=2102650), parsed)
with client.chat.completions.stream(**say("where?"), response_format=City) as s:
    check("structured output in a stream", s.get_final_completion().choices[0].message.parsed.city == "Paris")

# Completions
a = client.completions.create(model="best", prompt="say")
check("completion", a.choices[0].text == TEXT, a)
check("completion, stream", "".join(c.choices[0].text for c in client.completions.create(model="best", prompt="say", stream=True)) == TEXT)

# Responses
a = client.responses.create(model="best", input="hello", store=False)
check("response", a.output_text == TEXT and a.usage.output_tokens == 8, a)
events = list(client.responses.create(model="best", input="hello", stream=True))
check("response, stream", events[-1].type == "response.completed" and "".join(e.delta for e in events if e.type == "response.output_text.delta") == TEXT, events)
a = client.responses.parse(model="best", input="where?", text_format=City)
check("response, structured", a.output_parsed.people == 2102650, a)
a = client.responses.create(model="best", input="weather?", tools=[{"type": "function", "name": "weather", "parameters": tools[0]["function"]["parameters"], "strict": False}])
check("response, tool", a.output[0].type == "function_call" and a.output[0].name == "weather", a)

# Embeddings: base64 is what the client asks for by itself
for form in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
    a = client.embeddings.create(model="embed-1", input=["ab", "abc"], **form)
    check(f"embeddings {form}", len(a.data) == 2 and (form.get("encoding_format") == "base64" or a.data[1].embedding == [3, 0.5, -1, 0]), a)

# Moderations
a = client.moderations.create(input=["hello", "an attack"])
check("moderations", [r.flagged for r in a.results] == [False, True], a)

# Errors are of the classes that the client has for them.
raises(openai.BadRequestError, "bad request", lambda: client.chat.completions.create(model="best", messages="no"))
e = raises(openai.BadRequestError, "refused upstream", lambda: client.chat.completions.create(**say("please refuse")), "invalid_value")
check("its param", e.param == "temperature" and "bad value" in e.message, e)
raises(openai.PermissionDeniedError, "blocked", lambda: client.chat.completions.create(**say("an attack")), "content_blocked")
raises(openai.NotFoundError, "unknown model", lambda: client.chat.completions.create(**dict(say("hello"), model="none")))
raises(openai.RateLimitError, "limited upstream", lambda: client.chat.completions.create(**say("please limit")))
raises(openai.InternalServerError, "failing upstream", lambda: client.chat.completions.create(**say("please fail")))
raises(openai.AuthenticationError, "wrong key", lambda: client.with_options(api_key="sk-wrong").chat.completions.create(**say("hello")), "invalid_api_key")
slow = client.with_options(api_key="sk-one-a-minute")
slow.models.list()
e = raises(openai.RateLimitError, "limited here", lambda: slow.models.list(), "rate_limit_exceeded")
check("Retry-After", int(e.response.headers["retry-after"]) > 0, e.response.headers)
check("request id", e.request_id == e.response.headers["x-request-id"], e)
raises(openai.APIConnectionError, "nobody there", lambda: client.with_options(base_url="http://127.0.0.1:1/v1").models.list())


# A stream that is cut says so.
def cut():
    return list(client.chat.completions.create(**say("please cut"), stream=True))


raises(openai.APIError, "cut", cut, "upstream_cut")

# Who does not wait any longer, and who leaves
began = time.time()
raises(openai.APITimeoutError, "timeout", lambda: client.with_options(timeout=0.5).chat.completions.create(**say("please hang")))
check("in time", time.time() - began < 2)
print("gone")
stream = client.chat.completions.create(**say("please stop"), stream=True)
check("first event", next(iter(stream)).choices[0].delta.role == "assistant")
stream.close()
print("gone")


async def concurrent():
    many = openai.AsyncOpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=20)
    answers = await asyncio.gather(*(many.chat.completions.create(**say(f"hello {i}")) for i in range(50)))
    check("50 at once", all(a.choices[0].message.content == TEXT for a in answers))
    task = asyncio.create_task(many.chat.completions.create(**say("please hang")))
    await asyncio.sleep(0.3)
    task.cancel()
    try:
        await task
        sys.exit("a cancelled task has an answer")
    except asyncio.CancelledError:
        check("cancelled", True)
    await many.close()
    print("gone")


asyncio.run(concurrent())
