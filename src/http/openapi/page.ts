import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** Of Swagger UI, what the page loads. build.ts puts copies beside the bundle. */
export const swaggerFiles = ['swagger-ui.css', 'swagger-ui-bundle.js'] as const;

/** A file of the package, beside the sources or beside the bundle: node finds it in either. */
export const swaggerFile = (name: (typeof swaggerFiles)[number]): Promise<Buffer> =>
  readFile(createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`));

/** What the page may do: run, draw and ask what this port has, and nothing else. Its icons are in its style sheet (`data:`). */
export const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// Relative, so that a proxy may put a path before all of it.
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tributary</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="stylesheet" href="docs/page.css">
<script src="docs/swagger-ui-bundle.js" defer></script>
<script src="docs/start.js" defer></script>
</head>
<body>
<div id="docs"></div>
<noscript>This page is drawn by its scripts; <a href="openapi.json">openapi.json</a> says the same.</noscript>
</body>
</html>
`;

// The column of links is empty, since the document has none, and makes the page wider than a phone.
export const pageStyle = `body { margin: 0; }
.swagger-ui .response-col_links { display: none; }
@media (prefers-color-scheme: dark) { body { background: #1c2022; } }
`;

/** Without a validator, which would be a request to somebody else's host. */
export const pageScript = `const dark = matchMedia('(prefers-color-scheme: dark)');
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', paint);
paint();
SwaggerUIBundle({ url: 'openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });
`;
