// The answer of POST /v1/route, drawn. Whatever the server sends is shown as
// text, and what is missing is left out.

// annotate splits a text into plain stretches and marks. Spans count code
// points; those that overlap an earlier one are in the table only.
function annotate(text, spans) {
  const points = Array.from(text);
  const parts = [];
  let at = 0;
  for (const s of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (s.start < at || s.end > points.length || s.end <= s.start) continue;
    if (s.start > at) parts.push(points.slice(at, s.start).join(''));
    parts.push(h('mark', { 'data-label': s.label }, points.slice(s.start, s.end).join(''), h('span', { class: 'tag' }, s.label + ' ' + score(s.score))));
    at = s.end;
  }
  if (at < points.length) parts.push(points.slice(at).join(''));
  return parts;
}

function drawVerdict(d, took) {
  const blocked = d.action === 'block';
  const why = [];
  const first = (d.reasons || []).find(x => blocked ? x.stage === 'security' : x.stage === 'cost');
  if (d.category) why.push(title(d.category) + ' (' + percent(d.confidence) + ')');
  if (d.abstained) why.push('too uncertain, so the default model');
  if (d.recipe) why.push('recipe ' + d.recipe);
  const saved = d.baseline_cost - d.cost;
  const facts = [];
  if (!blocked) {
    facts.push(['Expected cost', money(d.cost)], ['Best candidate', money(d.baseline_cost)],
      ['Saved', money(saved), d.baseline_cost > 0 ? percent(saved / d.baseline_cost) : '']);
  }
  const total = d.latency_ms && d.latency_ms.total;
  facts.push(['Time', millis(isNumber(total) ? total : took), millis(took) + ' with the network']);
  const flags = (d.flags || []).map(f => h('span', { class: 'badge ' + (f === 'jailbreak' ? 'bad' : 'warn') }, f));
  return h('section', { class: 'card verdict' + (blocked ? ' blocked' : ''), 'aria-label': 'Decision' },
    h('p', { class: 'what', id: 'decision' }, blocked ? 'Blocked' : 'Routed to ' + (d.model || 'no model')),
    h('p', { class: 'why' }, [first && first.detail, why.length > 0 && sentence(why.join(', '))].filter(Boolean).join(' ')),
    h('dl', { class: 'facts' }, facts.map(([k, v, more]) => h('div', {}, h('dt', {}, k), h('dd', {}, v, more && ' ', more && h('small', {}, more))))),
    flags.length > 0 && h('div', { class: 'badges more' }, flags));
}

function drawText(text, signals) {
  const guard = signals.guard;
  const pii = signals.pii || [];
  const attack = !!guard && guard.label === 'jailbreak';
  const notes = [];
  if (isNumber(signals.tokens)) notes.push(count(signals.tokens, 'token'));
  if (signals.windows > 1) notes.push(count(signals.windows, 'window'));
  const body = [];
  if (guard) {
    const read = [];
    if (signals.windows > 1) read.push('window ' + ((guard.window || 0) + 1));
    if (guard.view && guard.view !== 'plain') read.push('read as ' + guard.view);
    body.push(h('div', { class: 'guard', id: 'guard' },
      h('span', { class: 'badge ' + (attack ? 'bad' : 'good') }, attack ? 'Jailbreak' : 'Benign'),
      meter(guard.score, attack ? 'bad' : 'good'),
      h('span', { class: 'num' }, score(guard.score) + (read.length ? ' · ' + read.join(', ') : ''))));
  }
  body.push(h('div', { class: 'text' + (attack ? ' attack' : ''), id: 'annotated', tabindex: '0', role: 'group', 'aria-label': 'The prompt with what was found in it' }, annotate(text, pii)));
  if (pii.length > 0) {
    const points = Array.from(text);
    body.push(h('div', { class: 'more' }, scroller('Personal data, a table', 'pii', [column('Type'), column('Text'), column('Score', true), column('Found by')],
      pii.map(s => h('tr', {}, h('td', {}, h('span', { class: 'badge warn' }, s.label)), h('td', { class: 'code' }, points.slice(s.start, s.end).join('')), h('td', { class: 'num' }, score(s.score)), h('td', {}, s.by || '–'))))));
  }
  const found = [];
  if (guard) found.push(attack ? 'an attack' : 'no attack');
  found.push(pii.length ? count(pii.length, 'piece') + ' of personal data' : 'no personal data');
  return card('Guard', [found.join(', '), ...notes].join(' · '), ...body);
}

function drawIntent(intent) {
  if (!intent || intent.length === 0) return card('Intent', '', h('p', { class: 'note' }, 'Not asked for by this recipe.'));
  const row = (x, i) => h('div', { class: 'row', role: 'listitem' }, h('span', { class: i === 0 ? 'first' : '' }, title(x.label)), meter(x.score), h('span', { class: 'num' }, percent(x.score)));
  const bars = (list, from) => h('div', { class: 'bars', role: 'list' }, list.map((x, i) => row(x, i + from)));
  const rest = intent.slice(6);
  return card('Intent', count(intent.length, 'category', 'categories'), bars(intent.slice(0, 6), 0),
    rest.length > 0 && h('details', { class: 'more' }, h('summary', {}, rest.length + ' more'), bars(rest, 6)));
}

