/**
 * The one way to the gateway: session cookie, CSRF header, idempotency key and correlation id on every call, and every
 * error as a `Problem` (RFC 9457) that a page can show or tie to a field.
 */

export interface FieldProblem {
  field: string;
  reason: string;
  message: string;
}

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldProblem[];
  /** What the server adds, e.g. the sections that were not opened. */
  readonly extra: Record<string, unknown>;
  readonly correlation: string;

  constructor(status: number, body: Record<string, unknown>, correlation: string) {
    const title = typeof body.title === 'string' ? body.title : `HTTP ${status}`;
    const detail = typeof body.detail === 'string' ? body.detail : '';
    super(detail || title);
    this.name = 'Problem';
    this.status = status;
    this.code = typeof body.type === 'string' ? (body.type.split(':').pop() ?? 'http') : 'http';
    this.title = title;
    this.detail = detail;
    this.errors = Array.isArray(body.errors) ? (body.errors as FieldProblem[]) : [];
    this.extra = body;
    this.correlation = correlation;
  }

  /** The message for one field of a form; the server names it by its path, such as `body.hired_on`. */
  forField(name: string): string | undefined {
    return this.errors.find((error) => error.field === name || error.field.split(/[./]/).pop() === name)
      ?.message;
  }
}

/** The network failed or the gateway does not answer: nothing is known about the outcome. */
export class Unreachable extends Error {
  readonly correlation: string;
  constructor(correlation: string) {
    super('unreachable');
    this.name = 'Unreachable';
    this.correlation = correlation;
  }
}

let csrf = '';
let onUnauthenticated: () => void = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}
export function whenUnauthenticated(act: () => void): void {
  onUnauthenticated = act;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export function url(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== null && value !== '') search.set(key, String(value));
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

interface Options {
  query?: Query;
  body?: unknown;
  form?: FormData;
  /** The same key for every retry of one act, so that it happens once. */
  key?: string;
  accept?: string;
  signal?: AbortSignal;
}

/** An id also on plain http, where `crypto.randomUUID` is missing outside localhost. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const correlation = newKey();
  const headers: Record<string, string> = {
    Accept: options.accept ?? 'application/json',
    'X-Correlation-Id': correlation,
  };
  let body: BodyInit | undefined;
  if (options.form) body = options.form;
  else if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  if (method !== 'GET') {
    headers['X-CSRF-Token'] = csrf;
    headers['Idempotency-Key'] = options.key ?? newKey();
  }
  let response: Response;
  try {
    response = await fetch(url(path, options.query), {
      method,
      headers,
      body,
      credentials: 'same-origin',
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Unreachable(correlation);
  }
  if (response.ok) return response;
  const problem = new Problem(
    response.status,
    await response.json().catch(() => ({})),
    response.headers.get('x-correlation-id') ?? correlation,
  );
  // A wrong password at login or signing is also a 401, and it does not end the session.
  if (
    response.status === 401 &&
    path !== '/api/session' &&
    path !== '/api/password' &&
    !path.endsWith('/confirm')
  )
    onUnauthenticated();
  throw problem;
}

async function json<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export const api = {
  get: async <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
    json<T>(await send('GET', path, { query, signal })),
  text: async (path: string, signal?: AbortSignal): Promise<string> =>
    (await send('GET', path, { accept: '*/*', signal })).text(),
  blob: async (path: string, accept: string): Promise<Blob> => (await send('GET', path, { accept })).blob(),
  post: async <T>(path: string, body: unknown = {}, key?: string): Promise<T> =>
    json<T>(await send('POST', path, { body, key })),
  patch: async <T>(path: string, body: unknown, key?: string): Promise<T> =>
    json<T>(await send('PATCH', path, { body, key })),
  upload: async <T>(path: string, form: FormData, key?: string): Promise<T> =>
    json<T>(await send('POST', path, { form, key })),
  delete: async (path: string): Promise<void> => {
    await send('DELETE', path);
  },
};
