// Two charts over time, as SVG: stacked bars and lines. A series is
// {name, kind, values}: kind is a colour class, values has a number or null for
// each point in times.

const svgns = 'http://www.w3.org/2000/svg';

function shape(tag, attrs, ...children) {
  const e = document.createElementNS(svgns, tag);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

// nice rounds up to 1, 2, 2.5 or 5 times a power of ten.
function nice(v) {
  if (!(v > 0)) return 1;
  const p = 10 ** Math.floor(Math.log10(v));
  return p * [1, 2, 2.5, 5, 10].find(m => m * p >= v * 0.999999);
}

const clock = (t, span) => new Date(t * 1000).toLocaleTimeString('en-GB', span < 1200 ? { hour: '2-digit', minute: '2-digit', second: '2-digit' } : { hour: '2-digit', minute: '2-digit' });

// chart returns a card. It is drawn again when its width changes.
function chart(o) {
  const legend = h('div', { class: 'legend' });
  const svg = shape('svg', { class: 'chart', role: 'img', 'aria-label': o.heading + '. ' + o.summary });
  const totals = o.series.map(x => x.total);
  const label = at => show(legend, ...o.series.map((x, i) => h('span', {}, h('i', { class: x.kind }), x.name + (at === null ? totals[i] ? ' ' + totals[i] : '' : ' ' + (isNumber(x.values[at]) ? o.format(x.values[at]) : '–')))),
    at !== null && h('span', {}, clock(o.times[at], 0)));
  label(null);
  const draw = () => {
    const w = Math.max(200, svg.clientWidth || 480), ht = 190, left = 46, right = 6, top = 8, bottom = 22;
    const n = o.times.length, iw = w - left - right, ih = ht - top - bottom;
    const sums = o.times.map((_, i) => o.series.reduce((a, x) => a + (x.values[i] || 0), 0));
    const peak = Math.max(0, ...(o.stacked ? sums : o.series.flatMap(x => x.values.filter(isNumber))));
    const max = nice(o.whole ? Math.max(peak, 4) : peak || o.least);
    const x = i => left + (n > 1 ? iw * (o.stacked ? (i + 0.5) / n : i / (n - 1)) : iw / 2);
    const y = v => top + ih * (1 - v / max);
    svg.setAttribute('viewBox', '0 0 ' + w + ' ' + ht);
    const parts = [];
    for (const f of [0, 0.5, 1]) {
      parts.push(shape('line', { class: 'grid', x1: left, x2: w - right, y1: y(max * f), y2: y(max * f) }));
      parts.push(shape('text', { x: left - 8, y: y(max * f) + 4, 'text-anchor': 'end' }, o.axis(max * f)));
    }
    const span = n > 1 ? o.times[n - 1] - o.times[0] : 0;
    const ticks = w > 420 ? [0, 0.5, 1] : [0, 1];
    for (const f of ticks) {
      if (n === 0) break;
      const i = Math.round(f * (n - 1));
      parts.push(shape('text', { x: left + iw * f, y: ht - 5, 'text-anchor': f === 0 ? 'start' : f === 1 ? 'end' : 'middle' }, clock(o.times[i], span)));
    }
    parts.push(...(o.stacked ? bars(o, x, y, iw / Math.max(n, 1)) : lines(o, x, y)));
    const cross = shape('line', { class: 'cross', y1: top, y2: top + ih, x1: left, x2: left, visibility: 'hidden' });
    parts.push(cross);
    svg.replaceChildren(...parts);
    svg.onpointermove = e => {
      const px = (e.clientX - svg.getBoundingClientRect().left) / svg.clientWidth * w;
      const i = Math.max(0, Math.min(n - 1, o.stacked ? Math.floor((px - left) / iw * n) : Math.round((px - left) / iw * (n - 1))));
      if (n === 0) return;
      cross.setAttribute('x1', x(i));
      cross.setAttribute('x2', x(i));
      cross.setAttribute('visibility', 'visible');
      label(i);
    };
    svg.onpointerleave = () => {
      cross.setAttribute('visibility', 'hidden');
      label(null);
    };
  };
  const box = card(o.heading, '', svg, h('div', { class: 'more' }, legend));
  const watch = new ResizeObserver(() => box.isConnected ? draw() : watch.disconnect());
  watch.observe(box);
  return box;
}

function bars(o, x, y, step) {
  const parts = [];
  const w = Math.max(1, Math.min(40, step * 0.62));
  o.times.forEach((_, i) => {
    let below = 0;
    for (const q of o.series) {
      const v = q.values[i] || 0;
      if (v <= 0) continue;
      parts.push(shape('rect', { class: 'fill ' + q.kind, x: x(i) - w / 2, width: w, y: y(below + v), height: Math.max(0.5, y(below) - y(below + v)), rx: Math.min(2, w / 3) }));
      below += v;
    }
  });
  return parts;
}

function lines(o, x, y) {
  const parts = [];
  for (const q of o.series) {
    let run = [];
    const end = () => {
      if (run.length === 1) parts.push(shape('circle', { class: 'dot ' + q.kind, cx: run[0][0], cy: run[0][1], r: 2.5 }));
      if (run.length > 1) {
        const path = 'M' + run.map(p => p[0].toFixed(1) + ' ' + p[1].toFixed(1)).join('L');
        if (q.area) parts.push(shape('path', { class: 'area ' + q.kind, d: path + 'L' + run[run.length - 1][0].toFixed(1) + ' ' + y(0) + 'L' + run[0][0].toFixed(1) + ' ' + y(0) + 'Z' }));
        parts.push(shape('path', { class: 'stroke ' + q.kind, d: path }));
      }
      run = [];
    };
    q.values.forEach((v, i) => isNumber(v) ? run.push([x(i), y(v)]) : end());
    end();
  }
  return parts;
}
