import { drawForm } from './ask.js';
import { byId } from './dom.js';
import { drawMap, tellRates } from './map.js';
import { choose, tell, watchFilter } from './requests.js';
import { show } from './trace.js';

/** After which an end that the browser takes for final is tried again. */
const againMs = 3_000;
const views = ['requests', 'map', 'ask'];
let source;
let shown;
let service;

watchFilter();
byId('filter').elements.pause.addEventListener('click', () => { if (source) pause(); else connect(); });
addEventListener('hashchange', go);
connect();
go();

/** Once it is there, and again when it was started anew: definitions may have changed. */
async function drawService() {
  const reply = await fetch('/_dev/service').catch(() => undefined);
  if (!reply?.ok) return;
  const text = await reply.text();
  if (text === service) return;
  service = text;
  drawMap(JSON.parse(text));
  drawForm(JSON.parse(text));
}

/** Shows what the address says: `#/requests`, `#/requests/<trace id>`, that with `/<span id>`, `#/map`, `#/ask`. */
function go() {
  const [, name, traceId, spanId] = location.hash.split('/');
  const view = views.includes(name) ? name : 'requests';
  document.body.dataset.view = view;
  document.body.dataset.detail = traceId ? 'shown' : '';
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (view !== 'requests') return;
  shown = traceId;
  choose(traceId);
  void show(traceId, spanId);
  // On a phone the list has gone, and with it what had the focus.
  if (traceId && byId('requests').offsetParent === null) byId('trace').focus();
}

function connect() {
  const own = new EventSource('/_dev/events');
  source = own;
  source.addEventListener('open', () => {
    said('live');
    void drawService();
  });
  // It tries again by itself every few seconds, and is then told everything anew. Some refusals it takes for final.
  source.addEventListener('error', () => {
    said('waiting for npm run dev');
    if (own.readyState === EventSource.CLOSED) setTimeout(() => { if (source === own) connect(); }, againMs);
  });
  source.addEventListener('snapshot', ({ data }) => {
    const { requests, untraced } = JSON.parse(data);
    byId('notice').hidden = !untraced;
    byId('notice').textContent = untraced ?? '';
    tell(requests, true);
  });
  source.addEventListener('changed', ({ data }) => {
    const requests = JSON.parse(data);
    tell(requests, false);
    // Its spans come a moment after its access line.
    if (requests.some(({ traceId }) => traceId === shown)) void show(shown);
  });
  source.addEventListener('rates', ({ data }) => { tellRates(JSON.parse(data)); });
  pressed(false);
}

/** What comes meanwhile is not lost: whoever goes on is told all that is kept. */
function pause() {
  source.close();
  source = undefined;
  pressed(true);
  said('paused');
}

function pressed(paused) {
  const { pause: button } = byId('filter').elements;
  button.textContent = paused ? 'Go on' : 'Pause';
}

function said(text) {
  byId('live').textContent = text;
  byId('live').dataset.state = text;
}
