import type { ManifestDefinition } from './manifest.ts';

/**
 * The rules of C2PA 2.4 that the engines do not enforce: they sign illegal labels and read them back as Trusted, while
 * the official rubric rejects the file. So a manifest passes here before it is signed.
 */

const C2PA_ASSERTIONS = new Set([
  'c2pa.soft-binding', 'c2pa.cloud-data', 'c2pa.embedded-data', 'c2pa.metadata', 'c2pa.certificate-status', 'c2pa.asset-ref',
  'c2pa.asset-type.v2', 'c2pa.ingredient.v3', 'c2pa.actions.v2', 'c2pa.thumbnail.claim', 'c2pa.thumbnail.ingredient',
  'c2pa.depthmap.GDepth', 'c2pa.icon', 'c2pa.alternative-content-representation', 'c2pa.external-reference',
  'c2pa.session-keys', 'c2pa.environmental-sustainability', 'c2pa.repository-receipt', 'c2pa.ai-disclosure',
  'c2pa.assertion.metadata', 'c2pa.time-stamp',
]);
const CAWG_ASSERTIONS = new Set(['cawg.identity', 'cawg.training-mining', 'cawg.metadata']);
const C2PA_ACTIONS = new Set([
  'addedText', 'adjustedColor', 'changedSpeed', 'converted', 'created', 'cropped', 'deleted', 'drawing', 'dubbed', 'edited',
  'edited.metadata', 'enhanced', 'filtered', 'mastered', 'mixed', 'opened', 'orientation', 'placed', 'published', 'redacted',
  'remixed', 'removed', 'repackaged', 'resized', 'resized.proportional', 'transcoded', 'translated', 'trimmed', 'unknown',
  'watermarked.bound', 'watermarked.unbound',
]);
const COMPONENT = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const ACTIONS_LABEL = 'c2pa.actions.v2';

/** What is wrong with an assertion's label; `undefined` when nothing is. */
export function labelProblem(label: string): string | undefined {
  const components = label.split('.');
  if (components.length < 2) return `${label}: a label needs a dot`;
  if (!components.every((component) => COMPONENT.test(component))) return `${label}: not the label grammar`;
  if (label.includes('__')) return `${label}: a double underscore is reserved for instances`;
  const [entity] = components;
  if (entity === 'c2pa' && !C2PA_ASSERTIONS.has(label)) return `${label}: not an assertion of C2PA 2.4 that a claim generator writes`;
  if (entity === 'cawg' && !CAWG_ASSERTIONS.has(label)) return `${label}: not an assertion of CAWG`;
  if (entity === 'stds') return `${label}: deprecated`;
  return undefined;
}

function records(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null);
}

function nameProblem(name: string): string | undefined {
  if (name.startsWith('c2pa.')) {
    return C2PA_ACTIONS.has(name.slice('c2pa.'.length)) ? undefined : `${name}: not an action of C2PA 2.4`;
  }
  return name.split('.').length > 1 && name.split('.').every((part) => COMPONENT.test(part)) ? undefined : `${name}: not an action’s name`;
}

function actionProblems(action: Record<string, unknown>, at: number): string[] {
  const name = typeof action['action'] === 'string' ? action['action'] : '';
  const problems: string[] = [];
  const wrongName = nameProblem(name);
  if (wrongName !== undefined) problems.push(wrongName);
  const inception = name === 'c2pa.created' || name === 'c2pa.opened';
  if (inception !== (at === 0)) problems.push('exactly the first action is c2pa.created or c2pa.opened');
  if (name === 'c2pa.created' && typeof action['digitalSourceType'] !== 'string') problems.push('c2pa.created lacks its digitalSourceType');
  if (name === 'c2pa.opened' && 'digitalSourceType' in action) problems.push('c2pa.opened has a digitalSourceType');
  return problems;
}

function actionsProblems(manifest: ManifestDefinition): string[] {
  const [actions, second] = manifest.assertions.filter((assertion) => assertion.label === ACTIONS_LABEL);
  if (actions === undefined || second !== undefined) return ['there is not exactly one actions assertion'];
  const list = records(actions.data['actions']);
  const problems = list.flatMap(actionProblems);
  if (list.length === 0) problems.push('there is no action');
  if (typeof actions.data['allActionsIncluded'] !== 'boolean') problems.push('allActionsIncluded is missing');
  const watermarked = list.some((action) => String(action['action']).startsWith('c2pa.watermarked'));
  if (watermarked && !manifest.assertions.some((assertion) => assertion.label === 'c2pa.soft-binding')) {
    problems.push('a watermark action needs a soft binding');
  }
  return problems;
}

/** What the official rubric for 2.4 would reject, in words; empty when nothing. */
export function lintManifest(manifest: ManifestDefinition): string[] {
  const problems = manifest.assertions.flatMap((assertion) => labelProblem(assertion.label) ?? []);
  const labels = manifest.assertions.map((assertion) => assertion.label);
  if (new Set(labels).size !== labels.length) problems.push('a label stands twice');
  if (manifest.claim_generator_info.some((info) => info.specVersion !== '2.4' || info.name === '') || manifest.claim_generator_info.length !== 1) {
    problems.push('claim_generator_info lacks its name or specVersion');
  }
  return [...problems, ...actionsProblems(manifest)];
}
