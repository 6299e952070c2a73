import type { JsonObject } from '../../src/kernel/canonical-json.ts';

/**
 * A small evaluator of ODRL policies in the profile of contracts/odrl/replica-1.jsonld, written from the profile's own words
 * and from nothing else of ours: closed world, and a prohibition always wins.
 */
type Value = string | number | boolean;

/** What is asked: an action, and the values that left operands have. One without a value is left out. */
export interface Asked {
  action: string;
  values: Readonly<Record<string, readonly Value[]>>;
}

interface Constraint { leftOperand: string; operator: string; rightOperand: unknown }
interface Rule { action: string; constraint?: Constraint[] }

function literals(rightOperand: unknown): unknown[] {
  const all: unknown[] = Array.isArray(rightOperand) ? rightOperand : [rightOperand];
  return all.map((item) => (typeof item === 'object' && item !== null && '@value' in item ? Date.parse(String(item['@value'])) : item));
}

const OPERATORS: Readonly<Record<string, (left: Value, right: unknown[]) => boolean>> = {
  eq: (left, [right]) => left === right,
  neq: (left, [right]) => left !== right,
  gteq: (left, [right]) => Number(left) >= Number(right),
  lteq: (left, [right]) => Number(left) <= Number(right),
  lt: (left, [right]) => Number(left) < Number(right),
  isAnyOf: (left, right) => right.includes(left),
  isNoneOf: (left, right) => !right.includes(left),
};

function satisfied(asked: Asked, { leftOperand, operator, rightOperand }: Constraint): boolean {
  const holds = OPERATORS[operator];
  if (holds === undefined) throw new Error(`no operator ${operator}`);
  return (asked.values[leftOperand] ?? []).some((left) => holds(left, literals(rightOperand)));
}

function applies(asked: Asked, rule: Rule, everything: boolean): boolean {
  return (rule.action === asked.action || (everything && rule.action === 'use')) && (rule.constraint ?? []).every((one) => satisfied(asked, one));
}

export function permitted(policy: JsonObject, asked: Asked): boolean {
  const { permission, prohibition, conflict } = policy as unknown as { permission: Rule[]; prohibition: Rule[]; conflict: string };
  if (conflict !== 'prohibit') throw new Error('not a policy of this profile');
  return permission.some((rule) => applies(asked, rule, false)) && !prohibition.some((rule) => applies(asked, rule, true));
}
