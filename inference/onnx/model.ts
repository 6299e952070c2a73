import { ProtoWriter } from './protobuf.ts';

/**
 * The part of the ONNX format that our graphs use, and its bytes. Field numbers are those of onnx.proto3 for IR version 8,
 * operator set 17. Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */
export type ElementType = 'f32' | 'f64' | 'i64' | 'bool';

/** TensorProto.DataType. */
const ELEMENT_CODES: Record<ElementType, number> = { f32: 1, i64: 7, bool: 9, f64: 11 };
/** AttributeProto.AttributeType. */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;
const IR_VERSION = 8;
const OPERATOR_SET = 17;

export interface Tensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Little-endian elements in row-major order. */
  readonly raw: Uint8Array;
}

export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] };

export interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  /** A number fixes the axis, a name leaves it open. */
  readonly dims: readonly (number | string)[];
}

export interface Model {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initialisers: readonly Tensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly metadata: Readonly<Record<string, string>>;
}

function encodeAttribute(name: string, attribute: Attribute): ProtoWriter {
  const writer = new ProtoWriter().string(1, name);
  switch (attribute.kind) {
    case 'float':
      return writer.float(2, attribute.value).int(20, ATTRIBUTE_FLOAT);
    case 'int':
      return writer.int(3, attribute.value).int(20, ATTRIBUTE_INT);
    case 'ints':
      for (const value of attribute.value) writer.int(8, value);
      return writer.int(20, ATTRIBUTE_INTS);
  }
}

function encodeNode(node: Node, index: number): ProtoWriter {
  const writer = new ProtoWriter();
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(3, `${node.operator}_${index}`).string(4, node.operator);
  for (const [name, attribute] of Object.entries(node.attributes)) writer.message(5, encodeAttribute(name, attribute));
  return writer;
}

function encodeTensor(tensor: Tensor): ProtoWriter {
  const writer = new ProtoWriter();
  for (const dim of tensor.dims) writer.int(1, dim);
  return writer.int(2, ELEMENT_CODES[tensor.type]).string(8, tensor.name).bytes(9, tensor.raw);
}

function encodeValueInfo(info: ValueInfo): ProtoWriter {
  const shape = new ProtoWriter();
  for (const dim of info.dims) {
    shape.message(1, typeof dim === 'number' ? new ProtoWriter().int(1, dim) : new ProtoWriter().string(2, dim));
  }
  const tensorType = new ProtoWriter().int(1, ELEMENT_CODES[info.type]).message(2, shape);
  return new ProtoWriter().string(1, info.name).message(2, new ProtoWriter().message(1, tensorType));
}

/** The bytes of a ModelProto. Equal models give equal bytes: nothing here reads a clock or iterates an unordered set. */
export function encodeModel(model: Model): Uint8Array {
  const graph = new ProtoWriter();
  model.nodes.forEach((node, index) => graph.message(1, encodeNode(node, index)));
  graph.string(2, model.name);
  for (const tensor of model.initialisers) graph.message(5, encodeTensor(tensor));
  for (const input of model.inputs) graph.message(11, encodeValueInfo(input));
  for (const output of model.outputs) graph.message(12, encodeValueInfo(output));

  const writer = new ProtoWriter()
    .int(1, IR_VERSION)
    .string(2, 'benren')
    .message(7, graph)
    .message(8, new ProtoWriter().string(1, '').int(2, OPERATOR_SET));
  for (const [key, value] of Object.entries(model.metadata)) {
    writer.message(14, new ProtoWriter().string(1, key).string(2, value));
  }
  return writer.finish();
}
