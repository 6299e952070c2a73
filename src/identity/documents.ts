import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import { canonicalJson, type Json, type JsonObject, parseStrictJson } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';

/** The JSON Schemas of contracts/rights, compiled once. */
export interface Documents {
  documentTypes: readonly string[];
  /**
   * The document as plain I-JSON, if it is one of this type.
   *
   * @throws Refusal `document_invalid` with `problems: [{path, message}]`; `json_malformed` for values without a JSON form
   */
  validate(documentType: string, document: unknown): JsonObject;
}

const PROBLEMS_SHOWN = 20;

interface Problem {
  path: string;
  message: string;
}

/** JCS does not normalise Unicode, so a text that can be written in two ways is refused before it is signed. */
function notNormalised(value: Json, path = ''): Problem[] {
  const problem = (text: string): Problem[] => (text === text.normalize('NFC') ? [] : [{ path, message: 'must be in Unicode NFC' }]);
  if (typeof value === 'string') return problem(value);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as Record<string, Json>).flatMap(([name, item]) => [
    ...problem(name), ...notNormalised(item, `${path}/${name}`),
  ]);
}

function described(error: ErrorObject): Problem {
  const detail = error.keyword === 'additionalProperties' ? `: ${String(error.params['additionalProperty'])}` : '';
  return { path: error.instancePath, message: (error.message ?? error.keyword) + detail };
}

function invalid(documentType: string, problems: Problem[]): Refusal {
  return new Refusal('document_invalid', `This is not a valid document of type ${documentType}.`, {
    extra: { problems: problems.slice(0, PROBLEMS_SHOWN) },
  });
}

/** Documents by type (`ownership_claim`), each with its schema. A schema that does not compile fails the start. */
export function makeDocuments(schemas: Readonly<Record<string, object>>): Documents {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false, strictTuples: false });
  addFormats.default(ajv);
  const validators = new Map<string, ValidateFunction>();
  for (const [documentType, schema] of Object.entries(schemas)) validators.set(documentType, ajv.compile(schema));
  return {
    documentTypes: [...validators.keys()].sort(),
    validate(documentType, document) {
      const validator = validators.get(documentType);
      if (validator === undefined) throw invalid(documentType, [{ path: '', message: 'there is no such type of document' }]);
      const plain = parseStrictJson(canonicalJson(document));
      if (!validator(plain)) throw invalid(documentType, (validator.errors ?? []).map(described));
      const problems = notNormalised(plain);
      if (problems.length > 0) throw invalid(documentType, problems);
      if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
        throw invalid(documentType, [{ path: '', message: 'must be an object' }]);
      }
      return plain as JsonObject;
    },
  };
}

const FOLDER = new URL('../../contracts/rights/', import.meta.url);
let ours: Documents | null = null;

/** Every `<kebab-name>.schema.json` of a folder, as the document type `snake_name`. Our own are compiled once a process. */
export function loadDocuments(folder: URL = FOLDER): Documents {
  if (folder === FOLDER && ours !== null) return ours;
  const schemas: Record<string, object> = {};
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.schema.json')).sort()) {
    const schema: unknown = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
    if (typeof schema !== 'object' || schema === null) throw new Error(`contracts/rights/${file} is not a schema`);
    schemas[file.replace('.schema.json', '').replaceAll('-', '_')] = schema;
  }
  const documents = makeDocuments(schemas);
  if (folder === FOLDER) ours = documents;
  return documents;
}
