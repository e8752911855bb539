package playground

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// contrasts finds texts whose contrast with what is behind them is below 4.5,
// or below 3 where they are large (WCAG 2.2, 1.4.3), from computed styles.
const contrasts = `(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return { r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1 }; };
  const over = (f, b) => ({ r: f.r * f.a + b.r * (1 - f.a), g: f.g * f.a + b.g * (1 - f.a), b: f.b * f.a + b.b * (1 - f.a), a: 1 });
  const light = c => { const l = [c.r, c.g, c.b].map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const behind = e => {
    const layers = [];
    for (let n = e; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor); if (c.a > 0) layers.push(c); if (c.a === 1) break; }
    return layers.reverse().reduce((b, f) => over(f, b), { r: 255, g: 255, b: 255, a: 1 });
  };
  const bad = [];
  let seen = 0;
  const check = (e, text, color) => {
    const style = getComputedStyle(e), b = behind(e), f = over(parse(color), b);
    const ratio = (Math.max(light(f), light(b)) + 0.05) / (Math.min(light(f), light(b)) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    seen++;
    if (ratio < (large ? 3 : 4.5)) bad.push(text.trim().slice(0, 30) + ' ' + ratio.toFixed(2) + ' (' + e.tagName + '.' + e.className + ')');
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || ['SCRIPT', 'STYLE', 'NOSCRIPT', 'OPTION'].includes(e.tagName) || e.closest('.unseen, .skip') || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    check(e, n.data, e.namespaceURI.endsWith('svg') ? style.fill : style.color);
  }
  for (const e of document.querySelectorAll('textarea, select, input[type=password]')) if (e.checkVisibility()) check(e, e.id, getComputedStyle(e).color);
  for (const e of document.querySelectorAll('textarea')) check(e, 'placeholder', getComputedStyle(e, '::placeholder').color);
  return { bad, seen };
})()`

// basics are rules that need no judgement.
const basics = `(() => {
  const bad = [], ids = new Set();
  for (const e of document.querySelectorAll('[id]')) { if (ids.has(e.id)) bad.push('id twice: ' + e.id); ids.add(e.id); }
  for (const e of document.querySelectorAll('[for], [aria-labelledby], [aria-describedby]'))
    for (const a of ['for', 'aria-labelledby', 'aria-describedby']) for (const id of (e.getAttribute(a) || '').split(' ')) if (id && !ids.has(id)) bad.push(a + ' names nothing: ' + id);
  if (document.documentElement.lang !== 'en' || !document.title) bad.push('no language or title');
  if (document.querySelectorAll('h1').length !== 1 || document.querySelectorAll('main').length !== 1) bad.push('want one h1 and one main');
  let level = 0;
  for (const e of document.querySelectorAll('h1, h2, h3')) { const l = Number(e.tagName[1]); if (l > level + 1) bad.push('heading leaps: ' + e.textContent); level = l; }
  for (const e of document.querySelectorAll('svg')) if (!e.getAttribute('aria-label') && e.getAttribute('aria-hidden') !== 'true') bad.push('a drawing without words');
  for (const e of document.querySelectorAll('th')) if (!e.scope) bad.push('th without scope');
  for (const e of document.querySelectorAll('button, select, textarea, .switch label, input[type=range], nav a')) {
    const r = e.getBoundingClientRect();
    if (e.checkVisibility() && (r.height < 24 || r.width < 24)) bad.push('small target: ' + e.id + e.textContent.slice(0, 20) + ' ' + r.width + 'x' + r.height);
  }
  for (const e of document.querySelectorAll('.scroll, .text')) if (e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0 && !e.querySelector('[tabindex], button, a')) bad.push('scrolls, but not by keyboard: ' + e.className);
  if (document.documentElement.scrollWidth > innerWidth) bad.push('the page scrolls sideways: ' + document.documentElement.scrollWidth + ' > ' + innerWidth);
  return bad;
})()`

