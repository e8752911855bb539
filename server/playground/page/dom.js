// Building blocks: elements whose text is set as text, numbers for people, and
// requests to this server.

const $ = id => document.getElementById(id);

// h makes an element; strings among children become text nodes.
function h(tag, props, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k === 'class') e.className = v;
    else if (k === 'width') e.style.width = v;
    else if (k === 'grow') e.style.flexGrow = v;
    else if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.flat().filter(c => c !== null && c !== undefined && c !== false));
  return e;
}

// show replaces the children of an element.
function show(e, ...children) {
  e.replaceChildren(...children.flat().filter(Boolean));
}

const isNumber = v => typeof v === 'number' && Number.isFinite(v);

// money writes US dollars; small sums keep two digits that say something.
function money(v) {
  if (!isNumber(v)) return '–';
  if (v < 0) return '−' + money(-v);
  if (v === 0) return '$0';
  if (v >= 1) return '$' + v.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  if (v < 1e-9) return '< $0.000000001';
  return '$' + v.toFixed(Math.min(12, 1 - Math.floor(Math.log10(v))));
}

function millis(ms) {
  if (!isNumber(ms)) return '–';
  if (ms < 0.0995) return (ms * 1000).toFixed(ms < 0.00995 ? 1 : 0) + ' µs';
  if (ms < 9.95) return ms.toFixed(2) + ' ms';
  if (ms < 999.5) return ms.toFixed(ms < 99.5 ? 1 : 0) + ' ms';
  return (ms / 1000).toFixed(2) + ' s';
}

const percent = p => isNumber(p) ? (100 * p).toFixed(p > 0 && p < 0.1 || p > 0.999 && p < 1 ? 1 : 0) + ' %' : '–';
const score = p => isNumber(p) ? p.toFixed(3) : '–';
const count = (n, one, many) => n.toLocaleString('en') + ' ' + (n === 1 ? one : many || one + 's');
const title = s => s ? s[0].toUpperCase() + s.slice(1).replace(/[_-]/g, ' ') : '';
// sentence begins with a capital and ends with a full stop.
const sentence = s => s ? s[0].toUpperCase() + s.slice(1) + (/[.!?…]$/.test(s) ? '' : '.') : '';
const percentOf = p => Math.max(0, Math.min(100, 100 * (p || 0))) + '%';

const meter = (p, kind) => h('div', { class: 'meter ' + (kind || ''), 'aria-hidden': 'true' }, h('i', { width: percentOf(p) }));

// scroller holds a table that may be wider than the screen; the keyboard reaches it.
const scroller = (label, id, head, rows) => h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': label },
  h('table', { id }, h('thead', {}, h('tr', {}, head)), h('tbody', {}, rows)));

const column = (name, number) => h('th', { scope: 'col', class: number && 'num' }, name);

function card(heading, note, ...body) {
  return h('section', { class: 'card' }, h('div', { class: 'head' }, h('h2', {}, heading), note && h('span', { class: 'note' }, note)), ...body);
}

// A Failure is a request that was not answered as hoped; status 0 means not at all.
class Failure extends Error {
  constructor(status, message, id) {
    super(message);
    this.status = status;
    this.id = id;
  }
}

const keyName = 'mom.key';
let needsKey = () => {};

// ask sends a request to this server and returns its JSON.
async function ask(method, path, body, signal) {
  const headers = {};
  const key = sessionStorage.getItem(keyName);
  if (key) headers.Authorization = 'Bearer ' + key;
  if (body) headers['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Failure(0, 'The server does not answer. Is it still running?');
  }
  const id = answer.headers.get('x-request-id');
  let data = null;
  try {
    data = await answer.json();
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    if (answer.ok) throw new Failure(answer.status, 'The answer is not JSON.', id);
  }
  if (answer.ok) return { data, headers: answer.headers };
  if (answer.status === 401) needsKey(!!key);
  const err = data && data.error;
  const said = err && typeof err === 'object' ? err.message : err;
  const wait = answer.headers.get('retry-after');
  throw new Failure(answer.status, sentence(said || 'The server answered with status ' + answer.status) + (wait ? ' Try again in ' + wait + ' s.' : ''), id);
}
