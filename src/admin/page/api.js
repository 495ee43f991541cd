// Requests to the API, and its answers.

import { askForToken, headers } from './session.js';

/** The server refused: the problem document says why. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `orderly answered ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** The server cannot be reached. */
class Unreachable extends Error {}

/** Asks for something; `query` holds parameters, of which empty ones are left out. */
export function get(path, query, signal) {
  const wanted = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const search = new URLSearchParams(wanted).toString();
  return request('GET', search ? `${path}?${search}` : path, { signal });
}

/** Asks for a change. The body is JSON as a text, so that no number in it loses a digit. */
export function send(method, path, body) {
  return request(method, path, { body });
}

/** The path of a thing whose id may hold any character. */
export const path = (list, id, rest) => `/api/${list}/${encodeURIComponent(id)}${rest ?? ''}`;

async function request(method, target, { body, signal }) {
  for (;;) {
    const answer = await call(method, target, body, signal);
    if (answer.status === 401) {
      await askForToken();
      continue;
    }
    const read = parse(await answer.text());
    if (!answer.ok) throw new Refused(answer.status, read ?? {});
    return read;
  }
}

async function call(method, target, body, signal) {
  const sent = headers();
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  try {
    return await fetch(target, { method, headers: sent, body, signal, cache: 'no-store' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Unreachable('orderly cannot be reached');
  }
}

/** JSON; a whole number that JavaScript's numbers do not hold exactly becomes a BigInt. Null: the text is no JSON. */
function parse(text) {
  try {
    return JSON.parse(text, (_, value, context) => {
      const isLong = typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '');
      return isLong ? BigInt(context.source) : value;
    });
  } catch {
    return null;
  }
}
