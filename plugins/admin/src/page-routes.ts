import type { AdminReply, AdminRequest, AdminRoute } from '@outrigger/core';
import * as described from './answers.ts';
import { pageDocument } from './page-document.ts';
import { type PagePart, type PageParts, partOf, readPageParts } from './page-parts.ts';
import type { Subjects } from './routes.ts';

interface Page {
  readonly parts: PageParts['parts'];
  readonly document: PagePart;
  readonly policy: string;
}

let page: Page | undefined;

/** Read when somebody opens it first, and kept. */
function thePage(): Page {
  if (page !== undefined) return page;
  const read = readPageParts();
  const { html, policy } = pageDocument(read);
  page = { parts: read.parts, document: partOf(Buffer.from(html), 'text/html'), policy };
  return page;
}

/** `GET /`: the page for browsers, and for everybody else the paths. */
export function frontRoute({ sidecar }: Subjects): AdminRoute {
  return {
    method: 'GET',
    path: '/',
    doc: 'What there is to ask here; a browser gets a page that shows it.',
    ...described.paths,
    open: 'text/html',
    serve(request) {
      if (!request.accept.includes('text/html'))
        return {
          body: { paths: sidecar.adminRoutes.map(({ method, path, doc }) => ({ method, path, doc })) },
          headers: { vary: 'accept' },
        };
      const { document, policy } = thePage();
      return served(document, request, {
        vary: 'accept',
        'content-security-policy': policy,
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
      });
    },
  };
}

/** `GET /page/…`: scripts and styles of the page. */
export function partsRoute(): AdminRoute {
  return {
    method: 'GET',
    path: '/page/*',
    doc: 'Scripts and styles of the page.',
    open: true,
    serve(request) {
      const part = thePage().parts.get(request.path);
      if (part === undefined) return { status: 404, body: { error: `the page has no part ${request.path}` } };
      return served(part, request, { 'cross-origin-resource-policy': 'same-origin' });
    },
  };
}

/** Asked for anew each time, sent only where it has changed (RFC 9110 §13.1.2). */
function served(part: PagePart, { headers }: AdminRequest, more: Readonly<Record<string, string>>): AdminReply {
  const known = String(headers['if-none-match'] ?? '')
    .split(',')
    .some((tag) => tag.trim().replace(/^W\//, '') === part.etag);
  return {
    status: known ? 304 : 200,
    body: known ? '' : part.bytes,
    contentType: part.contentType,
    headers: { 'cache-control': 'no-cache', etag: part.etag, ...more },
  };
}
