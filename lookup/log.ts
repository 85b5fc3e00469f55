import { destination, type Logger, pino } from 'pino';

/** JSON lines on standard error. No subject, token or photo id is ever handed to it. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** @param level least level that is written */
export function makeLog(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ fd: 2, sync: true }),
  );
}

/** For tests and tools that want no log. */
export const noLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
