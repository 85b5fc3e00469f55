// The phone: shows its own code by HTTP, and a QR code for the gate.

import { Reader } from './reader.js';
import { post } from './server.js';
import { t, timeOf } from './texts.js';
import { byId, hideArrived, setText, showColor, showPhoto, showStale } from './verdict.js';

/** Dark enough on white for any camera, and for eyes (AA): yellow is not, so its code is drawn in brown. */
const INKS = { green: '#0a6b3d', yellow: '#6b4700', red: '#a81b1b', none: '#2c3440' };
const DOT = 6;
const QUIET = 4;

export class Phone {
  #root = byId('phone');
  #qr = byId('qr');
  #person = 0;
  #token;
  #last;
  #failing = false;
  #code;
  #codeDrawn;
  #codeTimer;
  /** Called when a new code is drawn on the screen. */
  onCode = () => {};

  constructor() {
    this.reader = new Reader((wanted) => this.#ask(wanted));
  }

  show(person) {
    this.#person = person;
    this.#token = undefined;
    this.#last = undefined;
    this.#code = undefined;
    this.#failing = false;
    hideArrived('phone');
    this.render();
    this.reader.restart();
    this.#renewCode();
  }

  async #ask(wanted) {
    try {
      this.#token ??= (await post('/demo/phone-token', { person: this.#person })).token;
      const response = await fetch('/v1/code', {
        headers: { Authorization: `Bearer ${this.#token}` },
        cache: 'no-store',
      });
      if (!wanted()) return undefined;
      if (response.status === 401) this.#token = undefined;
      if (response.status === 404) this.#last = { absent: true };
      if (response.ok) this.#last = await response.json();
      this.#failing = !response.ok && response.status !== 404;
    } catch {
      this.#failing = true;
    }
    if (!wanted()) return undefined;
    this.render();
    if (this.#failing || !this.#last?.color) return undefined;
    return { color: this.#last.color, photoId: this.#last.photo?.match(/\/photo\/([\w-]+)/)?.[1] };
  }

  render() {
    const last = this.#last;
    showColor(this.#root, 'phone', last?.color, last?.absent ? 'absent' : 'none');
    const time = last?.as_of ? timeOf(Date.parse(last.as_of)) : '–';
    setText(byId('phone-as-of'), time);
    showStale(this.#root, 'phone', this.#mark(time));
    showPhoto(byId('phone-portrait'), last?.photo, () => {
      byId('phone-portrait').dataset.address = '';
      this.render();
    });
    this.#drawCode();
  }

  #mark(time) {
    if (this.#failing) return this.#last ? t().noAnswerNow(time) : t().nothingYet;
    return this.#last?.stale ? t().stale(time) : undefined;
  }

  async #renewCode() {
    clearTimeout(this.#codeTimer);
    const person = this.#person;
    const code = await post('/demo/code', { person }).catch(() => undefined);
    if (person !== this.#person) return;
    if (code) this.#code = code;
    this.#drawCode();
    this.#codeTimer = setTimeout(
      () => this.#renewCode(),
      code ? (code.lifetimeS * 1000) / 2 : 1000,
    );
  }

  #drawCode() {
    const ink = INKS[this.#root.dataset.color];
    const drawn = this.#code && this.#code.modules + ink;
    if (drawn === this.#codeDrawn) return;
    this.#codeDrawn = drawn;
    const size = this.#code?.size ?? 57;
    const side = (size + 2 * QUIET) * DOT;
    this.#qr.width = side;
    this.#qr.height = side;
    const context = this.#qr.getContext('2d');
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, side, side);
    if (!this.#code) return;
    context.fillStyle = ink;
    for (let i = 0; i < size * size; i++) {
      if (this.#code.modules[i] !== '1') continue;
      const x = (i % size) + QUIET;
      const y = Math.floor(i / size) + QUIET;
      context.fillRect(x * DOT, y * DOT, DOT, DOT);
    }
    this.onCode(this.#qr);
  }
}
