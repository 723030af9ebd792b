// How things are counted: what is counted is in metrics.ts. By our own hand and not by OpenTelemetry's instruments, which look
// up their series by a hash of the attributes with each record: 2.3 µs for a ready answer that costs some 15 (docs/decisions/0021).

export interface About {
  /** In OpenTelemetry's form, with dots and without the unit. */
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Seconds, bytes, or a number of something. */
  readonly unit: 's' | 'By' | '';
  /** In OpenTelemetry's form too. */
  readonly labels: readonly string[];
  /** Of a histogram: the upper bounds of its buckets, all but the last one. */
  readonly bounds: readonly number[];
  /** What several processes that serve together have. A gauge that is no amount of anything is that of whoever is worst off. */
  readonly together: 'sum' | 'highest' | 'lowest';
}

/** One series as it is now. */
export interface Point {
  /** Of the labels, in their order; '' where a label does not apply. */
  readonly values: readonly string[];
  /** Of a histogram the sum of what was recorded. */
  readonly value: number;
  /** Of a histogram: how many fell into each bucket and no lower one, the unbounded one last. Else empty. */
  readonly counts: readonly number[];
}

/** A metric and all its series. Plain data: it travels between processes. */
export interface Reading {
  readonly about: About;
  readonly points: readonly Point[];
}

/** Counts up. */
export class Count {
  value = 0;

  add(more = 1): void {
    this.value += more;
  }

  get point(): Omit<Point, 'values'> {
    return { value: this.value, counts: [] };
  }
}

/** How values are spread. */
export class Spread {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** In the metric's unit. Looks from below, because nearly all that is fast falls into the first bucket. */
  record(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > this.#bounds[at]!) at++;
    this.#counts[at]!++;
    this.#sum += value;
  }

  get point(): Omit<Point, 'values'> {
    return { value: this.#sum, counts: [...this.#counts] };
  }
}

/** What is read when somebody looks. */
class Read {
  read: () => number = () => 0;

  get point(): Omit<Point, 'values'> {
    return { value: this.read(), counts: [] };
  }
}

/** Far above what a service with dozens of sources has. Beyond it all share one series: no mistake with a label fills the memory. */
const seriesMax = 500;

/** Series by the values of their labels, a level for each: to follow four of them is much cheaper than to join them to one key. */
class Level<Cell> {
  readonly next = new Map<string, Level<Cell>>();
  cell: Cell | undefined;
}

/** A metric's series. */
export class Metric<Cell extends { readonly point: Omit<Point, 'values'> }> {
  readonly about: About;
  readonly #make: () => Cell;
  readonly #first = new Level<Cell>();
  readonly #series: { readonly values: readonly string[]; readonly cell: Cell }[] = [];

  constructor(about: About, make: () => Cell) {
    this.about = about;
    this.#make = make;
  }

  /** The series with these values. To be kept by whoever records often: to look it up costs more than to record. */
  of(...values: string[]): Cell {
    let level: Level<Cell> | undefined = this.#first;
    for (let at = 0; at < values.length && level; at++) level = level.next.get(values[at]!);
    return level?.cell ?? this.#added(values);
  }

  get reading(): Reading {
    return { about: this.about, points: this.#series.map(({ values, cell }) => ({ values, ...cell.point })) };
  }

  #added(values: readonly string[]): Cell {
    if (this.#series.length >= seriesMax) values = this.about.labels.map(() => '_OTHER');
    let level = this.#first;
    for (const value of values) {
      let next = level.next.get(value);
      if (!next) level.next.set(value, (next = new Level()));
      level = next;
    }
    if (!level.cell) {
      level.cell = this.#make();
      this.#series.push({ values, cell: level.cell });
    }
    return level.cell;
  }
}

type Told = Pick<About, 'name' | 'help'> & Partial<Omit<About, 'kind'>>;

const all: Metric<Count | Spread | Read>[] = [];

function metric<Cell extends Count | Spread | Read>(kind: About['kind'], told: Told, make: () => Cell): Metric<Cell> {
  const made = new Metric({ unit: '', labels: [], bounds: [], together: 'sum', ...told, kind }, make);
  all.push(made);
  return made;
}

export const counter = (told: Told): Metric<Count> => metric('counter', told, () => new Count());

export const histogram = (told: Told & { readonly bounds: readonly number[] }): Metric<Spread> => metric('histogram', told, () => new Spread(told.bounds));

/** Says from now on what `read` returns, in place of whoever said it for these values before. Must not throw. */
export type Observe = (read: () => number, ...values: string[]) => void;

export const gauge = (told: Told): Observe => observed('gauge', told);

/** A counter that somebody else counts. */
export const countedElsewhere = (told: Told): Observe => observed('counter', told);

function observed(kind: About['kind'], told: Told): Observe {
  const made = metric(kind, told, () => new Read());
  return (read, ...values) => { made.of(...values).read = read; };
}

/** All metrics of this process as they are now, in the order of their definition. */
export const readings = (): Reading[] => all.map(({ reading }) => reading);

/** What several processes have together. The metrics are those of the first one: the others run the same code. */
export function together(processes: readonly (readonly Reading[])[]): Reading[] {
  const [first = []] = processes;
  return first.map(({ about }) => {
    const points = new Map<string, Point>();
    for (const reading of processes) {
      for (const point of reading.find((one) => one.about.name === about.name)?.points ?? []) {
        const key = point.values.join('\n');
        const known = points.get(key);
        points.set(key, known ? joined(about, known, point) : point);
      }
    }
    return { about, points: [...points.values()] };
  });
}

const joining: Readonly<Record<About['together'], (one: number, other: number) => number>> = {
  sum: (one, other) => one + other,
  highest: Math.max,
  lowest: Math.min,
};

function joined({ together: how }: About, one: Point, other: Point): Point {
  return {
    values: one.values,
    value: joining[how](one.value, other.value),
    counts: one.counts.map((count, at) => count + (other.counts[at] ?? 0)),
  };
}
