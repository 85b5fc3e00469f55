import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../test/wait.ts';
import { type TerminalStreams, terminalOutput } from './terminal.ts';

/** Streams that remember, with or without somebody who sees them. */
function streams(isTTY: boolean) {
  const kept = { output: '', remarks: '' };
  const stream = (name: 'output' | 'remarks') => {
    const made = new PassThrough();
    made.on('data', (chunk) => {
      kept[name] += chunk;
    });
    // What cli-progress asks of a terminal.
    return Object.assign(made, {
      isTTY,
      columns: 80,
      cursorTo() {},
      clearLine() {},
      moveCursor() {},
    });
  };
  const input = Object.assign(new PassThrough(), { isTTY });
  const all = { input, output: stream('output'), remarks: stream('remarks') };
  return { kept, input, streams: all as unknown as TerminalStreams };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a command speaks', () => {
  test('in lines, or in one object, and remarks aside', () => {
    for (const asJson of [false, true]) {
      const { kept, streams: to } = streams(false);
      const output = terminalOutput(asJson, to);
      output.line('a line');
      output.json({ an: 'object' });
      output.note('a remark');
      expect(kept).toEqual({
        output: asJson ? '{"an":"object"}\n' : 'a line\n',
        remarks: 'a remark\n',
      });
    }
  });

  test('and takes nothing but yes for a yes', async () => {
    for (const [typed, isYes] of [
      ['y\n', true],
      ['YES\n', true],
      ['\n', false],
      ['yellow\n', false],
      ['n\n', false],
      ['', false],
    ] as const) {
      const { kept, input, streams: to } = streams(true);
      const answered = terminalOutput(false, to).ask('Really?');
      await until(() => kept.remarks.includes('Really? [y/N]'), { what: 'it asks' });
      input.end(typed);
      expect([typed, await answered]).toEqual([typed, isYes]);
      expect(kept.output).toBe('');
    }
  });

  test('and Ctrl-C for a no', async () => {
    const { kept, input, streams: to } = streams(true);
    const answered = terminalOutput(false, to).ask('Really?');
    await until(() => kept.remarks.includes('Really? [y/N]'), { what: 'it asks' });
    input.write('y\u0003');
    expect(await answered).toBe(false);
  });

  test('and asks nobody where nobody is, but says what it would have asked', async () => {
    const { kept, streams: to } = streams(false);
    expect(await terminalOutput(true, to).ask('Really?')).toBe(false);
    expect(kept).toEqual({ output: '', remarks: 'Really?\n' });
  });
});

describe('long work', () => {
  test('shows a bar on a terminal, on the side of the remarks', () => {
    const { kept, streams: to } = streams(true);
    const progress = terminalOutput(false, to).progress('people', 2_000_000);
    progress.update(1_000_000);
    progress.stop();
    expect(kept.remarks).toMatch(/people .+ 50 %, 1,000,000 of 2,000,000, .* left/);
    expect(kept.output).toBe('');
  });

  test('says a line every ten seconds elsewhere, with the time left', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { kept, streams: to } = streams(false);
    const progress = terminalOutput(false, to).progress('people', 4_000);
    for (let second = 1; second <= 25; second++) {
      vi.advanceTimersByTime(1_000);
      progress.update(second * 100);
    }
    progress.stop();
    expect(kept.remarks).toBe(
      'people: 1,000 of 4,000, 30 s left\npeople: 2,000 of 4,000, 20 s left\n',
    );
  });

  test('says how far it is when nobody knows how far it goes', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { kept, streams: to } = streams(false);
    const progress = terminalOutput(false, to).progress('rows', 0);
    vi.advanceTimersByTime(10_000);
    progress.update(1_234);
    expect(kept.remarks).toBe('rows: 1,234\n');
  });
});
