import { fields, type Field } from './protobuf.ts';

export type AttributeValue =
  | string | number | boolean | Uint8Array | null | AttributeValue[] | { [name: string]: AttributeValue };
export type Attributes = Record<string, AttributeValue>;

/** A span as a collector receives it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Whether the parent is in another process: then it is right that its span never arrives here. */
  readonly parentIsRemote: boolean;
  readonly name: string;
  readonly kind: (typeof kinds)[number];
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly timeNs: bigint; readonly attributes: Attributes }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: Attributes }[];
  readonly status: { readonly code: (typeof statusCodes)[number]; readonly message: string };
  readonly scope: { readonly name: string; readonly version: string };
  readonly resource: Attributes;
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const statusCodes = ['unset', 'ok', 'error'] as const;
const parentIsRemoteFlag = 0x200n;

/**
 * The spans of an ExportTraceServiceRequest. By hand, with the field numbers of opentelemetry-proto's trace.proto and
 * common.proto, because a generated decoder would be the same code that encoded them.
 */
export function decodeSpans(request: Uint8Array): ReceivedSpan[] {
  return repeated(request, 1).flatMap((resourceSpans) => {
    const resource = attributesIn(only(resourceSpans.bytes, 1)?.bytes, 1);
    return repeated(resourceSpans.bytes, 2).flatMap((scopeSpans) => {
      const scope = scopeOf(only(scopeSpans.bytes, 1)?.bytes);
      return repeated(scopeSpans.bytes, 2).map((span) => ({ ...spanOf(span.bytes), scope, resource }));
    });
  });
}

function spanOf(message: Uint8Array): Omit<ReceivedSpan, 'scope' | 'resource'> {
  const field = new Map([...fields(message)].map((each) => [each.number, each]));
  return {
    traceId: field.get(1)?.hex ?? '',
    spanId: field.get(2)?.hex ?? '',
    parentSpanId: field.get(4)?.hex || undefined,
    parentIsRemote: ((field.get(16)?.bits ?? 0n) & parentIsRemoteFlag) !== 0n,
    name: field.get(5)?.text ?? '',
    kind: kinds[field.get(6)?.integer ?? 0] ?? 'unspecified',
    startNs: field.get(7)?.bits ?? 0n,
    endNs: field.get(8)?.bits ?? 0n,
    attributes: attributesIn(message, 9),
    events: repeated(message, 11).map(({ bytes }) => ({
      name: only(bytes, 2)?.text ?? '',
      timeNs: only(bytes, 1)?.bits ?? 0n,
      attributes: attributesIn(bytes, 3),
    })),
    links: repeated(message, 13).map(({ bytes }) => ({
      traceId: only(bytes, 1)?.hex ?? '',
      spanId: only(bytes, 2)?.hex ?? '',
      attributes: attributesIn(bytes, 4),
    })),
    status: statusOf(field.get(15)?.bytes),
  };
}

function statusOf(message: Uint8Array = new Uint8Array()): ReceivedSpan['status'] {
  return { code: statusCodes[only(message, 3)?.integer ?? 0] ?? 'unset', message: only(message, 2)?.text ?? '' };
}

function scopeOf(message: Uint8Array = new Uint8Array()): ReceivedSpan['scope'] {
  return { name: only(message, 1)?.text ?? '', version: only(message, 2)?.text ?? '' };
}

function attributesIn(message: Uint8Array = new Uint8Array(), number: number): Attributes {
  // fromEntries defines its keys, so that an attribute named `__proto__` stays an attribute.
  return Object.fromEntries(
    repeated(message, number).map(({ bytes }) => [only(bytes, 1)?.text ?? '', valueOf(only(bytes, 2)?.bytes)]),
  );
}

function valueOf(message: Uint8Array = new Uint8Array()): AttributeValue {
  for (const field of fields(message)) {
    switch (field.number) {
      case 1: return field.text;
      case 2: return field.bits !== 0n;
      case 3: return field.integer;
      case 4: return field.double;
      case 5: return repeated(field.bytes, 1).map(({ bytes }) => valueOf(bytes));
      case 6: return attributesIn(field.bytes, 1);
      case 7: return field.bytes;
    }
  }
  return null;
}

const repeated = (message: Uint8Array, number: number): Field[] =>
  [...fields(message)].filter((field) => field.number === number);

/** The last one counts, as protobuf has it. */
const only = (message: Uint8Array, number: number): Field | undefined => repeated(message, number).at(-1);
