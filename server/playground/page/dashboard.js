// The live dashboard: asked for again every few seconds while it can be seen.

const board = { seconds: 900, timer: 0, wait: 0, call: null, shown: '' };
const pause = 3000; // between two looks, in milliseconds

function drawBoard(sum, recent) {
  if (!sum.enabled) {
    return [h('div', { class: 'card empty' }, h('strong', {}, 'Decisions are not kept'), h('p', {}, 'Set state.path in the configuration to see figures here. :memory: keeps them until the server stops.')),
      recent.length > 0 && drawRecent(recent)];
  }
  const t = sum.totals;
  if (!t.requests && recent.length === 0) {
    return [h('div', { class: 'card empty' }, h('strong', {}, 'No decisions in this time'), h('p', {}, 'Run a prompt above, or send requests to /v1/chat/completions. They appear here within seconds.'))];
  }
  return [drawTiles(t), ...drawCharts(sum), h('div', { class: 'two' }, drawShares('Models', sum.models, t.requests, 'blocked'), drawShares('Categories', sum.categories, t.requests, 'unknown')), drawRecent(recent)];
}

function drawTiles(t) {
  const share = n => t.requests ? percent(n / t.requests) + ' of all' : '';
  const tiles = [
    ['Decisions', t.requests.toLocaleString('en'), t.failed ? count(t.failed, 'answer') + ' failed' : 'none failed'],
    ['Blocked', t.blocked.toLocaleString('en'), share(t.blocked)],
    ['Cost', money(t.cost), 'best candidates ' + money(t.baseline_cost)],
    ['Saved', money(t.saved), t.baseline_cost > 0 ? percent(t.saved / t.baseline_cost) : ''],
    ['p50', t.requests ? millis(t.p50_ms) : '–', 'half are faster'],
    ['p99', t.requests ? millis(t.p99_ms) : '–', 'one in 100 is slower'],
  ];
  return h('dl', { class: 'tiles', id: 'tiles' }, tiles.map(([k, v, more]) => h('div', { class: 'card tile' }, h('dt', {}, k), h('dd', {}, v, h('small', {}, more)))));
}

function drawCharts(sum) {
  const all = sum.series;
  const times = all.map(p => p.t);
  const of = f => all.map(f);
  const t = sum.totals;
  const perMinute = 60 / sum.step;
  const number = v => v >= 1000 ? (v / 1000).toFixed(1) + 'k' : String(Math.round(v * 100) / 100);
  const requests = chart({
    heading: 'Decisions over time', summary: count(t.requests, 'decision') + ', ' + t.blocked + ' blocked', times, stacked: true, whole: true, axis: number,
    format: v => number(v) + ' (' + number(v * perMinute) + '/min)',
    series: [{ name: 'Routed', kind: 'k1', values: of(p => p.routed), total: (t.requests - t.blocked).toLocaleString('en') }, { name: 'Blocked', kind: 'kbad', values: of(p => p.blocked), total: t.blocked.toLocaleString('en') }],
  });
  const latency = chart({
    heading: 'Latency', summary: 'median ' + millis(t.p50_ms) + ', 99th percentile ' + millis(t.p99_ms), times, axis: v => v === 0 ? '0' : millis(v).replace(/\.0+ /, ' '), least: 1, format: millis,
    series: [{ name: 'p50', kind: 'k2', values: of(p => p.requests ? p.p50_ms : null), total: millis(t.p50_ms) }, { name: 'p99', kind: 'k3', values: of(p => p.requests ? p.p99_ms : null), total: millis(t.p99_ms) }],
  });
  let cost = 0, base = 0;
  const sums = all.map(p => [cost += p.cost, base += p.baseline_cost]);
  const saving = chart({
    heading: 'Cost, added up', summary: 'cost ' + money(t.cost) + ' against ' + money(t.baseline_cost) + ' from the best candidates', times, least: 1e-6, format: money, axis: money,
    series: [{ name: 'Best candidates', kind: 'k6', values: sums.map(x => x[1]), total: money(t.baseline_cost), area: true }, { name: 'Cost', kind: 'k1', values: sums.map(x => x[0]), total: money(t.cost), area: true }],
  });
  return [requests, h('div', { class: 'two' }, latency, saving)];
}

