import { JsonText } from '../core/json-text.ts';

/** A key as a column of one type stores it and Postgres prints it, or undefined where the column cannot hold it. */
export type KeyForm = (key: string) => string | undefined;

/** The form of keys in a column of this type, as `regtype` names it; undefined for a type that is not known here. */
export function keyForm(type: string): KeyForm | undefined {
  switch (type) {
    case 'smallint': return integer(2n ** 15n);
    case 'integer': return integer(2n ** 31n);
    case 'bigint': return integer(2n ** 63n);
    case 'uuid': return uuid;
    case 'text':
    case 'character varying':
    case 'character':
    case 'name': return asItIs;
    default: return undefined;
  }
}

/** The same of a column of ClickHouse, whose types have their width in their names. */
export function clickHouseKeyForm(type: string): KeyForm | undefined {
  const [, unsigned, bits] = /^(U?)Int(8|16|32|64|128|256)$/.exec(type) ?? [];
  if (bits !== undefined) return unsigned ? natural(2n ** BigInt(bits)) : integer(2n ** BigInt(Number(bits) - 1));
  if (type === 'UUID') return uuid;
  return type === 'String' ? asItIs : undefined;
}

export const asItIs: KeyForm = (key) => key;

/** Decimal digits only: Postgres 16 takes '0x2a' and '1_000' as integers too, but as an id either is a mistake. */
const integer = (bound: bigint): KeyForm => {
  const digitsMax = String(bound).length;
  return (key) => {
    // Zeros before a number are allowed, though not any number of them.
    if (key.length > 100) return undefined;
    const [, sign, digits] = /^(-?)0*([1-9]\d*|0)$/.exec(key) ?? [];
    if (digits === undefined || digits.length > digitsMax) return undefined;
    if (digits.length < digitsMax) return digits === '0' ? '0' : `${sign}${digits}`;
    const value = BigInt(`${sign}${digits}`);
    return value >= -bound && value < bound ? String(value) : undefined;
  };
};

const natural = (bound: bigint): KeyForm => {
  const signed = integer(bound);
  return (key) => {
    const form = signed(key);
    return form?.startsWith('-') ? undefined : form;
  };
};

function uuid(key: string): string | undefined {
  const hex = key.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Keys as they were asked for, by what a store will print for them: '007' asks for the integer 7, and the row comes back as '7'. */
export class AskedKeys {
  readonly #asked = new Map<string, string[]>();

  /** A key that the column cannot hold is dropped. */
  constructor(keys: readonly string[], form: KeyForm) {
    for (const key of keys) {
      const stored = form(key);
      if (stored === undefined) continue;
      const same = this.#asked.get(stored);
      if (same) same.push(key);
      else this.#asked.set(stored, [key]);
    }
  }

  /** Each once. */
  get stored(): string[] {
    return [...this.#asked.keys()];
  }

  /** Rows of (key, JSON), by the keys as they were asked for. */
  answers<T>(rows: Iterable<readonly (string | null)[]>): Map<string, JsonText<T>> {
    const found = new Map<string, JsonText<T>>();
    for (const [stored, json] of rows) {
      for (const key of this.#asked.get(stored ?? '') ?? []) found.set(key, new JsonText<T>(json ?? 'null'));
    }
    return found;
  }
}
