/** Reads a value of any JSON as one kind of thing; null when it is not exactly that. */
export type Shape<T> = (value: unknown) => { value: T } | null;

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function when<T>(test: (value: unknown) => value is T): Shape<T> {
  return (value) => (test(value) ? { value } : null);
}

export const flag: Shape<boolean> = when((value): value is boolean => typeof value === 'boolean');
export const text: Shape<string> = when((value): value is string => typeof value === 'string' && value.trim() !== '');
export const count: Shape<number> = when((value): value is number => Number.isSafeInteger(value) && Number(value) >= 0);

export function matching(pattern: RegExp): Shape<string> {
  return when((value): value is string => typeof value === 'string' && pattern.test(value));
}

export function literal<const T extends string | number | null>(...allowed: readonly T[]): Shape<T> {
  return when((value): value is T => (allowed as readonly unknown[]).includes(value));
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === null ? { value: null } : shape(value));
}

export function list<T>(item: Shape<T>): Shape<T[]> {
  return (value) => {
    if (!Array.isArray(value)) return null;
    const items: T[] = [];
    for (const member of value as unknown[]) {
      const read = item(member);
      if (read === null) return null;
      items.push(read.value);
    }
    return { value: items };
  };
}

/** Exactly these members: one more may be a restriction that this code would not keep. */
export function members<T extends object>(shapes: { readonly [Name in keyof T]: Shape<T[Name]> }): Shape<T> {
  const names = Object.keys(shapes) as (keyof T & string)[];
  return (value) => {
    if (!isObject(value) || Object.keys(value).length !== names.length) return null;
    const read: Partial<T> = {};
    for (const name of names) {
      const member = Object.hasOwn(value, name) ? shapes[name](value[name]) : null;
      if (member === null) return null;
      read[name] = member.value;
    }
    return { value: read as T };
  };
}

/** An instant with its day and hour; what is kept is the text. */
export const instant: Shape<string> = when(
  (value): value is string => typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && Number.isFinite(Date.parse(value)),
);

/** A calendar day that exists. */
export const day: Shape<string> = when((value): value is string => {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const time = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(value);
});
