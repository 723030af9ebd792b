import { badge, byId, clock, h, ms } from './dom.js';

/** As many as the other side keeps: a tab that is left open for a day must not grow. */
const shownMax = 500;

const known = new Map();
let drawing = false;
let chosen;

export const isError = ({ status }) => status >= 500;
const isIncomplete = ({ missing }) => Object.keys(missing).length > 0;

/** Shows what is told of requests from now on; `whole` replaces all that was known. */
export function tell(requests, whole) {
  if (whole) known.clear();
  for (const request of requests) known.set(request.traceId, request);
  if (known.size > shownMax) {
    const oldest = newestFirst().slice(shownMax);
    for (const { traceId } of oldest) known.delete(traceId);
  }
  draw();
}

/** Marks the one whose trace is looked at. */
export function choose(traceId) {
  chosen = traceId;
  draw();
}

export function watchFilter() {
  const form = byId('filter');
  form.addEventListener('input', draw);
  form.addEventListener('submit', (event) => { event.preventDefault(); });
}

const newestFirst = () => [...known.values()].toSorted((a, b) => b.atMs - a.atMs);

/** Once a frame at most, however much is told. */
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const shown = newestFirst().filter(wanted());
    byId('count').textContent = shown.length === known.size ? `${known.size} requests` : `${shown.length} of ${known.size} requests`;
    const hint = known.size === 0 ? 'No requests yet. Ask something, here or with curl.' : 'None of them is of this kind.';
    byId('list').replaceChildren(...(shown.length > 0 ? shown.map(row) : [h('li', { class: 'empty' }, hint)]));
  });
}

/** Of several kinds that are ticked, a request has to be one. */
function wanted() {
  const { text, slow, incomplete, error } = byId('filter').elements;
  const words = text.value.trim().toLowerCase();
  const kinds = [slow.checked && ((each) => each.slow), incomplete.checked && isIncomplete, error.checked && isError].filter(Boolean);
  return (request) =>
    (words === '' || request.traceId.startsWith(words) || request.route.toLowerCase().includes(words))
    && (kinds.length === 0 || kinds.some((is) => is(request)));
}

function row(request) {
  const { traceId, atMs, method, route, status, durationMs, missing, code, slow } = request;
  return h('li', {}, h('a', { href: `#/requests/${traceId}`, 'aria-current': traceId === chosen && 'true' },
    badge(isError(request) ? 'bad' : status >= 400 ? 'odd' : 'good', String(status)),
    h('span', { class: 'what' }, `${method} ${route}`),
    h('span', { class: slow ? 'took slow' : 'took' }, ms(durationMs)),
    h('span', { class: 'quiet' }, clock(atMs), slow && ' · slow', code && ` · ${code}`),
    h('span', { class: 'missing' }, isIncomplete(request) && `without ${Object.keys(missing).join(', ')}`),
  ));
}
