// Anthropic's client for Node, unchanged, against the gateway at MOM_BASE.

import Anthropic from '@anthropic-ai/sdk';
import { base, key, TEXT, check, raises, all, city } from './check.mjs';

const client = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0, timeout: 20000 });
const say = (text, more) => ({ model: 'claude', max_tokens: 100, messages: [{ role: 'user', content: text }], ...more });

console.log('anthropic for node');
const names = (await all(client.models.list())).map(m => m.id);
check('models', ['auto', 'best', 'claude'].every(n => names.includes(n)), names);
const tools = [{ name: 'weather', input_schema: city }];
for (const model of ['claude', 'best', 'auto']) {
  const a = await client.messages.create(say('hello', { model }));
  check('message, ' + model, a.content[0].text === TEXT && a.usage.output_tokens === 8, a);
  const s = await client.messages.stream(say('hello', { model })).finalMessage();
  check('stream, ' + model, s.content[0].text === TEXT && s.stop_reason === 'end_turn' && s.usage.output_tokens === 8, s);
  const t = await client.messages.stream(say('weather?', { model, tools })).finalMessage();
  check('tool in a stream, ' + model, t.content.at(-1).input.city === 'Paris' && t.stop_reason === 'tool_use', t);
}
check('count_tokens', (await client.messages.countTokens({ model: 'claude', messages: [{ role: 'user', content: 'hello' }] })).input_tokens === 20);
const ask = (text, more) => client.messages.create(say(text, more));
await raises(Anthropic.BadRequestError, 'bad request', () => ask('hello', { max_tokens: -1 }));
await raises(Anthropic.PermissionDeniedError, 'blocked', () => ask('an attack'));
await raises(Anthropic.NotFoundError, 'unknown model', () => ask('hello', { model: 'none' }));
await raises(Anthropic.RateLimitError, 'limited upstream', () => ask('please limit'));
await raises(Anthropic.InternalServerError, 'failing upstream', () => ask('please fail'));
await raises(Anthropic.AuthenticationError, 'wrong key', () => client.withOptions({ apiKey: 'sk-wrong' }).messages.create(say('hello')));
for (const model of ['claude', 'best']) {
  await raises(Anthropic.APIError, 'cut, ' + model, async () => all(await ask('please cut', { model, stream: true })));
}
await raises(Anthropic.APIConnectionTimeoutError, 'timeout', () => client.messages.create(say('please hang'), { timeout: 500 }));
console.log('gone');
