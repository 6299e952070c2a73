import { pino, type Logger } from 'pino';

export type Log = Logger;

/** Header and field names whose values never reach a log line. */
const SECRET_PATHS = [
  'req.headers.authorization', 'req.headers.cookie', 'req.headers["stripe-signature"]',
  '*.secret', '*.secretKey', '*.password', '*.token', '*.credential', '*.privateKey',
];

/** Structured logs, one JSON object a line. `silent` in tests. */
export function makeLog(options: { level: string; name?: string }): Log {
  return pino({
    name: options.name ?? 'benren',
    level: options.level,
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