function drawShares(heading, list, total, none) {
  const top = (list || []).slice(0, 8);
  if (top.length === 0) return card(heading, '', h('p', { class: 'note' }, 'None yet.'));
  return card(heading, list.length > 8 ? 'the first 8 of ' + list.length : '', h('div', { class: 'bars', role: 'list' }, top.map(x => h('div', { class: 'row', role: 'listitem' },
    h('span', {}, x.name || none), meter(total ? x.requests / total : 0), h('span', { class: 'num' }, x.requests.toLocaleString('en') + (x.cost > 0 ? ' · ' + money(x.cost) : ''))))));
}

function ago(unix) {
  const s = Math.max(0, Date.now() / 1000 - unix);
  if (s < 60) return Math.round(s) + ' s ago';
  if (s < 5400) return Math.round(s / 60) + ' min ago';
  return s < 129600 ? Math.round(s / 3600) + ' h ago' : Math.round(s / 86400) + ' days ago';
}

function drawRecent(list) {
  const row = d => {
    const blocked = d.action === 'block', failed = d.status >= 400;
    const about = d.estimated ? '≈ ' : '';
    const badge = blocked ? h('span', { class: 'badge bad' }, 'Blocked') : h('span', { class: 'badge ' + (failed ? 'warn' : 'good') }, d.model + (failed ? ' · ' + d.status : ''));
    return h('tr', {}, h('td', { title: d.id }, ago(d.time)), h('td', {}, badge), h('td', {}, title(d.category) || '–'), h('td', {}, d.recipe || '–'), h('td', {}, (d.flags || []).join(', ') || '–'),
      h('td', { class: 'num' }, blocked ? '–' : about + money(d.cost)), h('td', { class: 'num' }, blocked ? '–' : about + money(d.baseline_cost - d.cost)), h('td', { class: 'num' }, millis(d.ms)));
  };
  return card('Latest decisions', list.some(d => d.estimated) && '≈ expected; no model was asked', scroller('Latest decisions, a table', 'recent',
    [...['When', 'Outcome', 'Category', 'Recipe', 'Flags'].map(x => column(x)), ...['Cost', 'Saved', 'Time'].map(x => column(x, true))], list.map(row)));
}

async function look() {
  clearTimeout(board.timer);
  if (document.hidden) return;
  if (board.call) board.call.abort();
  const call = board.call = new AbortController();
  try {
    const [sum, recent] = await Promise.all([ask('GET', '/playground/summary?seconds=' + board.seconds, null, call.signal), ask('GET', '/playground/recent?limit=12', null, call.signal)]);
    board.wait = pause;
    $('watch-note').textContent = 'Counts and costs only; no prompt is kept.';
    $('version').textContent = sum.data.version ? 'mom ' + sum.data.version : '';
    // Nothing moves under a reader when nothing has happened.
    const now = JSON.stringify([board.seconds, sum.data.enabled, sum.data.totals, recent.data.decisions, Math.floor(sum.data.now / (sum.data.step || 1))]);
    if (now !== board.shown) {
      board.shown = now;
      if ($('board').contains(document.activeElement)) {
        board.shown = '';
        $('watch-note').textContent = 'Held still while the focus is in it.';
      } else {
        show($('board'), drawBoard(sum.data, recent.data.decisions));
      }
    }
  } catch (e) {
    if (e.name === 'AbortError') return;
    board.wait = Math.min(30000, Math.max(pause, board.wait) * 2);
    board.shown = '';
    $('watch-note').textContent = 'Not up to date: ' + e.message;
    if (!$('board').firstChild) show($('board'), h('div', { class: 'card empty' }, h('strong', {}, e.status === 401 ? 'A key is needed' : 'No figures'), h('p', {}, e.message)));
    if (e.status === 401) return; // until there is a key
  }
  board.timer = setTimeout(look, board.wait);
}

function startBoard() {
  $('range').addEventListener('change', e => {
    board.seconds = Number(e.target.value);
    look();
  });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
  look();
}