// TestBrowserAccess asserts names, contrast, targets and layout, in both colour
// schemes, on a desktop and on a phone, before and after a run.
func TestBrowserAccess(t *testing.T) {
	b := open(t, 1280, 900)
	s := &scripted{}
	base := s.start(t)
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for _, width := range []int{1280, 360} {
			b.size(width, 800)
			b.run(chromedp.Navigate(base))
			b.wait(`document.querySelector('#examples button')`)
			if got := eval[string](b, `document.documentElement.dataset.theme`); got != scheme {
				t.Fatalf("the system prefers %s, the page is %s", scheme, got)
			}
			where := fmt.Sprintf("%s, %d wide", scheme, width)
			audit(t, b, where+", empty")
			eval[bool](b, `document.querySelector('#examples button:nth-child(1)').click() || true`)
			b.wait(`document.querySelector('#decision') && document.querySelector('#recent tbody tr')`)
			audit(t, b, where+", blocked")
			eval[bool](b, `document.querySelector('#examples button:nth-child(2)').click() || true`)
			b.wait(`document.querySelector('#candidates')`)
			audit(t, b, where+", routed")
		}
	}
	// The switch counts for more than the system, and is remembered.
	eval[bool](b, `document.querySelector('#theme input[value=light]').click() || true`)
	b.run(chromedp.Navigate(base))
	b.wait(`document.documentElement.dataset.theme === 'light' && document.querySelector('#theme input[value=light]').checked`)
	b.quiet(base)
}

func audit(t *testing.T, b *tab, where string) {
	t.Helper()
	c := eval[struct {
		Bad  []string `json:"bad"`
		Seen int      `json:"seen"`
	}](b, contrasts)
	if c.Seen < 30 {
		t.Errorf("%s: only %d texts were looked at", where, c.Seen)
	}
	for _, x := range c.Bad {
		t.Errorf("%s: contrast: %s", where, x)
	}
	for _, x := range eval[[]string](b, basics) {
		t.Errorf("%s: %s", where, x)
	}
	// What the browser tells a screen reader.
	controls := []string{"button", "textbox", "combobox", "slider", "radio", "link", "image", "table", "dialog", "DisclosureTriangle"}
	n := 0
	for _, node := range command(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role := strings.Trim(string(node.Role.Value), `"`)
		if !slices.Contains(controls, role) || role == "table" {
			continue
		}
		n++
		if node.Name == nil || strings.Trim(string(node.Name.Value), `" `) == "" {
			t.Errorf("%s: a %s without a name: %s", where, role, node.NodeID)
		}
	}
	if n < 12 {
		t.Errorf("%s: only %d controls were looked at", where, n)
	}
}

// focused is what has the focus, and whether it can be seen: an outline of two
// pixels, of the element or of the one that stands for it, with contrast 3.
const focused = `(() => {
  const e = document.activeElement;
  const shown = e.type === 'radio' ? e.nextElementSibling : e;
  const s = getComputedStyle(shown), r = shown.getBoundingClientRect();
  const name = e.id || e.getAttribute('aria-label') || (e.type === 'radio' ? e.name + ':' + e.value : e.textContent.trim());
  const parse = c => c.match(/[\d.]+/g).map(Number);
  const light = c => { const l = c.slice(0, 3).map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  let back = shown.parentElement; while (back.parentElement && parse(getComputedStyle(back).backgroundColor)[3] === 0) back = back.parentElement;
  const a = light(parse(s.outlineColor)), c = light(parse(getComputedStyle(back).backgroundColor));
  return { name, seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && (Math.max(a, c) + .05) / (Math.min(a, c) + .05) >= 3, onScreen: r.bottom > 0 && r.top < innerHeight && r.width > 0 };
})()`

// TestBrowserFocus walks through the page by Tab alone.
func TestBrowserFocus(t *testing.T) {
	b := open(t, 1280, 900)
	s := &scripted{}
	base := s.start(t)
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		b.run(chromedp.Navigate(base))
		b.wait(`document.querySelectorAll('#model option').length === 4`)
		want := []string{
			"Skip to the playground", "mom, to the playground", "Playground", "Dashboard", "theme:auto", "prompt",
			"Injection with an IBAN", "A proof", "Contract law", "Personal data", "Small talk", "Code", "model", "tradeoff", "run", "range:900",
		}
		var got []string
		for range want {
			b.press(tabKey)
			f := eval[struct {
				Name     string `json:"name"`
				Seen     bool   `json:"seen"`
				OnScreen bool   `json:"onScreen"`
			}](b, focused)
			got = append(got, f.Name)
			if !f.Seen || !f.OnScreen {
				t.Errorf("%s: the focus on %q cannot be seen: %+v", scheme, f.Name, f)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the focus goes\n%q, want\n%q", scheme, got, want)
		}
	}
}
