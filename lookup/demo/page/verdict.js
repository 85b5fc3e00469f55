// What phone and gate have in common: a color never shown as color alone, a mark on what is old,
// a badge on what is new.

import { otherTexts, t } from './texts.js';

export const byId = (id) => document.getElementById(id);

/** @param color 'green', 'yellow', 'red'; anything else is shown as no color at all */
export function showColor(root, side, color, words = 'none') {
  const known = color === 'green' || color === 'yellow' || color === 'red';
  root.dataset.color = known ? color : 'none';
  root.querySelector('.shape use').setAttribute('href', `#shape-${root.dataset.color}`);
  const key = known ? color : words;
  setText(byId(`${side}-words`), t()[key]);
  const other = byId(`${side}-other-words`);
  setText(other, otherTexts()[key]);
  other.lang = document.documentElement.lang === 'en' ? 'zh-CN' : 'en';
}

/** @param text undefined when the answer is fresh */
export function showStale(root, side, text) {
  root.classList.toggle('is-stale', text !== undefined);
  const node = byId(`${side}-stale`);
  node.hidden = text === undefined;
  setText(node, text ?? '');
}

/** Shown only once loaded: a photo may come later than its id. */
export function showPhoto(image, address, retry) {
  image.alt = t().photoOf;
  if (image.dataset.address === address) return;
  image.dataset.address = address ?? '';
  if (!address) {
    image.hidden = true;
    return;
  }
  image.onload = () => {
    image.hidden = false;
  };
  image.onerror = () => {
    image.hidden = true;
    setTimeout(() => {
      if (image.dataset.address === address) retry();
    }, 1000);
  };
  image.src = address;
}

export function showArrived(side, ms) {
  const badge = byId(`${side}-arrived`);
  badge.textContent = t().arrivedBadge(Math.round(ms));
  badge.hidden = true;
  badge.getBoundingClientRect(); // lays it out anew, so that its movement begins again
  badge.hidden = false;
}

export const hideArrived = (side) => {
  byId(`${side}-arrived`).hidden = true;
};

/** Only when it differs: a reader of screens hears no repeats, and the browser lays nothing out again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
