/** Why a text cannot be spoken. */
export type SpeechErrorCode = 'text_unspeakable' | 'text_too_long';

export class SpeechError extends Error {
  readonly code: SpeechErrorCode;

  constructor(code: SpeechErrorCode, message: string) {
    super(message);
    this.name = 'SpeechError';
    this.code = code;
  }
}
