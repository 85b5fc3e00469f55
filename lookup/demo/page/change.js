// One change: written by the server, awaited on both sides, timed on this page's clock.

import { t } from './texts.js';
import { byId, hideArrived, setText, showArrived } from './verdict.js';

const GIVE_UP_MS = 10_000;
const SIDES = ['phone', 'gate'];

const matches = (answer, { expected }) =>
  answer?.color === expected.color && answer.photoId === expected.photoId;

export class Changes {
  #readers;
  #shown = {};
  #current;

  constructor(readers) {
    this.#readers = readers;
    for (const side of SIDES)
      readers[side].onAnswer = (answer, at) => {
        this.#shown[side] = { ...answer, at };
        this.#look(side);
      };
  }

  forget() {
    this.#current = undefined;
    this.#shown = {};
    this.#rest();
  }

  /**
   * @param what names it in the language chosen at the time of rendering
   * @param write posts it; resolves to what the server says of the commit
   */
  async make(what, write) {
    const before = { ...this.#shown };
    const change = { what, arrivals: {}, state: 'writing' };
    this.#current = change;
    for (const side of SIDES) hideArrived(side);
    this.render();
    try {
      const told = await write();
      if (this.#current !== change) return;
      change.committed = performance.now() - told.sinceCommitMs;
      change.commitMs = told.commitMs;
      change.expected = told.expected;
    } catch {
      change.state = 'failed';
      this.render();
      return;
    }
    if (SIDES.every((side) => matches(before[side], change))) {
      change.state = 'nothing';
      this.render();
      return;
    }
    change.state = 'waiting';
    for (const side of SIDES) {
      this.#look(side);
      this.#readers[side].hurry(true);
    }
    setTimeout(() => this.#giveUp(change), GIVE_UP_MS);
    this.render();
  }

  #look(side) {
    const change = this.#current;
    const answer = this.#shown[side];
    if (change?.state !== 'waiting' || change.arrivals[side] !== undefined) return;
    if (!matches(answer, change)) return;
    change.arrivals[side] = Math.max(0, answer.at - change.committed);
    showArrived(side, change.arrivals[side]);
    if (SIDES.every((one) => change.arrivals[one] !== undefined)) this.#finish(change);
    else this.render();
  }

  #finish(change) {
    change.state = 'arrived';
    this.#rest();
    this.render();
    const { phone, gate } = change.arrivals;
    const ms = (n) => t().ms(Math.round(n));
    setText(byId('spoken'), t().spoken(change.what(), ms(phone), ms(gate)));
  }

  #giveUp(change) {
    if (this.#current !== change || change.state !== 'waiting') return;
    change.state = 'late';
    this.#rest();
    this.render();
    setText(byId('spoken'), `${change.what()}: ${t().late}`);
  }

  #rest() {
    for (const side of SIDES) this.#readers[side].hurry(false);
  }

  render() {
    const change = this.#current;
    const state = change?.state ?? 'idle';
    byId('result').dataset.state = state;
    setText(byId('result-title'), change ? change.what() : t().idleTitle);
    setText(byId('result-note'), this.#note(change));
    const longest = Math.max(100, ...Object.values(change?.arrivals ?? {}));
    for (const side of SIDES) this.#renderBar(side, change, longest);
    if (state === 'nothing' || state === 'failed') setText(byId('spoken'), t()[state]);
  }

  #note(change) {
    if (!change || change.state === 'writing') return t().idleNote;
    if (change.state === 'failed' || change.state === 'nothing') return t()[change.state];
    return t().measured(change.commitMs.toFixed(1));
  }

  #renderBar(side, change, longest) {
    const bar = byId(`bar-${side}`);
    const ms = change?.arrivals[side];
    bar.querySelector('b').style.width =
      ms === undefined ? '0' : `${Math.max(2, (ms / longest) * 100)}%`;
    const open = { writing: t().waits, waiting: t().waits, late: t().late }[change?.state] ?? '–';
    setText(bar.querySelector('output'), ms === undefined ? open : t().ms(Math.round(ms)));
  }
}
