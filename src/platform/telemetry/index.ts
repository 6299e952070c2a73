import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

export type Log = Logger;

/** Header and field names whose values never reach a log line. */
const SECRET_PATHS = [
  'req.headers.authorization', 'req.headers.cookie', 'req.headers["stripe-signature"]',
  '*.secret', '*.secretKey', '*.password', '*.token', '*.credential', '*.privateKey',
];

/** Causes of causes that are shown. */
const DEPTH_MAX = 4;

/**
 * An error as far as a log may hold it. A failed statement carries its parameters and the driver's detail the whole row:
 * hashes of tokens, names, what people wrote. So members are named here that are shown, and none are copied.
 */
function shownError(error: unknown, depth = DEPTH_MAX): unknown {
  if (!(error instanceof Error)) return error === undefined || error === null ? error : { type: typeof error };
  const { name, message, stack, cause } = error;
  const more = error as { code?: unknown; constraint?: unknown; errors?: unknown };
  return {
    type: name, message, stack,
    ...(typeof more.code === 'string' ? { code: more.code } : {}),
    ...(typeof more.constraint === 'string' ? { constraint: more.constraint } : {}),
    ...(cause !== undefined && depth > 0 ? { cause: shownError(cause, depth - 1) } : {}),
    ...(Array.isArray(more.errors) && depth > 0 ? { errors: more.errors.map((inner: unknown) => shownError(inner, depth - 1)) } : {}),
  };
}

/** Structured logs, one JSON object a line, to standard output unless told otherwise. `silent` in tests. */
export function makeLog(options: { level: string; name?: string; destination?: DestinationStream }): Log {
  const settings: LoggerOptions = {
    name: options.name ?? 'benren',
    level: options.level,
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    serializers: { err: (error: unknown) => shownError(error), cause: (error: unknown) => shownError(error) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}
