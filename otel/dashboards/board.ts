// Dashboards for Grafana, said in few words: a board is rows, a row is panels, a panel is queries. What all panels have in common is here once.

/** A query and how its series are named: `{{label}}`, or a plain text. */
export type Query = readonly [expr: string, legend: string];

export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  /** In Grafana's rows of 30 pixels; 8 unless it says so. */
  readonly height?: number;
  readonly [setting: string]: unknown;
}

interface About {
  readonly title: string;
  /** What to make of it: who reads it has just been woken up. */
  readonly about: string;
  /** Grafana's name of it: s, percentunit, reqps, bytes, short. */
  readonly unit: string;
  /** Where it begins to be bad; because of what, `about` says. */
  readonly from?: number;
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly rows: readonly (readonly Panel[])[];
  /** Further variables besides where the metrics are, which service and which processes. */
  readonly variables?: readonly object[];
}

/** The labels that every query is about. */
export const here = 'job="$job", instance=~"$instance"';

const prometheus = { type: 'prometheus', uid: '${metrics}' };

const targets = (queries: readonly Query[], more: object = {}): object[] =>
  queries.map(([expr, legendFormat], at) => ({ refId: String.fromCodePoint(65 + at), datasource: prometheus, expr, legendFormat, range: true, ...more }));

const thresholds = (from: number | undefined) => ({
  mode: 'absolute',
  steps: [{ color: 'green', value: null }, ...(from === undefined ? [] : [{ color: 'red', value: from }])],
});

/** Lines over time; stacked where their sum says something. */
export const lines = ({ title, about, unit, from, stacked = false }: About & { readonly stacked?: boolean }, ...queries: readonly Query[]): Panel => ({
  type: 'timeseries', title, description: about, datasource: prometheus, targets: targets(queries),
  fieldConfig: {
    defaults: {
      unit, min: 0, thresholds: thresholds(from),
      custom: {
        drawStyle: 'line', lineWidth: 1, fillOpacity: stacked ? 30 : 5, showPoints: 'never', spanNulls: false,
        stacking: { mode: stacked ? 'normal' : 'none', group: 'A' }, thresholdsStyle: { mode: from === undefined ? 'off' : 'line' },
      },
    },
    overrides: [],
  },
  options: { legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'], showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } },
});

/** One figure, red where it is bad. */
export const figure = ({ title, about, unit, from }: About, expr: string): Panel => ({
  type: 'stat', title, description: about, datasource: prometheus, targets: targets([[expr, title]]),
  fieldConfig: { defaults: { unit, min: 0, thresholds: thresholds(from) }, overrides: [] },
  options: { colorMode: from === undefined ? 'none' : 'value', graphMode: 'area', reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, textMode: 'value' },
});

/** How a histogram moves: the one in a thousand is seen here, where a line of averages hides it. */
export const heat = ({ title, about, unit }: About, expr: string): Panel => ({
  type: 'heatmap', title, description: about, datasource: prometheus, targets: targets([[expr, '{{le}}']], { format: 'heatmap' }),
  fieldConfig: { defaults: {}, overrides: [] },
  options: {
    calculate: false, cellGap: 1, color: { mode: 'scheme', scheme: 'Oranges', scale: 'exponential', exponent: 0.4, steps: 64 },
    yAxis: { unit, axisPlacement: 'left' }, tooltip: { mode: 'single', yHistogram: true }, legend: { show: true }, rowsFrame: { layout: 'auto' },
  },
});

/** When each of several things was so: queries that give 1 or 0, below each other on one axis of time. */
export const spells = ({ title, about }: Omit<About, 'unit'>, ...queries: readonly Query[]): Panel => ({
  type: 'state-timeline', title, description: about, height: 2 + queries.length, datasource: prometheus, targets: targets(queries),
  fieldConfig: {
    defaults: {
      mappings: [{ type: 'value', options: { 0: { text: 'no', color: 'transparent', index: 0 }, 1: { text: 'yes', color: 'red', index: 1 } } }],
      custom: { lineWidth: 0, fillOpacity: 80 },
    },
    overrides: [],
  },
  options: { mergeValues: true, showValue: 'never', rowHeight: 0.8, alignValue: 'left', legend: { showLegend: false }, tooltip: { mode: 'single' } },
});

/** Traces that Tempo finds; a click opens one. */
export const found = (title: string, about: string, query: string): Panel => ({
  type: 'table', title, description: about, datasource: { type: 'tempo', uid: '${traces}' },
  targets: [{ refId: 'A', datasource: { type: 'tempo', uid: '${traces}' }, queryType: 'traceql', query, limit: 20, tableType: 'traces' }],
  fieldConfig: { defaults: {}, overrides: [] }, options: { cellHeight: 'sm', showHeader: true },
});

export const words = (title: string, content: string): Panel => ({ type: 'text', title, description: '', options: { mode: 'markdown', content } });

/** Where else data comes from: which data source of that kind is chosen above the board. */
export const dataSource = (name: string, label: string, kind: string) => ({ name, label, type: 'datasource', query: kind, refresh: 1, current: {} });

/** A choice among the values of a label: of one, or of any number, all of them to begin with. */
export const choice = (name: string, label: string, query: string, many = true) => ({
  name, label, type: 'query', datasource: prometheus, definition: query, query: { query, refId: name }, refresh: 2, sort: 1, includeAll: many, multi: many,
  ...(many ? { allValue: '.*', current: { text: ['All'], value: ['$__all'] } } : { current: {} }),
});

/** What Grafana imports; `schemaVersion` is Grafana 11's, which later ones read as well. */
export const grafana = ({ uid, title, about, rows, variables = [] }: Board): object => ({
  uid, title, description: about, tags: ['tributary'], schemaVersion: 39, version: 1, editable: true, graphTooltip: 1, refresh: '30s', timezone: '',
  time: { from: 'now-1h', to: 'now' },
  links: [{ type: 'dashboards', title: 'Tributary', tags: ['tributary'], asDropdown: false, includeVars: true, keepTime: true }],
  annotations: { list: [] },
  templating: {
    list: [
      dataSource('metrics', 'metrics', 'prometheus'),
      choice('job', 'service', 'label_values(tributary_in_flight_requests, job)', false),
      choice('instance', 'process', 'label_values(tributary_in_flight_requests{job="$job"}, instance)'),
      ...variables,
    ],
  },
  panels: placed(rows),
});

/** Rows below each other; the panels of a row share its width. */
function placed(rows: Board['rows']): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    const w = 24 / row.length;
    const h = Math.max(...row.map(({ height = 8 }) => height));
    for (const [at, { height: _, ...panel }] of row.entries()) panels.push({ id: panels.length + 1, ...panel, gridPos: { x: w * at, y, w, h } });
    y += h;
  }
  return panels;
}
