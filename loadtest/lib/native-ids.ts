// Ids as text by what k6 brings (k6): its engine interprets, and two ids a question would be a third of what it costs.

import encoding from 'k6/encoding';
import { makeIdsBy } from './population.ts';

const view = new DataView(new ArrayBuffer(16));

makeIdsBy((a, b, c, d) => {
  view.setUint32(0, a);
  view.setUint32(4, b);
  view.setUint32(8, c);
  view.setUint32(12, d);
  return encoding.b64encode(view.buffer, 'rawurl');
});
