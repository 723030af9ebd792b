// A client as any page could be one: EventSource for what stays true, and fetch where a service has no live answers.
import { events } from '../_dev/stream.js';

const byId = (id) => document.getElementById(id);
/** Texts are texts, never markup: nothing that a service says is run. */
function h(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const { gateway } = await (await fetch('/_dev/service')).json();
const path = '/api/aggregated';
const form = byId('who');
/** By the part's name: its card, the lines that are shown, and how often it has come. */
let parts = new Map();
let leave = () => undefined;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  watch(form.elements.user.value.trim());
});
watch(new URLSearchParams(location.search).get('user') ?? form.elements.user.value);

function watch(user) {
  leave();
  form.elements.user.value = user;
  parts = new Map();
  byId('parts').replaceChildren();
  byId('statement').textContent = `update users set data = data || '{"name": "Ada Lovelace"}' where id = ${/^\d+$/.test(user) ? user : 42};`;
  say('asking', 'asking…');
  const query = `?${new URLSearchParams({ user_id: user })}`;
  const source = new EventSource(`${gateway}${path}/live${query}`);
  leave = () => { source.close(); };
  source.addEventListener('open', () => { say('open', 'live: what changes is shown by itself'); });
  source.addEventListener('part', ({ data }) => { show(JSON.parse(data)); });
  source.addEventListener('problem', ({ data }) => { say('failed', problemText(JSON.parse(data))); });
  source.addEventListener('error', () => {
    // A stream that ended is opened again by the browser. One that was refused is not, and EventSource does not say why.
    if (source.readyState === EventSource.CLOSED) void askOnce(query);
    else say('asking', 'opened again…');
  });
}

async function askOnce(query) {
  const leaving = new AbortController();
  leave = () => { leaving.abort(); };
  try {
    const reply = await fetch(`${gateway}${path}${query}`, { headers: { accept: 'text/event-stream' }, signal: leaving.signal });
    if (!reply.ok) return say('failed', problemText(await reply.json()));
    for await (const { event, data } of events(reply)) {
      if (event === 'part') show(data);
      else if (event === 'end') say('ended', data.complete ? 'complete; asked once, since there are no live answers here' : 'incomplete; asked once');
      else say('failed', problemText(data));
    }
  } catch (error) {
    if (!leaving.signal.aborted) say('failed', error.message);
  }
}

const problemText = ({ status, code, detail }) => `${status} ${code}: ${detail}`;

function say(kind, text) {
  byId('state').dataset.kind = kind;
  byId('state').textContent = text;
}

/** A part that landed, or landed again: lines that were not there before are marked. */
function show({ part: name, state, age_ms: ageMs, error, data }) {
  const known = parts.get(name) ?? { card: byId('parts').appendChild(h('article', { id: `part-${name}` })), lines: undefined, times: 0 };
  const lines = data === undefined ? (known.lines ?? []) : JSON.stringify(data, null, 2).split('\n');
  const before = known.lines && new Set(known.lines);
  parts.set(name, { card: known.card, lines, times: known.times + 1 });
  const told = [state, ageMs !== undefined && `${Math.round(ageMs / 1_000)} s old`, known.times > 0 && `came ${known.times + 1} times`, error && `${error.code}: ${error.detail}`];
  known.card.dataset.state = state;
  known.card.replaceChildren(
    h('h2', {}, name),
    h('p', {}, told.filter(Boolean).join(' · ')),
    h('pre', {}, ...lines.flatMap((line) => [!before || before.has(line) ? line : h('mark', {}, line), '\n'])),
  );
}
