// HTML in which text is escaped unless it was made here: what a run is called can never become markup or code.

/** Markup, already safe. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Piece = string | number | false | Html | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Strings among the pieces are escaped, for text and for attributes in quotes; `false` is nothing. */
export function html(markup: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(markup.reduce((made, part, i) => made + textOf(pieces[i - 1] as Piece) + part));
}

function textOf(piece: Piece): string {
  if (piece === false) return '';
  if (piece instanceof Html) return piece.text;
  if (Array.isArray(piece)) return piece.map(({ text }) => text).join('');
  return String(piece).replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] as string);
}

/** Data as the text of a script element: without a `<`, nothing in it can end the element. */
export const jsonInScript = (data: unknown): Html =>
  new Html(JSON.stringify(data).replaceAll('<', '\\u003c'));

/**
 * A file of ours or of a library as the text of a script or style element.
 * @throws when something in it would end the element
 */
export function codeInElement(code: string): Html {
  if (/<\/(script|style)|<!--/i.test(code)) throw new Error('code that would end its own element');
  return new Html(code);
}