const stageNames = { parse: 'Parse', tokenize: 'Tokenize', queue: 'Queue', classify: 'Classify', decide: 'Decide', total: 'Total' };

function drawLatency(latency, took) {
  const all = Object.entries(latency || {}).filter(([, v]) => isNumber(v));
  const stages = all.filter(([k]) => k !== 'total');
  const total = isNumber(latency && latency.total) ? latency.total : stages.reduce((s, [, v]) => s + v, 0);
  const rest = total - stages.reduce((s, [, v]) => s + v, 0);
  if (rest > 0 && stages.length > 0) stages.push(['other', rest]);
  const rows = stages.map(([k, v], i) => [stageNames[k] || title(k), v, 'k' + (i % 6 + 1)]);
  return card('Latency', 'total ' + millis(total),
    h('div', { class: 'timeline', 'aria-hidden': 'true' }, rows.map(([, v, k]) => h('i', { class: k, grow: String(v) }))),
    h('div', { class: 'bars', role: 'list' }, rows.map(([name, v, k]) => h('div', { class: 'row', role: 'listitem' },
      h('span', { class: 'legend' }, h('span', {}, h('i', { class: k }), name)), h('span', {}), h('span', { class: 'num' }, millis(v)))),
      h('div', { class: 'row', role: 'listitem' }, h('span', { class: 'note' }, 'Seen here'), h('span', {}), h('span', { class: 'num' }, millis(took)))));
}

function verdictKind(v) {
  if (/block|deny|attack|jailbreak/i.test(v)) return 'bad';
  if (/mask|flag|abstain|default|pinned|stay/i.test(v)) return 'warn';
  return '';
}

function drawReasons(reasons) {
  if (!reasons || reasons.length === 0) return null;
  return card('Why', count(reasons.length, 'stage'), h('ol', { class: 'steps', id: 'reasons' }, reasons.map(r => {
    const scores = Object.entries(r.scores || {}).filter(([, v]) => isNumber(v));
    const top = scores.slice(0, 6).map(([k, v]) => h('span', {}, k + ' ' + (/cost$/.test(k) ? money(v) : score(v))));
    if (scores.length > 6) top.push(h('span', {}, 'and ' + (scores.length - 6) + ' more'));
    return h('li', {}, h('span', { class: 'stage' }, title(r.stage)),
      h('div', {}, h('span', { class: 'badge ' + verdictKind(r.verdict || '') }, r.verdict || '–'), ' ', h('span', { class: 'detail' }, r.detail || '')),
      top.length > 0 && h('div', { class: 'scores' }, top));
  })));
}

// beside compares a candidate that could serve with the one that was chosen.
function beside(c, chosen) {
  if (!chosen) return 'can serve';
  if (c.cost > chosen.cost && c.quality > chosen.quality) return 'better, but dearer';
  if (c.cost < chosen.cost && c.quality < chosen.quality) return 'cheaper, but less good';
  return 'can serve';
}

function drawCandidates(d) {
  const list = d.candidates || [];
  if (list.length === 0) return null;
  const taken = d.action !== 'block' && list.find(c => c.model === d.model);
  const row = c => {
    const chosen = c === taken;
    return h('tr', { class: chosen ? 'chosen' : c.ruled_out ? 'out' : '' }, h('td', {}, c.model),
      h('td', {}, meter(c.quality, chosen ? 'good' : ''), h('span', { class: 'num' }, score(c.quality))), h('td', { class: 'num' }, money(c.cost)),
      h('td', { class: 'wrap' }, chosen ? h('span', { class: 'badge good' }, 'Chosen') : c.ruled_out || beside(c, taken)));
  };
  return card('Candidates', 'expected quality and cost of this request', scroller('Candidates, a table', 'candidates',
    [column('Model'), column('Quality'), column('Cost', true), column('Outcome')], list.map(row)));
}

// drawResult draws an answer that took this many milliseconds to come.
function drawResult(text, r, took) {
  const found = r.signals || {};
  return [drawVerdict(r, took), drawText(text, found), h('div', { class: 'two' }, drawIntent(found.intent), drawLatency(r.latency_ms, took)), drawReasons(r.reasons), drawCandidates(r),
    r.id && h('p', { class: 'note' }, h('span', {}, 'Decision ', h('span', { class: 'code' }, r.id)))];
}

const drawNothing = () => h('div', { class: 'card empty' }, h('strong', {}, 'Nothing run yet'), h('p', {}, 'Type a prompt, or start with an example. The decision, what was found in the text and what it would cost appear here.'));

function drawFailure(e, again) {
  const heads = { 0: 'No answer', 401: 'A key is needed', 403: 'Not allowed', 413: 'The prompt is too long', 429: 'The server is busy', 503: 'The server is busy' };
  return h('section', { class: 'card failure', role: 'alert' }, h('h2', {}, heads[e.status] || 'The prompt could not be routed'), h('p', {}, e.message),
    e.id && h('p', {}, 'Request ', h('span', { class: 'code' }, e.id)), h('div', { class: 'actions' }, h('button', { type: 'button', class: 'quiet', onclick: again }, 'Try again')));
}
