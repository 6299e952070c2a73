/** Why a recording cannot be read. One closed list; what the caller is told is decided outside. */
export type WavErrorCode =
  | 'wav_not_riff'
  | 'wav_length_lies'
  | 'wav_truncated'
  | 'wav_chunk_malformed'
  | 'wav_format_unsupported'
  | 'wav_channels_unsupported'
  | 'wav_rate_unsupported'
  | 'wav_not_finite'
  | 'wav_empty'
  | 'wav_too_large'
  | 'wav_too_long';

export class WavError extends Error {
  readonly code: WavErrorCode;

  constructor(code: WavErrorCode, message: string) {
    super(message);
    this.name = 'WavError';
    this.code = code;
  }
}
