// OpenAI's client for Node, unchanged, against the gateway at MOM_BASE.

import OpenAI from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { base, key, TEXT, check, raises, all, city } from './check.mjs';

const client = new OpenAI({ baseURL: base + '/v1', apiKey: key, maxRetries: 0, timeout: 20000 });
const City = z.object({ city: z.string(), people: z.number() });
const say = (text, more) => ({ model: 'best', messages: [{ role: 'user', content: text }], ...more });

console.log('openai for node');
const names = (await all(client.models.list())).map(m => m.id);
check('models', ['auto', 'best', 'cheap', 'claude'].every(n => names.includes(n)), names);
check('model', (await client.models.retrieve('best')).id === 'best');

for (const model of ['best', 'auto', 'claude']) {
  const { data: a, response } = await client.chat.completions.create(say('hello', { model })).withResponse();
  check('chat, ' + model, a.choices[0].message.content === TEXT && a.usage.total_tokens === 28, a);
  check('decision in headers, ' + model, names.includes(response.headers.get('x-mom-model')), response.headers);
  const chunks = await all(await client.chat.completions.create(say('hello', { model, stream: true, stream_options: { include_usage: true } })));
  check('stream, ' + model, chunks.map(c => c.choices[0]?.delta.content ?? '').join('') === TEXT && chunks.at(-1).usage.total_tokens === 28, chunks);
  const tools = [{ type: 'function', function: { name: 'weather', parameters: city } }];
  const called = await client.chat.completions.create(say('weather in Paris?', { model, tools }));
  const call = called.choices[0].message.tool_calls[0];
  check('tool, ' + model, JSON.parse(call.function.arguments).city === 'Paris', called);
  const told = await client.chat.completions.create({ model, tools, messages: [{ role: 'user', content: 'weather?' }, called.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }] });
  check("tool's result, " + model, told.choices[0].message.content === TEXT, told);
  const streamed = await client.chat.completions.stream(say('weather in Paris?', { model, tools })).finalChatCompletion();
  check('tool in a stream, ' + model, JSON.parse(streamed.choices[0].message.tool_calls[0].function.arguments).city === 'Paris', streamed);
}
const parsed = await client.chat.completions.parse(say('where?', { response_format: zodResponseFormat(City, 'city') }));
check('structured output', parsed.choices[0].message.parsed.people === 2102650, parsed);

const done = await client.completions.create({ model: 'best', prompt: 'say' });
check('completion', done.choices[0].text === TEXT, done);
const r = await client.responses.create({ model: 'best', input: 'hello' });
check('response', r.output_text === TEXT, r);
const events = await all(await client.responses.create({ model: 'best', input: 'hello', stream: true }));
check('response, stream', events.at(-1).type === 'response.completed' && events.filter(e => e.type === 'response.output_text.delta').map(e => e.delta).join('') === TEXT, events);
const rp = await client.responses.parse({ model: 'best', input: 'where?', text: { format: zodTextFormat(City, 'city') } });
check('response, structured', rp.output_parsed.city === 'Paris', rp);

for (const encoding_format of [undefined, 'float', 'base64']) {
  const e = await client.embeddings.create({ model: 'embed-1', input: ['ab', 'abc'], encoding_format });
  check('embeddings ' + encoding_format, e.data.length === 2 && (encoding_format === 'base64' || e.data[1].embedding.join() === '3,0.5,-1,0'), e);
}
const m = await client.moderations.create({ input: ['hello', 'an attack'] });
check('moderations', !m.results[0].flagged && m.results[1].flagged, m);

const chat = (text, more) => client.chat.completions.create(say(text, more));
await raises(OpenAI.BadRequestError, 'bad request', () => client.chat.completions.create({ model: 'best', messages: 'no' }));
await raises(OpenAI.BadRequestError, 'refused upstream', () => chat('please refuse'), 'invalid_value');
await raises(OpenAI.PermissionDeniedError, 'blocked', () => chat('an attack'), 'content_blocked');
await raises(OpenAI.NotFoundError, 'unknown model', () => chat('hello', { model: 'none' }));
await raises(OpenAI.RateLimitError, 'limited upstream', () => chat('please limit'));
await raises(OpenAI.InternalServerError, 'failing upstream', () => chat('please fail'));
await raises(OpenAI.AuthenticationError, 'wrong key', () => client.withOptions({ apiKey: 'sk-wrong' }).models.list(), 'invalid_api_key');
await raises(OpenAI.APIError, 'cut', async () => all(await chat('please cut', { stream: true })), 'upstream_cut');
await raises(OpenAI.APIConnectionTimeoutError, 'timeout', () => client.chat.completions.create(say('please hang'), { timeout: 500 }));
console.log('gone');
const stop = new AbortController();
setTimeout(() => stop.abort(), 300);
await raises(OpenAI.APIUserAbortError, 'aborted', () => client.chat.completions.create(say('please hang'), { signal: stop.signal }));
console.log('gone');
for await (const c of await chat('please stop', { stream: true })) {
  check('first event', c.choices[0].delta.role === 'assistant', c);
  break; // leaves the stream
}
console.log('gone');
