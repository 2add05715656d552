import { createHash } from 'node:crypto';
import type { PageParts } from './page-parts.ts';

/** An outrigger boat, as an icon in the tab. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%230b5f8a'/%3E%3Cpath d='M2 6h12l-2 3H4zM3 12h8M5 9v3M10 9v3' stroke='%23fff' fill='none' stroke-width='1.4'/%3E%3C/svg%3E";

/** The document that joins the parts, and the policy under which a browser runs it. */
export interface PageDocument {
  readonly html: string;
  /** `Content-Security-Policy` (CSP level 3): of inline scripts it allows the import map alone. */
  readonly policy: string;
}

/** Writes the document for these parts. Styles come first, so that nothing is shown without them. */
export function pageDocument({ styles, modules, imports }: PageParts): PageDocument {
  const map = JSON.stringify({ imports });
  const hash = createHash('sha256').update(map).digest('base64');
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Outrigger</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${ICON}">
${styles.map((path) => `<link rel="stylesheet" href="${path}">`).join('\n')}
<script type="importmap">${map}</script>
${[...modules, ...Object.values(imports)].map((path) => `<link rel="modulepreload" href="${path}">`).join('\n')}
<script type="module" src="/page/main.js"></script>
</head>
<body><div id="app"><noscript>This page needs JavaScript. The same is there as JSON: curl this address.</noscript></div></body>
</html>
`;
  return { html, policy: policyWith(hash) };
}

function policyWith(importMapHash: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${importMapHash}'`,
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}
