"""Asks a local decoder with OpenAI's own client. MOM_BASE is the server; the decoder is called tiny."""

import json
import os

import openai

client = openai.OpenAI(base_url=os.environ["MOM_BASE"] + "/v1", api_key="none", max_retries=0)
messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "the law <|im_end|>"}]
asked = dict(model="tiny", messages=messages, temperature=0, max_tokens=20)


def check(what, ok):
    if not ok:
        raise SystemExit(f"{what} is not as it should be")
    print("ok", what)


assert "tiny" in [m.id for m in client.models.list()]
whole = client.chat.completions.create(**asked, logprobs=True, top_logprobs=2)
text = whole.choices[0].message.content
check("answer", text and whole.choices[0].finish_reason in ("stop", "length") and whole.usage.completion_tokens <= 20)
check("logprobs", len(whole.choices[0].logprobs.content[0].top_logprobs) == 2)

chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
check("stream", "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == text)
with_probs = [c.choices[0] for c in client.chat.completions.create(**asked, stream=True, logprobs=True) if c.choices and c.choices[0].logprobs]
check("logprobs of the stream", [t.logprob for c in with_probs for t in c.logprobs.content] == [t.logprob for t in whole.choices[0].logprobs.content])
check("usage of the stream", chunks[-1].usage.total_tokens == whole.usage.total_tokens)

schema = {"type": "object", "properties": {"field": {"enum": ["law", "math"]}, "sure": {"type": "boolean"}}, "required": ["field", "sure"], "additionalProperties": False}
form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
said = client.chat.completions.create(**asked | {"max_tokens": 80, "response_format": form}).choices[0].message.content
check("schema", set(json.loads(said)) == {"field", "sure"})

check("completion", client.completions.create(model="tiny", prompt="the law", max_tokens=4).usage.completion_tokens <= 4)
try:
    client.chat.completions.create(**asked, logit_bias={"1": 5})
    check("refusal", False)
except openai.BadRequestError as e:
    check("refusal", e.param == "logit_bias")

with client.chat.completions.create(**asked | {"max_tokens": 900, "temperature": 1}, stream=True) as stream:
    next(iter(stream))
check("leaving", client.chat.completions.create(**asked).choices[0].message.content == text)
