// JSON as a text: laid out and taken apart without a change of any digit.

const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/gy;

const tokens = (text) => [...text.matchAll(TOKEN)].filter(([token]) => token.trim() !== '');

export function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON in lines; null when the text is no JSON. */
export function layOut(text) {
  if (!isJson(text)) return null;
  let line = '\n';
  let out = '';
  let isOpened = false;
  for (const [token] of tokens(text)) {
    if (token === '}' || token === ']') {
      line = line.slice(0, -2);
      out += isOpened ? token : line + token;
      isOpened = false;
      continue;
    }
    if (isOpened) out += line;
    isOpened = token === '{' || token === '[';
    if (isOpened) line += '  ';
    if (token === ',') out += `,${line}`;
    else out += token === ':' ? ': ' : token;
  }
  return out;
}

/** The member of a JSON object as it was written; null when the text is no object, or has no such member. */
export function member(text, name) {
  if (!isJson(text) || !text.trimStart().startsWith('{')) return null;
  let depth = 0;
  let begin = null;
  let found = null;
  const all = tokens(text);
  all.forEach((token, at) => {
    if (depth === 1 && all[at + 1]?.[0] === ':' && begin === null && JSON.parse(token[0]) === name) begin = all[at + 2].index;
    const isEnd = token[0] === '}' || token[0] === ']';
    if ((depth === 1 && (token[0] === ',' || isEnd)) && begin !== null) {
      found = text.slice(begin, token.index).trim();
      begin = null;
    }
    if (isEnd) depth -= 1;
    else if (token[0] === '{' || token[0] === '[') depth += 1;
  });
  return found;
}
