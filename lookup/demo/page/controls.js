// The buttons: whose phone it is, and what an operator may change.

import { getState, post } from './server.js';
import { isChinese, t } from './texts.js';
import { byId } from './verdict.js';

const COLORS = ['green', 'yellow', 'red'];
const SVG = 'http://www.w3.org/2000/svg';

export class Controls {
  #state;
  #person = 0;
  #onPerson;
  #changes;

  constructor(changes, onPerson) {
    this.#changes = changes;
    this.#onPerson = onPerson;
    byId('replace-photo').addEventListener('click', () =>
      this.#change(
        () => t().changedPhoto,
        () => post('/demo/replace-photo', { person: this.#person }),
      ),
    );
  }

  /** Reads the source's own state again, until it is there. */
  async refresh() {
    try {
      this.#state = await getState();
      this.render();
    } catch {
      setTimeout(() => this.refresh(), 1000);
    }
  }

  async #change(what, write) {
    await this.#changes.make(what, write);
    await this.refresh();
  }

  render() {
    if (!this.#state) return;
    keepFocus(() => {
      byId('people').replaceChildren(...this.#state.people.map((one) => this.#personButton(one)));
      const person = this.#state.people.find((one) => one.person === this.#person);
      const areas = (person?.areas ?? []).map((id) =>
        this.#areaRow(this.#state.areas.find((area) => area.id === id)),
      );
      byId('rows').replaceChildren(...(person ? [this.#ownRow(person), ...areas] : []));
    });
  }

  #personButton(one) {
    const button = element('button', { type: 'button', id: `person-${one.person}` });
    button.setAttribute('aria-pressed', String(one.person === this.#person));
    const name = t().person(one.person + 1);
    button.setAttribute('aria-label', `${name}, ${t()[one.effective]}`);
    button.title = name;
    const portrait = element('span', { className: 'avatar' });
    if (one.photoId)
      portrait.append(element('img', { src: `/demo/portrait/${one.photoId}`, alt: '' }));
    const mark = shape(one.effective);
    mark.classList.add(one.effective);
    button.append(portrait, mark);
    button.addEventListener('click', () => {
      this.#person = one.person;
      this.render();
      this.#onPerson(one.person);
    });
    return button;
  }

  #ownRow(person) {
    return this.#row({
      id: 'own',
      name: t().own,
      note: t().person(person.person + 1),
      label: t().ownGroup,
      color: person.color,
      set: (color) =>
        this.#change(
          () => t().changedOwn(t()[`${color}Short`]),
          () => post('/demo/recolor-person', { person: this.#person, color }),
        ),
    });
  }

  #areaRow(area) {
    const name = () => (isChinese() ? area.zh : area.en);
    return this.#row({
      id: `area-${area.id}`,
      name: name(),
      note: t().areaNote(area.people),
      label: t().areaGroup(name()),
      color: area.floor,
      set: (color) =>
        this.#change(
          () => t().changedArea(name(), t()[`${color}Short`]),
          () => post('/demo/recolor-area', { person: this.#person, area: area.id, color }),
        ),
    });
  }

  #row({ id, name, note, label, color, set }) {
    const row = element('div', { className: 'row' });
    const title = element('p', {});
    title.append(element('b', { textContent: name }), element('small', { textContent: note }));
    const group = element('fieldset', { className: 'choice' });
    group.setAttribute('aria-label', label);
    for (const one of COLORS) {
      const button = element('button', { type: 'button', className: one, id: `${id}-${one}` });
      button.setAttribute('aria-pressed', String(one === color));
      button.append(shape(one), element('span', { textContent: t()[`${one}Short`] }));
      button.addEventListener('click', () => set(one));
      group.append(button);
    }
    row.append(title, group);
    return row;
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function shape(color) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#shape-${color}`);
  svg.append(use);
  return svg;
}

/** Buttons are made anew; whoever uses the keyboard stays where they were. */
function keepFocus(work) {
  const { id } = document.activeElement ?? {};
  work();
  if (id) byId(id)?.focus({ preventScroll: true });
}
