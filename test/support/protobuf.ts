/** One field of a protobuf message: its number and its still unread payload. */
export class Field {
  readonly number: number;
  readonly #payload: bigint | Uint8Array;

  constructor(number: number, payload: bigint | Uint8Array) {
    this.number = number;
    this.#payload = payload;
  }

  /** Length-delimited: bytes, a string, or a message of its own. */
  get bytes(): Uint8Array {
    if (typeof this.#payload !== 'bigint') return this.#payload;
    throw new Error(`expected field ${this.number} to be length-delimited, but got a number`);
  }

  /** The 64 bits of a varint or a fixed number, as they are. */
  get bits(): bigint {
    if (typeof this.#payload === 'bigint') return this.#payload;
    throw new Error(`expected field ${this.number} to be a number, but got ${this.#payload.length} bytes`);
  }

  get text(): string {
    return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes);
  }

  get hex(): string {
    return Buffer.from(this.bytes).toString('hex');
  }

  /** As an int64: a negative one travels as its two's complement. */
  get integer(): number {
    return Number(BigInt.asIntN(64, this.bits));
  }

  get double(): number {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, this.bits);
    return view.getFloat64(0);
  }
}

/** Reads a message field by field, in wire order; a field that nobody asks for is skipped by not being looked at. */
export function* fields(message: Uint8Array): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;

  const take = (length: number): number => {
    const from = at;
    at += length;
    if (at > message.length) throw new Error(`expected ${length} bytes at ${from}, but the message ends at ${message.length}`);
    return from;
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = view.getUint8(take(1));
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error(`expected a varint of at most 10 bytes, but got a longer one before ${at}`);
  };
  const bytes = (): Uint8Array => {
    const length = Number(varint());
    const from = take(length);
    return message.subarray(from, from + length);
  };

  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0: yield new Field(number, varint()); break;
      case 1: yield new Field(number, view.getBigUint64(take(8), true)); break;
      case 2: yield new Field(number, bytes()); break;
      case 5: yield new Field(number, BigInt(view.getUint32(take(4), true))); break;
      default: throw new Error(`expected wire type 0, 1, 2 or 5, but field ${number} has ${tag & 7}`);
    }
  }
}
