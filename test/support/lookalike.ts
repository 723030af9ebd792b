import * as fc from 'fast-check';

/** Texts that look like parts of keys: digits, colons, tildes, what other types would be written as, half characters. */
export const lookalike = fc.oneof(
  fc.string({ unit: fc.constantFrom('0', '1', '2', ':', '~', ' ', 'é', '𝒳', '\ud800', '\udc00', 'n'), maxLength: 6 }),
  fc.constantFrom('number 1', 'boolean true', 'undefined undefined', 'object null', '8:number 1', '~8:number 1', 'bigint 1', ''),
);
