import { Changes } from './change.js';
import { Controls } from './controls.js';
import { Gate } from './gate.js';
import { Phone } from './phone.js';
import { t, useLanguage } from './texts.js';
import { byId, setText } from './verdict.js';

useLanguage();
const phone = new Phone();
const gate = new Gate();
const changes = new Changes({ phone: phone.reader, gate: gate.reader });
const controls = new Controls(changes, stand);

phone.onCode = (screen) => gate.look(screen);

/** This person's phone, held before the gate. */
function stand(person) {
  changes.forget();
  changes.render();
  gate.clear();
  phone.show(person);
}

function showTime() {
  const now = new Date();
  const { dateLocale } = t();
  const day = { weekday: 'short', day: 'numeric', month: 'long' };
  setText(byId('date'), now.toLocaleDateString(dateLocale, day));
  setText(byId('clock'), now.toLocaleTimeString('en-GB'));
}

function tick() {
  showTime();
  setTimeout(tick, 1000 - (Date.now() % 1000));
}

for (const button of document.querySelectorAll('[data-language]'))
  button.addEventListener('click', () => {
    useLanguage(button.dataset.language);
    for (const part of [phone, gate, changes, controls]) part.render();
    showTime();
  });

tick();
controls.refresh();
stand(0);
