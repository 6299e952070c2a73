import { createHmac } from 'node:crypto';

/**
 * A fan's name on what a payee reads: the same on all of that payee's statements, another on every other payee's, and
 * nothing that leads back to the account for whoever lacks the service's secret.
 */
export function fanPseudonym(secret: Uint8Array, payee: string, fanAccountId: string): string {
  return `fan_${createHmac('sha256', secret).update(`${payee}\n${fanAccountId}`).digest('hex').slice(0, 24)}`;
}
