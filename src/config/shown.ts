import { isUnambiguous } from './forms.ts';

/** A URL for people's eyes: without its password, and with the names of its parameters only. */
export function withoutSecrets(text: string): string {
  // Of several servers, which `URL` does not know; they have no other place for a password.
  if (/^rediss?[+:]/.test(text)) return text.replace(/\/\/[^]*@/, '//***@');
  // What is not a proper URL may hold a password anywhere.
  if (!URL.canParse(text) || !/^[a-z]+:\/\//.test(text) || !isUnambiguous(text)) return '(not a URL)';
  const parsed = new URL(text);
  if (parsed.password !== '') parsed.password = '***';
  // Query parameters may hold passwords and keys too: only their names are shown.
  for (const name of new Set(parsed.searchParams.keys())) parsed.searchParams.set(name, '***');
  return parsed.href;
}

/** A variable's value as a complaint may repeat it. */
export function shown(name: string, value: string | undefined): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(name.endsWith('_URL') ? withoutSecrets(value) : value);
}
