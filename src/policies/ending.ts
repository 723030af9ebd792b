/**
 * An attempt that has been stopped keeps its place among those under way until it has ended, so that they are as few as
 * they should be; but not for longer than this, or a few that ignore their end would silence the source for ever.
 */
export const endingMs = 1_000;
