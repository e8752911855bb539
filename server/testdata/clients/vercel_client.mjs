// Vercel's AI SDK, unchanged, against the gateway at MOM_BASE, by each of its
// providers that a gateway is used with.

import { APICallError, embed, embedMany, generateObject, generateText, jsonSchema, stepCountIs, streamObject, streamText, tool } from 'ai';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { z } from 'zod';
import { base, key, TEXT, check, raises, all, city } from './check.mjs';

const openai = createOpenAI({ baseURL: base + '/v1', apiKey: key });
const compatible = createOpenAICompatible({ name: 'mom', baseURL: base + '/v1', apiKey: key, supportsStructuredOutputs: true, includeUsage: true });
const anthropic = createAnthropic({ baseURL: base + '/v1', apiKey: key });
const models = {
  'chat': openai.chat('best'), 'responses': openai.responses('best'), 'completion': openai.completion('best'),
  'compatible': compatible('auto'), 'anthropic': anthropic('claude'), 'chat of claude': openai.chat('claude'), 'anthropic of best': anthropic('best'),
};
const City = z.object({ city: z.string(), people: z.number() });
const common = { maxRetries: 0 };

console.log('vercel ai');
for (const [name, model] of Object.entries(models)) {
  const a = await generateText({ ...common, model, prompt: 'hello' });
  check('text, ' + name, a.text === TEXT && a.finishReason === 'stop' && a.usage.inputTokens === 20 && a.usage.outputTokens === 8, a.text);
  const s = streamText({ ...common, model, prompt: 'hello', onError: ({ error }) => check('stream, ' + name, false, error) });
  const pieces = await all(s.textStream);
  check('stream, ' + name, pieces.join('') === TEXT && pieces.length > 2, pieces);
  if (name === 'completion') continue; // has no tools
  const used = [];
  const weather = tool({ inputSchema: jsonSchema(city), execute: async input => { used.push(input.city); return 'sunny'; } });
  const t = await generateText({ ...common, model, prompt: 'weather in Paris?', tools: { weather }, stopWhen: stepCountIs(3) });
  check('tool and its result, ' + name, t.text === TEXT && t.steps.length === 2 && used.join() === 'Paris', [t.text, used]);
  const ts = streamText({ ...common, model, prompt: 'weather in Paris?', tools: { weather }, stopWhen: stepCountIs(3) });
  check('tool in a stream, ' + name, (await all(ts.textStream)).join('') === TEXT && used.length === 2, used);
}
for (const name of ['chat', 'responses', 'compatible']) {
  const o = await generateObject({ ...common, model: models[name], schema: City, prompt: 'where?' });
  check('object, ' + name, o.object.people === 2102650, o.object);
  const so = streamObject({ ...common, model: models[name], schema: City, prompt: 'where?' });
  const partial = await all(so.partialObjectStream);
  check('object in a stream, ' + name, (await so.object).city === 'Paris' && partial.length > 1, partial);
}
const one = await embed({ ...common, model: openai.embedding('embed-1'), value: 'abc' });
check('embedding', one.embedding.join() === '3,0.5,-1,0', one);
const many = await embedMany({ ...common, model: compatible.textEmbeddingModel('embed-1'), values: ['a', 'ab'] });
check('embeddings', many.embeddings.length === 2, many);

const failing = (text, status) => raises(APICallError, text + ' is ' + status, () => generateText({ ...common, model: models.chat, prompt: text })).then(e => check(`status ${status}`, e.statusCode === status && e.isRetryable === (status === 429 || status >= 500), e));
await failing('an attack', 403);
await failing('please refuse', 400);
await failing('please limit', 429);
await failing('please fail', 500);
let told;
const cut = streamText({ ...common, model: models.chat, prompt: 'please cut', onError: ({ error }) => { told = error; } });
await all(cut.textStream);
check('cut', told !== undefined && JSON.stringify(told).includes('upstream_cut'), told);
const stop = new AbortController();
setTimeout(() => stop.abort(), 300);
try {
  await generateText({ ...common, model: models.chat, prompt: 'please hang', abortSignal: stop.signal });
  check('aborted', false);
} catch (e) {
  check('aborted', e.name === 'AbortError', e);
}
console.log('gone');
