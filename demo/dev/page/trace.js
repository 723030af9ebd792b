import { badge, byId, clock, h, ms } from './dom.js';
import { isError } from './requests.js';

const colours = { live: 'live', cache: 'cache', stale: 'stale', missing: 'missing' };
const whose = { own: '', shared: 'started by another request, which this one waited for', behind: 'went on behind the reply' };

/** Draws the trace of this id, and follows it while the rest of its spans arrive. */
export async function show(traceId) {
  const section = byId('trace');
  if (!traceId) return section.replaceChildren(h('p', { class: 'empty' }, 'Choose a request to see where its time went.'));
  const reply = await fetch(`/_dev/traces/${encodeURIComponent(traceId)}`);
  if (!reply.ok) return section.replaceChildren(back(), h('p', { class: 'empty' }, await reply.text()));
  const trace = await reply.json();
  // Somebody may have chosen another one meanwhile.
  if (!location.hash.endsWith(traceId)) return undefined;
  const open = section.dataset.trace === traceId ? new Set([...section.querySelectorAll('details[open]')].map((each) => each.dataset.span)) : new Set();
  section.dataset.trace = traceId;
  section.replaceChildren(back(), head(trace), ...body(trace, open));
  return undefined;
}

const back = () => h('a', { class: 'back', href: '#/requests' }, '‹ requests');

function head({ traceId, request, durationMs, rows }) {
  const missing = Object.entries(request?.missing ?? {});
  return h('div', { class: 'head' },
    h('h2', {}, request ? `${request.method} ${request.route}` : 'Work behind a request', ' ', request && badge(isError(request) ? 'bad' : request.status >= 400 ? 'odd' : 'good', String(request.status))),
    h('p', { class: 'quiet' }, request && `${clock(request.atMs)} · `, ms(request?.durationMs ?? durationMs), request?.code && ` · ${request.code}`, ` · ${rows.length} spans · `, h('code', {}, traceId)),
    missing.map(([part, code]) => h('p', {}, badge('missing', part), ` ${code}`)),
  );
}

function body({ rows, logs, startMs, durationMs }, open) {
  const parts = [];
  if (rows.length === 0) parts.push(h('p', { class: 'empty' }, 'No spans: it was refused before any were made, or they are still on their way.'));
  else parts.push(scale(durationMs), h('div', { class: 'rows' }, rows.map((row) => line(row, durationMs, logs, open.has(row.spanId)))));
  if (logs.length > 0) parts.push(h('h3', {}, 'Log lines'), h('div', { class: 'logs' }, logs.map((entry) => logLine(entry, startMs))));
  return parts;
}

const scale = (durationMs) => h('div', { class: 'scale', 'aria-hidden': 'true' }, [0, 0.25, 0.5, 0.75, 1].map((share) => h('span', {}, ms(durationMs * share))));

function line(row, totalMs, logs, open) {
  const { spanId, name, depth, startMs, durationMs, state, error, from, orphan } = row;
  const percent = (value) => `${totalMs > 0 ? (100 * value) / totalMs : 0}%`;
  const kind = error ? 'missing' : (colours[state] ?? row.kind);
  return h('details', { class: `row ${from}`, 'data-span': spanId, open },
    h('summary', {},
      h('span', { class: 'name', style: { paddingInlineStart: `${depth * 0.8}rem` } },
        h('span', {}, name),
        state && badge(state),
        error && state !== 'missing' && badge('bad', error),
        from !== 'own' && badge('shared', from),
        orphan && badge('odd', 'its parent is not here')),
      h('span', { class: 'track' }, h('span', { class: `bar ${kind}`, style: { insetInlineStart: percent(startMs), inlineSize: percent(durationMs) } })),
      h('span', { class: 'took' }, ms(durationMs))),
    detail(row, logs));
}

function detail({ attributes, links, startMs, error, from, traceId, spanId, kind }, logs) {
  const { 'db.query.text': sql, ...rest } = attributes;
  const own = logs.filter((entry) => entry.spanId === spanId && !entry.access);
  return h('div', { class: 'detail' },
    from !== 'own' && h('p', {}, `${whose[from]}: `, h('a', { href: `#/requests/${traceId}` }, `trace ${traceId.slice(0, 8)}`)),
    sql && h('pre', {}, sql),
    h('dl', {}, [['kind', kind], ['starts at', ms(startMs)], error && ['failed of', error], ...Object.entries(rest)].filter(Boolean).flatMap(([name, value]) =>
      [h('dt', {}, name), h('dd', {}, typeof value === 'string' ? value : JSON.stringify(value))])),
    links.length > 0 && h('p', {}, 'linked with ', links.flatMap((link, at) => [at > 0 && ', ', linkOf(link)])),
    own.map((entry) => logLine(entry, undefined)));
}

const linkOf = ({ traceId, name }) => (name
  ? h('a', { href: `#/requests/${traceId}` }, `${name} of ${traceId.slice(0, 8)}`)
  : `a span of ${traceId.slice(0, 8)}, which is not kept any more`);

function logLine({ atMs, level, msg, fields }, startMs) {
  const { err, ...others } = fields;
  return h('div', { class: `log ${level}` },
    h('span', { class: 'quiet' }, startMs === undefined ? clock(atMs) : `${atMs >= startMs ? '+' : ''}${ms(atMs - startMs)}`),
    badge(level === 'error' || level === 'fatal' ? 'bad' : level === 'warn' ? 'odd' : 'plain', level),
    h('span', {}, msg, ' ', h('code', {}, Object.entries(others).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' '))),
    err?.stack && h('pre', {}, err.stack));
}
