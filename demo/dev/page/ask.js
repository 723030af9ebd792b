import { badge, byId, h, ms } from './dom.js';
import { events } from './stream.js';

let leaving;

/** The form: one for all aggregates. */
export function drawForm({ aggregates, tokens }) {
  const section = byId('ask');
  const fields = h('span', { class: 'fields' });
  const routes = h('select', { name: 'route', 'aria-label': 'Aggregate', onchange: () => { fill(); } }, aggregates.map(({ route }) => h('option', { value: route }, route)));
  const landed = h('div', { class: 'landed', 'aria-live': 'polite' });
  function fill() {
    const { route, fields: names } = aggregates.find((each) => each.route === routes.value);
    fields.replaceChildren(...names.map((name) => h('label', {}, name, h('input', { name: `input.${name}`, value: usual(route, name), autocomplete: 'off' }))));
  }
  fill();
  const form = h('form', { onsubmit: (event) => { event.preventDefault(); void run(form, aggregates, landed); } },
    routes, fields,
    tokens && h('label', {}, 'as user', h('input', { name: 'as', value: '42', placeholder: 'nobody', autocomplete: 'off' })),
    h('button', { class: 'main' }, 'Ask'));
  section.replaceChildren(h('p', { class: 'quiet' }, 'Asked as a stream: each part is shown when it lands.'), form, landed);
}

/** What is there to be asked for in the demo's data. What is in no path may be left out. */
function usual(route, name) {
  if (name === 'user_id') return '42';
  return route.includes(`:${name}`) ? '00000000-0000-4000-8000-000000000001' : '';
}

/** Where the form asks: its fields are the parameters of the path, and those of the query that are not empty. */
function targetOf(route, form) {
  const values = new Map([...new FormData(form)].filter(([name]) => name.startsWith('input.')).map(([name, value]) => [name.slice('input.'.length), value]));
  const path = route.replaceAll(/:(\w+)/g, (_, name) => encodeURIComponent(values.get(name) ?? ''));
  const query = new URLSearchParams([...values].filter(([name, value]) => value !== '' && !route.includes(`:${name}`)));
  return query.size > 0 ? `${path}?${query}` : path;
}

async function run(form, aggregates, landed) {
  leaving?.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { route, as } = form.elements;
  const { parts } = aggregates.find((each) => each.route === route.value);
  const rows = new Map(parts.map(({ name, required }) => [name, waiting(name, required)]));
  const end = h('p', { class: 'quiet' }, 'asking…');
  landed.replaceChildren(...rows.values(), end);
  const startedAt = performance.now();
  try {
    const reply = await fetch(`/_dev/ask${targetOf(route.value, form)}`, { headers: as?.value ? { 'x-demo-user': as.value } : {}, signal });
    const traceId = reply.headers.get('traceresponse')?.split('-')[1];
    if (reply.headers.get('content-type') === 'text/event-stream') await follow(reply, { rows, end, startedAt });
    else end.replaceChildren(badge('bad', String(reply.status)), h('pre', {}, await pretty(reply)));
    if (traceId) end.append(' ', h('a', { href: `#/requests/${traceId}` }, 'see its trace'));
    // What has not landed by now does not.
    for (const row of landed.querySelectorAll('.waiting')) row.classList.remove('waiting');
  } catch (error) {
    if (!signal.aborted) end.replaceChildren(badge('bad', 'failed'), ` ${error.message}`);
  }
}

async function follow(reply, { rows, end, startedAt }) {
  const bars = [];
  for await (const { event, data } of events(reply)) {
    const atMs = performance.now() - startedAt;
    if (event === 'part') {
      const bar = h('span', { class: `bar ${data.state}` });
      rows.get(data.part)?.replaceWith(part(data, atMs, bar));
      bars.push([bar, data.took_ms ?? atMs]);
      // Beside the slowest so far. The gateway's own times: this browser's have its way in them.
      const slowestMs = Math.max(...bars.map(([, tookMs]) => tookMs));
      for (const [each, tookMs] of bars) each.style.inlineSize = `${slowestMs > 0 ? (100 * tookMs) / slowestMs : 100}%`;
    } else if (event === 'end') {
      end.replaceChildren(badge(data.complete ? 'good' : 'odd', data.complete ? 'complete' : 'incomplete'), ` after ${ms(atMs)} as seen from here`);
    } else {
      end.replaceChildren(badge('bad', String(data.status)), ` ${data.code}: ${data.detail}`);
    }
  }
}

const waiting = (name, required) => h('div', { class: 'part' }, h('strong', {}, name), h('span', { class: 'quiet' }, required ? 'required' : 'optional'), h('span', { class: 'track waiting' }));

function part({ part: name, state, took_ms: tookMs, age_ms: ageMs, error, data }, atMs, bar) {
  const about = [ms(tookMs ?? atMs), ageMs !== undefined && `${Math.round(ageMs / 1_000)} s old`, error && `${error.code}: ${error.detail}`].filter(Boolean);
  return h('details', { class: 'part' },
    h('summary', {}, h('strong', {}, name), badge(state), h('span', { class: 'quiet' }, about.join(' · ')),
      h('span', { class: 'track' }, bar)),
    h('pre', {}, JSON.stringify(data, null, 2)));
}

async function pretty(reply) {
  const text = await reply.text();
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
