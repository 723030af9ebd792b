import { badge, byId, clock, h, ms } from './dom.js';

/** As many as the other side keeps, and chosen as there: a tab that is left open for a day must not grow. */
const shownMax = 500;
const remarkableMax = 250;
const oldestMax = 10;
/** Rows at first, and more with each click: laying out hundreds ten times a second would take all of a processor. */
const rowsAtOnce = 100;
/** How often the list is drawn anew at most. */
const drawMs = 200;

/** By trace id: the request, and its row as long as nothing about it changes, so that focus and scrolling stay where they are. */
const known = new Map();
let drawing = false;
let drawnAt = -drawMs;
let rowsMax = rowsAtOnce;
let chosen;

const isError = ({ status }) => status >= 500;
export const statusBadge = ({ status }) => badge(status >= 500 ? 'bad' : status >= 400 ? 'odd' : 'good', String(status));
const isIncomplete = ({ missing }) => Object.keys(missing).length > 0;
const isRemarkable = (request) => request.slow || isError(request) || request.status === 499 || isIncomplete(request);
const kinds = { slow: ({ slow }) => slow, incomplete: isIncomplete, error: isError };

/** Shows what is told of requests from now on; `whole` replaces all that was known. */
export function tell(requests, whole) {
  if (whole) known.clear();
  for (const request of requests) known.set(request.traceId, { request });
  forget();
  draw();
}

/** Those that are worth a look outlive the others: one in a thousand would else be gone before anybody has looked. */
function forget() {
  if (known.size <= shownMax) return;
  const [remarkable, ordinary] = [[], []];
  for (const entry of entries(newest)) (isRemarkable(entry.request) ? remarkable : ordinary).push(entry);
  const gone = [...leastRemarkable(remarkable), ...ordinary.slice(shownMax - Math.min(remarkable.length, remarkableMax))];
  for (const { request: { traceId } } of gone) known.delete(traceId);
}

/** Those above the bound: each time, of the ten oldest the quickest. */
function leastRemarkable(remarkable) {
  const gone = [];
  while (remarkable.length > remarkableMax) {
    const oldest = remarkable.slice(-oldestMax).toReversed();
    const quickest = oldest.reduce((least, each) => (each.request.durationMs < least.request.durationMs ? each : least));
    gone.push(...remarkable.splice(remarkable.indexOf(quickest), 1));
  }
  return gone;
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
  byId('list').addEventListener('keydown', step);
  byId('more').addEventListener('click', () => {
    rowsMax = Math.min(rowsMax + rowsAtOnce, shownMax);
    draw();
  });
}

const newest = (a, b) => b.request.atMs - a.request.atMs;
const slowest = (a, b) => b.request.durationMs - a.request.durationMs;
const entries = (order) => [...known.values()].toSorted(order);

/** Five times a second at most, however much is told. */
function draw() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => requestAnimationFrame(drawNow), Math.max(0, drawnAt + drawMs - performance.now()));
}

function drawNow() {
  drawing = false;
  drawnAt = performance.now();
  const all = entries(byId('filter').elements.order.value === 'slowest' ? slowest : newest);
  const shown = all.filter(wanted());
  tellCounts(all, shown);
  const rows = shown.slice(0, rowsMax).map(rowOf);
  byId('more').hidden = shown.length <= rowsMax;
  // Of five hundred links, Tab stops at one; the arrow keys go on from there.
  const stop = rows.find((row) => row.contains(document.activeElement)) ?? rows.find((row) => row.dataset.id === chosen) ?? rows[0];
  for (const row of rows) mark(row, row === stop);
  const hint = known.size === 0 ? 'No requests yet. Ask something: here, under Ask, or with the commands that npm run dev printed.' : 'None of those that are kept is of this kind.';
  arrange(byId('list'), rows.length > 0 ? rows : [h('li', { class: 'empty' }, hint)]);
}

function tellCounts(all, shown) {
  const total = all.length === 1 ? '1 request' : `${all.length} requests`;
  byId('count').textContent = shown.length === all.length ? total : `${shown.length} of ${total}`;
  for (const [name, is] of Object.entries(kinds)) byId(`count-${name}`).textContent = all.filter(({ request }) => is(request)).length;
}

/** Moves only what is not in its place: most of a list stays as it is when something comes. */
function arrange(list, rows) {
  const wantedRows = new Set(rows);
  for (const row of list.querySelectorAll('li')) if (!wantedRows.has(row)) row.remove();
  let place = list.firstChild;
  for (const row of rows) {
    if (row === place) place = place.nextSibling;
    else list.insertBefore(row, place);
  }
}

/** Of several kinds that are ticked, a request has to be one. */
function wanted() {
  const { elements } = byId('filter');
  const words = elements.text.value.trim().toLowerCase();
  const ticked = Object.entries(kinds).filter(([name]) => elements[name].checked);
  return ({ request }) =>
    (words === '' || request.traceId.startsWith(words) || request.route.toLowerCase().includes(words) || (request.where?.name.toLowerCase().includes(words) ?? false))
    && (ticked.length === 0 || ticked.some(([, is]) => is(request)));
}

function rowOf(entry) {
  entry.row ??= row(entry.request);
  return entry.row;
}

function row(request) {
  const { traceId, atMs, method, route, durationMs, missing, code, slow, where } = request;
  return h('li', { 'data-id': traceId }, h('a', { href: `#/requests/${traceId}` },
    statusBadge(request),
    h('span', { class: 'what' }, `${method} ${route}`),
    h('span', { class: slow ? 'took slow' : 'took' }, ms(durationMs)),
    h('span', { class: 'quiet' }, clock(atMs), code && ` · ${code}`),
    slow && h('span', { class: 'why slow' }, 'slow', where && `: ${ms(where.ms)} in ${where.name}`),
    isIncomplete(request) && h('span', { class: 'why missing' }, `without ${Object.keys(missing).join(', ')}`),
  ));
}

function mark(row, stop) {
  const link = row.firstChild;
  // Set only where it changes: each of them has its style computed anew.
  const tab = stop ? 0 : -1;
  if (link.tabIndex !== tab) link.tabIndex = tab;
  if (row.dataset.id === chosen) link.setAttribute('aria-current', 'true');
  else if (link.hasAttribute('aria-current')) link.removeAttribute('aria-current');
}

function step(event) {
  const at = event.target.closest('li');
  const next = { ArrowDown: at?.nextElementSibling, ArrowUp: at?.previousElementSibling, Home: at?.parentNode.firstElementChild, End: at?.parentNode.lastElementChild }[event.key];
  if (!next) return;
  event.preventDefault();
  for (const row of [at, next]) row.firstChild.tabIndex = row === next ? 0 : -1;
  next.firstChild.focus();
}
