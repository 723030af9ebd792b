const begin = '<!-- bench -->';
const end = '<!-- /bench -->';

/** Puts the text between the two marks; undefined when the page has not both, in this order. */
export function betweenMarks(page: string, text: string): string | undefined {
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) return undefined;
  return `${page.slice(0, from + begin.length)}\n${text.trim()}\n${page.slice(to)}`;
}
