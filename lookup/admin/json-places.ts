// Where things are in a line of JSON. JSON.parse tells the place of an error in some of its messages only, and of a
// value never; so a line that has something wrong with it is walked once more, here.

const TEXT = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/;
const TOKEN = new RegExp(`${TEXT.source}|${NUMBER.source}|true|false|null|[{}[\\]:,]`, 'y');
const SPACE = /[ \t\r\n]*/y;

export interface JsonPlaces {
  /** From 0 on: where JSON ends to be; the text's length when it is torn, or has no fault. */
  readonly faultAt: number;
  /** Where the value of each name of the outermost object begins: the last one, as JSON.parse has it. */
  readonly values: ReadonlyMap<string, number>;
}

type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | 'end of value';

export function placesOf(text: string): JsonPlaces {
  const values = new Map<string, number>();
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let name = '';
  let at = 0;
  for (;;) {
    SPACE.lastIndex = at;
    at += SPACE.exec(text)?.[0].length ?? 0;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return { faultAt: at, values };
    if (open.length === 1 && open[0] === '{') {
      if (expected.startsWith('name') && token.startsWith('"')) name = JSON.parse(token) as string;
      if (expected === 'value') values.set(name, at);
    }
    const next = step(open, expected, token);
    if (next === undefined) return { faultAt: at, values };
    expected = next;
    at += token.length;
  }
}

/** @param open is changed as the token opens or closes @returns what may follow; undefined: not this token */
function step(open: ('{' | '[')[], expected: Expected, token: string): Expected | undefined {
  const within = open.at(-1);
  if (token === '}' || token === ']') {
    const closes = token === '}' ? '{' : '[';
    const may =
      expected === 'end of value' || expected === (token === '}' ? 'name or }' : 'value or ]');
    if (!may || within !== closes) return undefined;
    open.pop();
    return 'end of value';
  }
  if (expected === 'end of value') {
    if (token !== ',' || within === undefined) return undefined;
    return within === '{' ? 'name' : 'value';
  }
  if (expected === ':') return token === ':' ? 'value' : undefined;
  if (expected === 'name' || expected === 'name or }')
    return token.startsWith('"') ? ':' : undefined;
  if (token === ':' || token === ',') return undefined;
  if (token !== '{' && token !== '[') return 'end of value';
  open.push(token);
  return token === '{' ? 'name or }' : 'value or ]';
}
