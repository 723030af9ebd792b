import { drawForm } from './ask.js';
import { byId } from './dom.js';
import { drawMap, tellRates } from './map.js';
import { choose, tell, watchFilter } from './requests.js';
import { show } from './trace.js';

const views = ['requests', 'map', 'ask'];
let source;
let shown;

watchFilter();
byId('filter').elements.pause.addEventListener('click', () => { if (source) pause(); else connect(); });
addEventListener('hashchange', go);
connect();
go();
void fetch('/_dev/service').then((reply) => reply.json()).then((service) => {
  drawMap(service);
  drawForm(service);
});

/** Shows what the address says: `#/requests`, `#/requests/<trace id>`, `#/map`, `#/ask`. */
function go() {
  const [, name, traceId] = location.hash.split('/');
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
  void show(traceId);
}

function connect() {
  source = new EventSource('/_dev/events');
  source.addEventListener('open', () => { said('live'); });
  // It tries again by itself, and is then told everything anew.
  source.addEventListener('error', () => { said('npm run dev has ended'); });
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
  button.setAttribute('aria-pressed', String(paused));
  button.textContent = paused ? 'Go on' : 'Pause';
}

function said(text) {
  byId('live').textContent = text;
  byId('live').dataset.state = text;
}
