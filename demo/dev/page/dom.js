/** An element with properties and children; texts are texts, never markup, so nothing that a service says is run. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Milliseconds as somebody reads them: three digits are enough to compare. */
export function ms(value) {
  if (value >= 1_000) return `${(value / 1_000).toFixed(value >= 10_000 ? 1 : 2)} s`;
  return value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(value >= 10 ? 1 : 2)} ms`;
}

export const clock = (atMs) => new Date(atMs).toLocaleTimeString([], { hour12: false });

/** A state or status, coloured by its class and said in words: colour alone is not for everybody. */
export const badge = (kind, text = kind) => h('span', { class: `badge ${kind}` }, text);
