import type { GrantTerms } from './grant.ts';

export function addYears(start: Date, years: number): Date {
  const end = new Date(start);
  end.setUTCFullYear(end.getUTCFullYear() + years);
  return end;
}

/** The start of the day on which somebody is that old; who was born on 29 February is a day later in other years. */
export function birthdayOf(dateOfBirth: string, years: number): Date {
  return addYears(new Date(`${dateOfBirth}T00:00:00Z`), years);
}

/** Whether the person is under 18 when the grant begins. A grant that says so is believed; so is a date of birth. */
export function isUnderAge({ subject, validFrom }: Pick<GrantTerms, 'subject' | 'validFrom'>): boolean {
  if (subject.isMinor) return true;
  return subject.dateOfBirth !== null && Date.parse(validFrom) < birthdayOf(subject.dateOfBirth, 18).getTime();
}
