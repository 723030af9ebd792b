import { badge, byId, h, ms } from './dom.js';

const states = ['live', 'cache', 'stale', 'missing'];
const places = [];

/** Draws the aggregates as they are defined, with a place for what they do. */
export function drawMap({ aggregates, tokens, uncached }) {
  places.length = 0;
  byId('map').replaceChildren(
    h('p', { class: 'quiet' }, 'Drawn from the definitions: policies from the outside in, as a question passes them. Rates are of the last ten seconds.',
      uncached && ' Caches are off: what is cached by its definition is asked each time.'),
    ...aggregates.map((each) => aggregate(each, tokens)));
}

/** Puts the rates of the last seconds in their places. */
export function tellRates(rates) {
  for (const { element, route, part } of places) {
    const rate = rates[route];
    element.replaceChildren(...(part === undefined ? routeRate(rate) : partRate(rate?.parts[part])));
  }
}

function aggregate({ route, name, summary, deadlineMs, access, parts }, tokens) {
  // Without tokens nobody can be told from anybody else.
  const asks = tokens || access === 'public' ? [`access: ${access}`] : ['access: everybody', `with AUTH=jwt: ${access}`];
  return h('article', {},
    h('div', { class: 'aggregate' }, h('h2', {}, route), h('p', { class: 'quiet' }, name, summary && ` · ${summary}`),
      h('p', {}, badge('plain', `deadline ${ms(deadlineMs)}`), ' ', asks.flatMap((text) => [badge('plain', text), ' '])), place(route)),
    h('div', { class: 'parts' }, parts.map((each) => part(route, each))));
}

function part(route, { name, required, source, steps, parts }) {
  return h('div', { class: 'node' },
    h('h3', {}, name, ' ', badge(required ? 'required' : 'plain', required ? 'required' : 'optional')),
    place(route, name),
    h('ol', { class: 'steps' }, steps.map(({ policy, rules }) => h('li', {}, h('strong', {}, policy), ` ${rules}`)),
      h('li', {}, h('strong', {}, source ?? 'a source of its own'), parts.length === 0 ? ' asks its system' : ' is an aggregate itself')),
    parts.length > 0 && h('div', { class: 'parts' }, parts.map((each) => part(route, each))));
}

function place(route, part) {
  const element = h('div', { class: 'rate' });
  places.push({ element, route, part });
  element.replaceChildren(...(part === undefined ? routeRate() : partRate()));
  return element;
}

const perSecond = (value) => `${value >= 10 ? Math.round(value) : value.toFixed(1)}/s`;

const routeRate = (rate) => [h('strong', {}, perSecond(rate?.perSecond ?? 0)), ' requests'];

function partRate(rate) {
  if (!rate) return [h('span', { class: 'quiet' }, 'not asked')];
  const total = states.reduce((sum, state) => sum + (rate.states[state] ?? 0), 0);
  return [
    h('span', { class: 'share' }, states.filter((state) => rate.states[state]).map((state) => h('span', { class: `bar ${state}`, style: { inlineSize: `${(100 * rate.states[state]) / total}%` } }))),
    h('span', {}, states.filter((state) => rate.states[state]).map((state) => [badge(state), ` ${perSecond(rate.states[state])} `]).flat()),
    h('span', { class: 'quiet' }, `mean ${ms(rate.meanMs)}`, rate.asks.length > 0 && ` · ${rate.asks.join(', ')}`),
  ];
}
