/**
 * Something that memory keeps, and a link of its list: to be kept costs no allocation beside the thing itself.
 */
export abstract class Kept {
  readonly key: string;
  /** What it is invalidated by. */
  readonly tags: readonly string[];
  /** Roughly what it takes of the heap. */
  readonly bytes: number;
  /** Invalidated, or replaced by a newer one; what merely had to make room is still good. */
  dropped = false;
  /** Memory has it: as long as that is so, it is told when it is outdated. */
  held = false;
  /** @internal Asked for since the hand last passed. */ asked = false;
  /** @internal */ older: Kept | undefined = undefined;
  /** @internal */ newer: Kept | undefined = undefined;

  constructor(key: string, tags: readonly string[], textBytes: number) {
    this.key = key;
    this.tags = tags;
    this.bytes = textBytes + 2 * key.length + overheadBytes + tags.length * tagBytes;
  }
}

/** The object, its promise and freshness, and its entry in the map: measured as 310 to 420 bytes. */
const overheadBytes = 400;

/** The tag itself, and its entry in the index. */
const tagBytes = 150;

/** What a string takes in V8: a byte for each character if all of them are Latin-1, else two. */
export function stringBytes(text: string): number {
  // eslint-disable-next-line no-control-regex -- Latin-1 begins with the control characters
  return /^[\u0000-\u00ff]*$/.test(text) ? text.length : 2 * text.length;
}
