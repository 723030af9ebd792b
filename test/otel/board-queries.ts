import { boards } from '../../otel/dashboards/all.ts';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets?: readonly { readonly expr?: string; readonly legendFormat?: string; readonly query?: string }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

export const dashboards: readonly (readonly [name: string, board: Dashboard])[] = Object.entries(boards).map(([name, board]) => [name, board as Dashboard]);

/** Every query in PromQL of every panel: where it is, what it asks, how its series are named. */
export const queries = dashboards.flatMap(([name, { panels }]) =>
  panels.flatMap(({ title, targets = [] }) => targets.flatMap(({ expr, legendFormat = '' }) => (expr === undefined ? [] : [{ where: `${name} ▸ ${title}`, expr, legend: legendFormat }]))));

/** As Prometheus reads it: Grafana puts intervals and choices in the place of its variables. */
export const filledIn = (expr: string): string => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, 'x');
