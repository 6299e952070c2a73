import type { JsonObject } from '../kernel/canonical-json.ts';

/**
 * The rules that the house puts on every output, as a document: what an owner approves when they approve a version.
 * Changing a rule here changes its digest, and drafts frozen under the old one can no longer be approved.
 */
export const HOUSE_POLICY: JsonObject = {
  type: 'benren.house_policy',
  schemaVersion: 1,
  outputs: {
    onlyWithin: 'the signed grant in force; what it does not say is denied',
    disclosure: 'every file opens with the explicit disclosure of its territory; no request can switch it off',
    marks: 'C2PA manifest, GB 45438-2025 implicit label',
    adultContent: false,
    politicalContent: false,
  },
  script: 'the words are the requester\'s; the persona text is never spoken as the owner\'s own statement',
  stop: 'no release commits after a stop',
};
