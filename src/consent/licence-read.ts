import { isObject } from './shape.ts';

/**
 * A licence's terms in the form of a grant, with care: the document may be any JSON. Null when it is no licence. What is
 * inside is read by whoever reads grants, and a member that cannot be read there grants nothing.
 */
export function licenceAsGrant(document: unknown): { grant: Record<string, unknown>; licensee: unknown } | null {
  if (!isObject(document) || document['type'] !== 'benren.licence' || document['schemaVersion'] !== 1 || !isObject(document['terms'])) return null;
  const { licensee, terms } = document;
  return {
    licensee: isObject(licensee) ? licensee['accountId'] : null,
    grant: {
      ...terms, type: 'benren.grant', schemaVersion: 2, grantId: document['grantId'], cloneId: document['cloneId'], version: 1, supersedes: null,
      owner: document['owner'], licensee: 'platform',
    },
  };
}
