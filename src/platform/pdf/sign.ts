import 'reflect-metadata';
import { createHash, type KeyObject, sign, type X509Certificate } from 'node:crypto';

import {
  Attribute, CertificateChoices, CertificateSet, CMSVersion, ContentInfo, DigestAlgorithmIdentifier, DigestAlgorithmIdentifiers, EncapsulatedContentInfo,
  IssuerAndSerialNumber, SignatureAlgorithmIdentifier, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
} from '@peculiar/asn1-cms';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { Certificate } from '@peculiar/asn1-x509';
import { type PDFDocument, PDFHexString, PDFName, PDFString } from '@cantoo/pdf-lib';
import { SignPdf } from '@signpdf/signpdf';
import { DEFAULT_BYTE_RANGE_PLACEHOLDER, Signer } from '@signpdf/utils';

/**
 * PAdES baseline B-B (ETSI EN 319 142-1): a CMS signature over the whole file but itself. RSA PKCS#1 v1.5, which has no chance
 * in it, and no signing time among the signed attributes: the same paper and key give the same bytes.
 */

export interface SigningKeys {
  /** The leaf first. */
  chain: readonly X509Certificate[];
  /** RSA, the leaf's. */
  key: KeyObject;
}

const OID = {
  data: '1.2.840.113549.1.7.1', signedData: '1.2.840.113549.1.7.2', sha256: '2.16.840.1.101.3.4.2.1', sha256WithRsa: '1.2.840.113549.1.1.11',
  contentType: '1.2.840.113549.1.9.3', messageDigest: '1.2.840.113549.1.9.4', signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

const DER_NULL = Uint8Array.from([5, 0]).buffer;
/** Room for a chain of five certificates. */
const SIGNATURE_BYTES = 8_192;

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

function exact(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

/** Tag, length and content. */
function der(tag: number, content: Uint8Array): Buffer {
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Uint8Array.from([tag, ...length]), content]);
}

const SEQUENCE = 0x30;
const SET = 0x31;
const OCTETS = 0x04;

/** RFC 5035 with SHA-256, which is its default: SEQUENCE { certs SEQUENCE OF ESSCertIDv2 { certHash } }. */
function signingCertificate(leaf: X509Certificate): Buffer {
  return der(SEQUENCE, der(SEQUENCE, der(SEQUENCE, der(OCTETS, sha256(leaf.raw)))));
}

/** DER sorts a SET OF by the encodings of its members. */
function signedAttributes(content: Uint8Array, leaf: X509Certificate): { attributes: Attribute[]; encoded: Buffer } {
  const contentType = Buffer.from([0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01]);
  const all = [
    new Attribute({ attrType: OID.contentType, attrValues: [exact(contentType)] }),
    new Attribute({ attrType: OID.messageDigest, attrValues: [exact(der(OCTETS, sha256(content)))] }),
    new Attribute({ attrType: OID.signingCertificateV2, attrValues: [exact(signingCertificate(leaf))] }),
  ].map((attribute) => ({ attribute, bytes: Buffer.from(AsnConvert.serialize(attribute)) })).sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  return { attributes: all.map((one) => one.attribute), encoded: der(SET, Buffer.concat(all.map((one) => one.bytes))) };
}

/** A detached CMS signature with what CAdES asks for. */
function cmsSignature(content: Uint8Array, { chain, key }: SigningKeys): Buffer {
  const [leaf] = chain;
  if (leaf === undefined) throw new Error('There is no certificate to sign with.');
  const certificates = chain.map((one) => AsnConvert.parse(exact(one.raw), Certificate));
  const { issuer, serialNumber } = AsnConvert.parse(exact(leaf.raw), Certificate).tbsCertificate;
  const { attributes, encoded } = signedAttributes(content, leaf);
  const digestAlgorithm = new DigestAlgorithmIdentifier({ algorithm: OID.sha256 });
  const signer = new SignerInfo({
    version: CMSVersion.v1, sid: new SignerIdentifier({ issuerAndSerialNumber: new IssuerAndSerialNumber({ issuer, serialNumber }) }), digestAlgorithm,
    signedAttrs: attributes, signatureAlgorithm: new SignatureAlgorithmIdentifier({ algorithm: OID.sha256WithRsa, parameters: DER_NULL }),
    signature: new OctetString(exact(sign('sha256', encoded, key))),
  });
  const signed = new SignedData({
    version: CMSVersion.v1, digestAlgorithms: new DigestAlgorithmIdentifiers([digestAlgorithm]), encapContentInfo: new EncapsulatedContentInfo({ eContentType: OID.data }),
    certificates: new CertificateSet(certificates.map((certificate) => new CertificateChoices({ certificate }))), signerInfos: new SignerInfos([signer]),
  });
  return Buffer.from(AsnConvert.serialize(new ContentInfo({ contentType: OID.signedData, content: AsnConvert.serialize(signed) })));
}

class CmsSigner extends Signer {
  readonly #keys: SigningKeys;

  constructor(keys: SigningKeys) {
    super();
    this.#keys = keys;
  }

  override sign(pdf: Buffer): Promise<Buffer> {
    return Promise.resolve(cmsSignature(pdf, this.#keys));
  }
}

function pdfDate(at: Date): string {
  return `D:${at.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`;
}

/** An invisible signature field on the first page, with room for the signature. */
function addPlaceholder(pdf: PDFDocument, about: { name: string; reason: string; at: Date }): void {
  const { context } = pdf;
  const page = pdf.getPage(0);
  const range = PDFName.of(DEFAULT_BYTE_RANGE_PLACEHOLDER);
  const signature = context.register(context.obj({
    Type: 'Sig', Filter: 'Adobe.PPKLite', SubFilter: 'ETSI.CAdES.detached', ByteRange: [0, range, range, range],
    Contents: PDFHexString.of('0'.repeat(SIGNATURE_BYTES * 2)), M: PDFString.of(pdfDate(about.at)), Name: PDFHexString.fromText(about.name),
    Reason: PDFHexString.fromText(about.reason),
  }));
  const field = context.register(context.obj({
    Type: 'Annot', Subtype: 'Widget', FT: 'Sig', Rect: [0, 0, 0, 0], V: signature, T: PDFString.of('Signature1'), F: 132, P: page.ref,
  }));
  page.node.set(PDFName.of('Annots'), context.obj([field]));
  pdf.catalog.set(PDFName.of('AcroForm'), context.obj({ SigFlags: 3, Fields: [field] }));
}

/** The file, signed whole. `fileId` names it in its trailer; the same for the same paper. */
export async function signPdf(pdf: PDFDocument, about: { name: string; reason: string; at: Date; fileId: string }, keys: SigningKeys): Promise<Uint8Array> {
  addPlaceholder(pdf, about);
  const id = PDFHexString.of(createHash('sha256').update(about.fileId).digest('hex').slice(0, 32));
  pdf.context.trailerInfo.ID = pdf.context.obj([id, id]);
  // The signature's dictionary must stand in the file as it is, not inside a compressed stream.
  const bytes = await pdf.save({ useObjectStreams: false });
  return await new SignPdf().sign(Buffer.from(bytes), new CmsSigner(keys));
}
