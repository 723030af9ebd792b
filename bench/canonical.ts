declare global {
  interface JSON {
    // Node 22 and later have these; TypeScript's library does not know them yet.
    parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
    rawJSON(text: string): object;
  }
}

/**
 * JSON text with the keys of its objects sorted and the white space between its values removed. Numbers and strings
 * keep the bytes they came with, so 12.50 and 12.5 differ, and so do é and \u00e9. Throws if the text is no JSON.
 */
export function canonical(text: string): string {
  const sorted = JSON.parse(text, (_key: string, value: unknown, { source }: { readonly source?: string }) => {
    if (source !== undefined) return JSON.rawJSON(source); // A number, a string, a boolean or null.
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
  return JSON.stringify(sorted);
}
