import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../inference/onnx/graph.ts';
import { encodeModel } from '../../inference/onnx/model.ts';
import { ProtoWriter } from '../../inference/onnx/protobuf.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the protobuf writer', () => {
  it('writes the examples of the encoding guide', () => {
    expect(hex(new ProtoWriter().int(1, 150).finish())).toBe('089601');
    expect(hex(new ProtoWriter().string(2, 'testing').finish())).toBe('120774657374696e67');
    expect(hex(new ProtoWriter().message(3, new ProtoWriter().int(1, 150)).finish())).toBe('1a03089601');
  });

  it('writes a negative number in ten bytes and a float little-endian', () => {
    expect(hex(new ProtoWriter().int(1, -2).finish())).toBe('08feffffffffffffffff01');
    expect(hex(new ProtoWriter().float(2, 1).finish())).toBe('150000803f');
  });
});

describe('the graph builder', () => {
  function scaledCumulativeSum(): Uint8Array {
    const g = new GraphBuilder();
    const x = g.input('x', 'f32', ['n']);
    const sum = g.cumSum(x);
    g.output('y', g.where(g.greater(x, g.f32(0)), g.mul(sum, g.f32(2)), g.f32(-1)), ['n']);
    g.output('n', g.size(x, 0), [1]);
    return encodeModel(g.build('test', { kind: 'test' }));
  }

  it('gives a model that the runtime loads and computes', async () => {
    const session = await InferenceSession.create(scaledCumulativeSum(), { intraOpNumThreads: 1 });
    const result = await session.run({ x: new Tensor('float32', Float32Array.of(1, -5, 3), [3]) });
    expect(session.inputNames).toEqual(['x']);
    expect(Array.from(result['y']?.data as Float32Array)).toEqual([2, -1, -2]);
    expect(result['n']?.data).toEqual(BigInt64Array.of(3n));
    await session.release();
  });

  it('gives the same bytes each time', () => {
    expect(hex(scaledCumulativeSum())).toBe(hex(scaledCumulativeSum()));
  });

  it('refuses a constant whose shape is not its size', () => {
    expect(() => new GraphBuilder().f32([1, 2, 3], [2, 2])).toThrow('constant of 3 elements');
  });
});
