import { type ErrorObject, type ValidateFunction, Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';

import { Refusal } from '../kernel/refusals.ts';
import type { Bundle } from './operations.ts';

// The package's default export is a CommonJS namespace under NodeNext.
const addFormats = addFormatsModule.default;

export interface Validators {
  /** A check against the schema at this JSON pointer of the bundle. */
  at(pointer: string): ValidateFunction;
}

/** A day of the calendar. RFC 3339 knows a year 0000; PostgreSQL, where every day goes, does not. */
function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(text) && !text.startsWith('0000') && !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

/** By the document that they are compiled from: compiling is dearer than any request. */
const made = new WeakMap<object, Validators>();

export function makeValidators({ document }: Pick<Bundle, 'document'>): Validators {
  const known = made.get(document) ?? compiling(document);
  made.set(document, known);
  return known;
}

function compiling(document: object): Validators {
  // Not strict: OpenAPI adds keywords of its own (`x-…`, `discriminator`), which ajv would call unknown.
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  addFormats(ajv);
  ajv.addFormat('binary', true);
  ajv.addFormat('date', isDay);
  ajv.addSchema(document, 'bundle');
  const compiled = new Map<string, ValidateFunction>();
  return {
    at(pointer) {
      let validate = compiled.get(pointer);
      if (validate === undefined) {
        validate = ajv.compile({ $ref: `bundle#${encodeURI(pointer)}` });
        compiled.set(pointer, validate);
      }
      return validate;
    },
  };
}

const SHOWN_ERRORS = 10;

/** Where and what is wrong, without repeating what was sent: it may hold what nobody should log. */
export function requestInvalid(place: string, errors: readonly ErrorObject[] | null | undefined): Refusal {
  const list = (errors ?? []).slice(0, SHOWN_ERRORS).map((error) => ({
    at: `${place}${error.instancePath}`,
    message: error.message ?? 'is not valid',
    ...(error.keyword === 'additionalProperties' ? { member: String(error.params['additionalProperty']) } : {}),
  }));
  return new Refusal('request_invalid', 'Compare the request with the contract; `errors` says where they differ.', {
    extra: { errors: list },
  });
}
