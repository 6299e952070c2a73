import type { Attribute, ElementType, Model, Node, Tensor, ValueInfo } from './model.ts';

/** A tensor inside a graph. The element type is known to the compiler: adding an i64 to an f32 does not compile. */
export interface Value<T extends ElementType = ElementType> {
  readonly name: string;
  readonly type: T;
}

type Numeric = 'f32' | 'f64' | 'i64';
type Real = 'f32' | 'f64';

const int = (value: number): Attribute => ({ kind: 'int', value });
const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });

/**
 * Writes an ONNX graph as if it were arithmetic. Every method adds one node (or a shared constant) and returns its value;
 * shapes follow ONNX broadcasting and are checked by the runtime when the session is made.
 */
export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #initialisers: Tensor[] = [];
  readonly #constants = new Map<string, string>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];

  input<T extends ElementType>(name: string, type: T, dims: readonly (number | string)[]): Value<T> {
    this.#inputs.push({ name, type, dims });
    return { name, type };
  }

  output(name: string, value: Value, dims: readonly (number | string)[]): void {
    this.#nodes.push({ operator: 'Identity', inputs: [value.name], outputs: [name], attributes: {} });
    this.#outputs.push({ name, type: value.type, dims });
  }

  build(name: string, metadata: Readonly<Record<string, string>>): Model {
    return {
      name, metadata, nodes: this.#nodes, initialisers: this.#initialisers, inputs: this.#inputs, outputs: this.#outputs,
    };
  }

  // constants ------------------------------------------------------------------------------------------------------

  /** A float tensor; without `dims` an array is a vector and a number a scalar. */
  f32(values: number | readonly number[] | Float32Array, dims?: readonly number[]): Value<'f32'> {
    const data = typeof values === 'number' ? Float32Array.of(values) : Float32Array.from(values);
    return this.#constant('f32', dims ?? (typeof values === 'number' ? [] : [data.length]), data);
  }

  i64(values: number | readonly number[], dims?: readonly number[]): Value<'i64'> {
    const list = typeof values === 'number' ? [values] : values;
    const data = BigInt64Array.from(list, (value) => BigInt(value));
    return this.#constant('i64', dims ?? (typeof values === 'number' ? [] : [data.length]), data);
  }

  // arithmetic -----------------------------------------------------------------------------------------------------

  add<T extends Numeric>(a: Value<T>, b: Value<T>): Value<T> { return this.#op('Add', [a, b], a.type); }
  sub<T extends Numeric>(a: Value<T>, b: Value<T>): Value<T> { return this.#op('Sub', [a, b], a.type); }
  mul<T extends Numeric>(a: Value<T>, b: Value<T>): Value<T> { return this.#op('Mul', [a, b], a.type); }
  div<T extends Numeric>(a: Value<T>, b: Value<T>): Value<T> { return this.#op('Div', [a, b], a.type); }
  mod(a: Value<'i64'>, b: Value<'i64'>): Value<'i64'> { return this.#op('Mod', [a, b], 'i64'); }
  max(a: Value<'f32'>, b: Value<'f32'>): Value<'f32'> { return this.#op('Max', [a, b], 'f32'); }
  min(a: Value<'f32'>, b: Value<'f32'>): Value<'f32'> { return this.#op('Min', [a, b], 'f32'); }
  pow(a: Value<'f32'>, b: Value<'f32'>): Value<'f32'> { return this.#op('Pow', [a, b], 'f32'); }
  neg<T extends Numeric>(a: Value<T>): Value<T> { return this.#op('Neg', [a], a.type); }
  exp(a: Value<'f32'>): Value<'f32'> { return this.#op('Exp', [a], 'f32'); }
  sin(a: Value<'f32'>): Value<'f32'> { return this.#op('Sin', [a], 'f32'); }
  cos(a: Value<'f32'>): Value<'f32'> { return this.#op('Cos', [a], 'f32'); }
  sqrt(a: Value<'f32'>): Value<'f32'> { return this.#op('Sqrt', [a], 'f32'); }
  abs(a: Value<'f32'>): Value<'f32'> { return this.#op('Abs', [a], 'f32'); }
  tanh(a: Value<'f32'>): Value<'f32'> { return this.#op('Tanh', [a], 'f32'); }
  relu(a: Value<'f32'>): Value<'f32'> { return this.#op('Relu', [a], 'f32'); }
  sigmoid(a: Value<'f32'>): Value<'f32'> { return this.#op('Sigmoid', [a], 'f32'); }
  floor<T extends Real>(a: Value<T>): Value<T> { return this.#op('Floor', [a], a.type); }
  ceil<T extends Real>(a: Value<T>): Value<T> { return this.#op('Ceil', [a], a.type); }
  matMul(a: Value<'f32'>, b: Value<'f32'>): Value<'f32'> { return this.#op('MatMul', [a, b], 'f32'); }
  cumSum<T extends Numeric>(a: Value<T>, axis = 0): Value<T> { return this.#op('CumSum', [a, this.i64(axis)], a.type); }

  // logic ----------------------------------------------------------------------------------------------------------

  equal(a: Value<Numeric>, b: Value<Numeric>): Value<'bool'> { return this.#op('Equal', [a, b], 'bool'); }
  greater(a: Value<Numeric>, b: Value<Numeric>): Value<'bool'> { return this.#op('Greater', [a, b], 'bool'); }
  not(a: Value<'bool'>): Value<'bool'> { return this.#op('Not', [a], 'bool'); }
  where<T extends Numeric>(when: Value<'bool'>, then: Value<T>, otherwise: Value<T>): Value<T> {
    return this.#op('Where', [when, then, otherwise], then.type);
  }

  // shape ----------------------------------------------------------------------------------------------------------

  cast<T extends ElementType>(a: Value, to: T): Value<T> {
    const codes: Record<ElementType, number> = { f32: 1, i64: 7, bool: 9, f64: 11 };
    return this.#op('Cast', [a], to, { to: int(codes[to]) });
  }

  /** -1 in `dims` is inferred, 0 keeps the input's axis. */
  reshape<T extends ElementType>(a: Value<T>, dims: readonly number[]): Value<T> {
    return this.#op('Reshape', [a, this.i64(dims)], a.type);
  }

  transpose<T extends ElementType>(a: Value<T>, axes: readonly number[]): Value<T> {
    return this.#op('Transpose', [a], a.type, { perm: ints(axes) });
  }

  /** The size of one axis, as a vector of one element. */
  size(a: Value, axis: number): Value<'i64'> {
    return this.#op('Shape', [a], 'i64', { start: int(axis), end: int(axis + 1) });
  }

  concat<T extends ElementType>(values: readonly Value<T>[], axis = 0): Value<T> {
    const first = values[0];
    if (first === undefined) throw new Error('concat of nothing');
    return this.#op('Concat', values, first.type, { axis: int(axis) });
  }

  /** Elements [from, to) along one axis; negative bounds count from the end. */
  slice<T extends ElementType>(a: Value<T>, from: number | Value<'i64'>, to: number | Value<'i64'>, axis = 0): Value<T> {
    const bound = (value: number | Value<'i64'>): Value<'i64'> => (typeof value === 'number' ? this.i64([value]) : value);
    return this.#op('Slice', [a, bound(from), bound(to), this.i64([axis])], a.type);
  }

  split(a: Value<'f32'>, sizes: readonly number[], axis: number): Value<'f32'>[] {
    const outputs = sizes.map((_, index) => `v${this.#nodes.length}_${index}`);
    this.#nodes.push({
      operator: 'Split', inputs: [a.name, this.i64(sizes).name], outputs, attributes: { axis: int(axis) },
    });
    return outputs.map((name) => ({ name, type: 'f32' }));
  }

  gather<T extends ElementType>(a: Value<T>, indices: Value<'i64'>, axis = 0): Value<T> {
    return this.#op('Gather', [a, indices], a.type, { axis: int(axis) });
  }

  /** One column (or row) by its number; the axis disappears. */
  pick<T extends ElementType>(a: Value<T>, index: number, axis = 0): Value<T> {
    return this.gather(a, this.i64(index), axis);
  }

  scatter<T extends ElementType>(into: Value<T>, indices: Value<'i64'>, updates: Value<T>): Value<T> {
    return this.#op('ScatterElements', [into, indices, updates], into.type, { axis: int(0) });
  }

  /** The positions of the true elements of a vector, as a vector. */
  positions(mask: Value<'bool'>): Value<'i64'> {
    return this.reshape(this.#op('NonZero', [mask], 'i64'), [-1]);
  }

  /** 0 … n-1. */
  range(n: Value<'i64'>): Value<'i64'> {
    return this.#op('Range', [this.i64(0), this.reshape(n, []), this.i64(1)], 'i64');
  }

  expand<T extends ElementType>(a: Value<T>, shape: Value<'i64'>): Value<T> {
    return this.#op('Expand', [a, shape], a.type);
  }

  sum(a: Value<'f32'>, axis: number, keep = false): Value<'f32'> {
    return this.#op('ReduceSum', [a, this.i64([axis])], 'f32', { keepdims: int(keep ? 1 : 0) });
  }

  /** A bank of FIR filters over [1, 1, N]; kernels are [bank, 1, taps]. */
  convolve(signal: Value<'f32'>, kernels: Value<'f32'>): Value<'f32'> {
    return this.#op('Conv', [signal, kernels], 'f32');
  }

  // --------------------------------------------------------------------------------------------------------------

  #op<T extends ElementType>(
    operator: string, inputs: readonly Value[], type: T, attributes: Readonly<Record<string, Attribute>> = {},
  ): Value<T> {
    const name = `v${this.#nodes.length}`;
    this.#nodes.push({ operator, inputs: inputs.map((input) => input.name), outputs: [name], attributes });
    return { name, type };
  }

  #constant<T extends 'f32' | 'i64'>(type: T, dims: readonly number[], data: Float32Array | BigInt64Array): Value<T> {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const size = dims.reduce((product, dim) => product * dim, 1);
    if (size !== data.length) throw new Error(`constant of ${data.length} elements cannot have the shape [${dims.join(', ')}]`);
    // Small constants repeat a lot (axes, scalars): one initialiser for each distinct one.
    const key = raw.length <= 64 ? `${type}:${dims.join('x')}:${Buffer.from(raw).toString('hex')}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return { name: known, type };
    const name = `c${this.#initialisers.length}`;
    this.#initialisers.push({ name, type, dims, raw });
    if (key !== undefined) this.#constants.set(key, name);
    return { name, type };
  }
}
