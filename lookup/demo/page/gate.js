// The gate: its camera takes a picture of the phone's screen, reads the code in the picture, and asks
// over gRPC (through the page's server: a browser speaks no gRPC). It knows nothing of the person but
// what the code and the answer say.

import { Reader } from './reader.js';
import { post } from './server.js';
import { t, timeOf } from './texts.js';
import { byId, hideArrived, setText, showColor, showPhoto, showStale } from './verdict.js';

const RULINGS = { green: 'rulingGreen', yellow: 'rulingYellow', red: 'rulingRed' };

export class Gate {
  #root = byId('gate');
  #camera = byId('camera');
  #token;
  #last;
  #lastFound;

  constructor() {
    this.reader = new Reader((wanted) => this.#ask(wanted));
  }

  /** Somebody else stands before it. */
  clear() {
    this.#token = undefined;
    this.#last = undefined;
    this.#lastFound = undefined;
    hideArrived('gate');
    this.render();
    this.reader.restart();
  }

  /** Takes a picture of the screen, a little askew as people hold it, and reads the code in its pixels. */
  look(screen) {
    const { width, height } = this.#camera;
    const context = this.#camera.getContext('2d', { willReadFrequently: true });
    context.fillStyle = '#1b2430';
    context.fillRect(0, 0, width, height);
    context.save();
    context.translate(width / 2, height / 2);
    context.rotate(-0.045);
    context.drawImage(screen, -width * 0.46, -height * 0.46, width * 0.92, height * 0.92);
    context.restore();
    const { data } = context.getImageData(0, 0, width, height);
    const code = globalThis.jsQR(data, width, height, { inversionAttempts: 'dontInvert' });
    if (code?.data === this.#token) return;
    this.#token = code?.data;
    this.render();
    this.reader.restart();
  }

  async #ask(wanted) {
    if (!this.#token) return undefined;
    const answer = await post('/demo/ask-gate', { token: this.#token }).catch(() => ({
      outcome: 'unavailable',
    }));
    if (!wanted()) return undefined;
    this.#last = answer;
    if (answer.outcome === 'found') this.#lastFound = answer;
    this.render();
    return answer.outcome === 'found'
      ? { color: answer.color, photoId: answer.photoId || undefined }
      : undefined;
  }

  render() {
    const last = this.#last;
    // Without an answer now, a gate may show the last one with its time, marked. Never a guess.
    const shown = last?.outcome === 'absent' ? undefined : this.#lastFound;
    showColor(this.#root, 'gate', shown?.color, last?.outcome === 'absent' ? 'absent' : 'none');
    const doubtful = last?.outcome !== 'found' || !last.fresh;
    const ruling = doubtful ? 'rulingNone' : RULINGS[this.#root.dataset.color];
    setText(byId('gate-ruling'), last ? t()[ruling ?? 'rulingNone'] : '');
    this.#root.classList.toggle('is-open', ruling === 'rulingGreen');
    showStale(this.#root, 'gate', this.#mark());
    setText(
      byId('camera-caption'),
      this.#token ? t().cameraRead(this.#token.length) : t().cameraSeeks,
    );
    this.#showPhoto(shown?.photoId);
    setText(byId('gate-layer'), t()[shown?.layer] ?? shown?.layer ?? '–');
    setText(byId('gate-version'), shown?.version === undefined ? '–' : String(shown.version));
    setText(byId('gate-age'), shown ? t().ms(Math.round(shown.ageMs)) : '–');
    setText(byId('gate-took'), last?.tookMs ? t().ms(last.tookMs.toFixed(1)) : '–');
  }

  #mark() {
    const last = this.#last;
    if (!last || last.outcome === 'absent') return undefined;
    const time = this.#lastFound ? timeOf(this.#lastFound.asOfMs) : undefined;
    if (last.outcome !== 'found') return time ? t().noAnswerNow(time) : t().nothingYet;
    return last.fresh ? undefined : t().stale(time);
  }

  #showPhoto(photoId) {
    const image = byId('gate-portrait');
    showPhoto(image, photoId && `/demo/gate-photo/${photoId}`, () => {
      image.dataset.address = '';
      this.render();
    });
  }
}
