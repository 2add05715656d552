// Requests to the address that the page came from, with the token where it wants one.

const STORED = 'outrigger-admin-token';

/** What an answer other than 2xx says. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Ask = (wrong: boolean) => Promise<string>;

let askForToken: Ask = () => Promise.reject(new Refused(401, 'a token is wanted'));
let asking: Promise<string> | undefined;

/** Tells how people are asked for the token; `wrong` where the one that they gave did not do. */
export function onTokenWanted(ask: Ask): void {
  askForToken = ask;
}

/** A request; what it is answered with unless that is 401: then the token is asked for, until one does. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const token = sessionStorage.getItem(STORED);
    const headers = { accept: 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) };
    const response = await fetch(path, { ...init, headers });
    if (response.status !== 401) return response;
    // Another request may have been given a new one meanwhile.
    if (sessionStorage.getItem(STORED) === token) await newToken(token !== null);
  }
}

/** Whether this address wants a token, and has been given one. */
export function hasToken(): boolean {
  return sessionStorage.getItem(STORED) !== null;
}

/** Shows an answer in a tab of its own. */
export async function openInTab(path: string): Promise<void> {
  const response = await request(path);
  const url = URL.createObjectURL(new Blob([await response.arrayBuffer()], { type: 'text/plain;charset=utf-8' }));
  open(url, '_blank', 'noopener');
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The JSON of an answer, of 503 as well: that is how a sidecar that drains tells its state. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await request(path, init);
  const text = await response.text();
  const body = jsonOf(text);
  if (!response.ok && !(response.status === 503 && body !== undefined && !('error' in body)))
    throw refusal(response, text);
  return body as T;
}

/** What an answer that is none says of it. */
export function refusal({ status, statusText }: Response, text: string): Refused {
  return new Refused(status, String(jsonOf(text)?.error ?? (text || statusText)));
}

function jsonOf(text: string): { readonly error?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** One question for all who need the answer at the same time. */
function newToken(wrong: boolean): Promise<string> {
  asking ??= askForToken(wrong)
    .then((token) => {
      sessionStorage.setItem(STORED, token);
      return token;
    })
    .finally(() => {
      asking = undefined;
    });
  return asking;
}
