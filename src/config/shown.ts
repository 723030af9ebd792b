import { parsePostgresUrl } from '../clients/postgres-url.ts';
import { isUnambiguous } from './forms.ts';

const notShown = '(not a URL)';

/** A URL for people's eyes: without its password, and with the names of its parameters only. */
export function withoutSecrets(text: string): string {
  // Of several servers, which `URL` does not know; they have no other place for a password.
  if (/^rediss?[+:]/.test(text)) return text.replace(/\/\/[^]*@/, '//***@');
  // What is not a proper URL may hold a password anywhere.
  if (/^postgres(ql)?:/.test(text)) return postgresWithoutSecrets(text);
  return urlWithoutSecrets(text);
}

/** Of several servers, which `URL` does not know either: what they have in common, around their names. */
function postgresWithoutSecrets(text: string): string {
  try {
    const { urls } = parsePostgresUrl(text);
    const [shown, ...others] = urls.map(urlWithoutSecrets);
    if (others.length === 0 || [shown, ...others].includes(notShown)) return shown ?? notShown;
    return shown!.replace(/^([^/]*\/\/(?:[^/?#]*@)?)[^/?#]*/, (_, before: string) => before + [shown!, ...others].map((one) => new URL(one).host).join(','));
  } catch {
    return urlWithoutSecrets(text);
  }
}

function urlWithoutSecrets(text: string): string {
  if (!URL.canParse(text) || !/^[a-z]+:\/\//.test(text) || !isUnambiguous(text)) return notShown;
  const parsed = new URL(text);
  if (parsed.password !== '') parsed.password = '***';
  // Query parameters may hold passwords and keys too: only their names are shown.
  for (const name of new Set(parsed.searchParams.keys())) parsed.searchParams.set(name, '***');
  return parsed.href;
}

/** The same for one or several between commas: all of them, or none if one may be part of another's password. */
function withoutSecretsEach(text: string): string {
  const each = text.split(',').map((one) => withoutSecrets(one.trim()));
  return each.find((one) => one === notShown) ?? each.join(',');
}

/** A variable's value as a complaint may repeat it. */
export function shown(name: string, value: string | undefined): string {
  if (value === undefined) return 'nothing';
  if (name === 'RECOMMENDATIONS_URL' || name === 'SENTIMENT_URL') return JSON.stringify(withoutSecretsEach(value));
  return JSON.stringify(name.endsWith('_URL') ? withoutSecrets(value) : value);
}
