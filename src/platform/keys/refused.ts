/** Stands in every development key's file, so that a copied one still says what it is. */
export const DEVELOPMENT_MARKER = 'Benren development key. Made on first start, never to be used in production.';

/** Keys with which the service must not start. Names the settings, never a path or a value. */
export class KeysRefused extends Error {
  readonly settings: readonly string[];

  constructor(settings: readonly string[], reason: string) {
    super(`${settings.join(', ')}: ${reason}`);
    this.name = 'KeysRefused';
    this.settings = settings;
  }
}
