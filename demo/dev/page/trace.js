import { badge, byId, clock, h, ms } from './dom.js';
import { statusBadge } from './requests.js';
import { sentences } from './reason.js';
import { detail, logLine } from './span.js';

const colours = { live: 'live', cache: 'cache', stale: 'stale', missing: 'missing' };
/** Below this nobody asks why. */
const muchMs = 5;

/** Draws the trace of this id, and follows it while the rest of its spans arrive. A span that is named is opened. */
export async function show(traceId, spanId) {
  const section = byId('trace');
  if (!traceId) return section.replaceChildren(h('p', { class: 'empty' }, 'Choose a request to see where its time went.'));
  const reply = await fetch(`/_dev/traces/${encodeURIComponent(traceId)}`).catch((error) => new Response(`not to be had now: ${error.message}`, { status: 503 }));
  const trace = reply.ok ? await reply.json() : await reply.text();
  // Somebody may have chosen another one meanwhile.
  if (location.hash.split('/')[2] !== traceId) return undefined;
  const same = section.dataset.trace === traceId;
  // What is drawn already is worth more than the news that it is not to be had.
  if (!reply.ok && same) return undefined;
  if (!reply.ok) return section.replaceChildren(back(), h('p', { class: 'empty' }, trace));
  const open = new Set(same ? [...section.querySelectorAll('details[open]')].map((each) => each.dataset.span) : []);
  const focused = document.activeElement.closest('details')?.dataset.span;
  section.dataset.trace = traceId;
  section.replaceChildren(back(), head(trace), ...body(trace, open));
  if (spanId) openSpan(spanId);
  else if (focused && same) rowOf(focused)?.firstChild.focus();
  return undefined;
}

const rowOf = (spanId) => byId('trace').querySelector(`details[data-span="${CSS.escape(spanId)}"]`);

/** Opens a span's row and brings it into sight. */
function openSpan(spanId) {
  const row = rowOf(spanId);
  if (!row) return;
  row.open = true;
  row.firstChild.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

const back = () => h('a', { class: 'back', href: '#/requests' }, '‹ requests');

function head({ traceId, request, durationMs, rows, reason }) {
  const missing = Object.entries(request?.missing ?? {});
  return h('div', { class: 'head' },
    h('h2', {}, request ? `${request.method} ${request.route}` : 'Work behind a request', ' ', request && statusBadge(request)),
    h('p', { class: 'quiet' }, request && `${clock(request.atMs)} · `, ms(request?.durationMs ?? durationMs), request?.code && ` · ${request.code}`, ` · ${rows.length} spans · `, h('code', {}, traceId)),
    missing.map(([part, code]) => h('p', {}, badge('missing', `without ${part}`), ` ${code}`)),
    reason && h('p', { class: request?.slow ? 'reason slow' : 'reason' }, sentences(reason, openSpan)),
  );
}

function body({ rows, logs, startMs, durationMs, reason, request }, open) {
  const parts = [];
  if (rows.length === 0) parts.push(h('p', { class: 'empty' }, 'No spans: it was refused before any were made, or they are still on their way.'));
  else parts.push(scale(durationMs), h('div', { class: 'rows' }, rows.map((row) => line(row, { totalMs: durationMs, logs, here: request?.slow && reason?.spanId === row.spanId, open: open.has(row.spanId) }))));
  if (logs.length > 0) parts.push(h('h3', {}, 'Log lines'), h('div', { class: 'logs' }, logs.map((entry) => logLine(entry, startMs))));
  return parts;
}

const scale = (durationMs) => h('div', { class: 'scale', 'aria-hidden': 'true' }, [0, 0.25, 0.5, 0.75, 1].map((share) => h('span', {}, ms(durationMs * share))));

function line(row, { totalMs, logs, here, open }) {
  const { spanId, name, depth, durationMs, usualMs, state, error, from, orphan } = row;
  const kind = error ? 'missing' : (colours[state] ?? row.kind);
  const unusual = usualMs !== undefined && durationMs >= muchMs && durationMs >= 3 * usualMs;
  return h('details', { class: `row ${from}${here ? ' here' : ''}`, 'data-span': spanId, open },
    h('summary', {},
      h('span', { class: 'name', style: { paddingInlineStart: `${depth * 0.8}rem` } },
        h('span', {}, name),
        state && badge(state),
        error && state !== 'missing' && badge('bad', error),
        from !== 'own' && badge('shared', from),
        orphan && badge('odd', 'its parent is not here'),
        here && badge('here', 'most of the time')),
      track(row, totalMs, kind),
      h('span', { class: unusual ? 'took slow' : 'took' }, ms(durationMs), unusual && h('small', {}, `usually ${ms(usualMs)}`))),
    detail(row, logs));
}

function track({ startMs, durationMs, attributes }, totalMs, kind) {
  const percent = (value) => `${totalMs > 0 ? (100 * value) / totalMs : 0}%`;
  const bar = (classes, wide) => h('span', { class: `bar ${classes}`, style: { insetInlineStart: percent(startMs), inlineSize: percent(wide) } });
  const waitedMs = attributes['tributary.pool.wait_ms'];
  return h('span', { class: 'track', 'aria-hidden': 'true' }, bar(kind, durationMs), waitedMs > 0 && bar('wait', Math.min(waitedMs, durationMs)));
}
