import type { ConsentAssertion, ManifestInput } from '../../src/provenance/index.ts';

/** A mono 16-bit PCM WAV of a tone: real audio without a voice. */
export function sineWav(seconds = 1, sampleRate = 24_000, hz = 220): Buffer {
  const samples = Math.round(seconds * sampleRate);
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(sampleRate, 24);
  wav.writeUInt32LE(sampleRate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i += 1) wav.writeInt16LE(Math.round(8_000 * Math.sin((2 * Math.PI * hz * i) / sampleRate)), 44 + i * 2);
  return wav;
}

export const consent: ConsentAssertion = {
  grantId: 'grt_01', grantDigest: 'ab'.repeat(32), cloneId: 'cln_01', versionId: 'ver_01', outputId: 'out_01', decisionId: 'dec_01',
  audience: 'fan', gates: [{ gateId: 'gat_platform', kind: 'platform', epoch: 0 }, { gateId: 'gat_01', kind: 'clone', epoch: 3 }],
  language: 'zh-CN', territory: 'CN', disclosure: 'spoken', watermark: 'none',
};

export const manifestInput: ManifestInput = {
  generator: { name: 'Benren', version: '0.1.0' },
  model: { name: 'reference-voice', version: '1' },
  at: new Date('2026-11-23T08:00:00Z'),
  consent,
};

export const made = { contentProducer: 'BENREN-DEVELOPMENT', produceId: 'out_01' };
